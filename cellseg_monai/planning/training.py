"""From annotated images to a bundle: plan, train, judge, keep the best weights."""

import logging
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellseg_monai.bundling import write_card
from cellseg_monai.data import labelled, list_items, split_items
from cellseg_monai.jobs import report as write_report
from cellseg_monai.outputs import StrPath, locked
from cellseg_monai.planning.candidates import Candidate, mean_weights
from cellseg_monai.planning.folder import Folder
from cellseg_monai.planning.preparation import prepare
from cellseg_monai.planning.process import Report, run_monai

logger = logging.getLogger(__name__)

MINUTES = 30.0
"""Duration of a training if none is given."""

SHORTEST = 0.1
"""Duration of the shortest training in minutes."""

_SHARE_FOR_TRIALS, _SECONDS_FOR_TRIALS = 0.05, 8.0
_SHARE_FOR_JUDGING, _SECONDS_FOR_JUDGING = 0.1, 15.0
_SAFETY = 1.3


@dataclass(frozen=True)
class Trained:
    """Result of :func:`train`.

    Attributes:
        bundle: folder of the bundle.
        metric: score on the validation images: ``"f1@0.5"``, ``"dice"`` or ``"miou"``.
        scores: score of each candidate: the start, the trained weights, and the mean of both.
        kept: name of the candidate in the bundle.
        minutes: duration of this call.

    Example:
        >>> print(Trained(Path("cells"), "dice", {"start": 0.7, "trained": 0.8}, "trained", 8.0))
        dice on the validation images: start 0.700, trained 0.800; cells has the trained weights
        To segment images: cellseg predict cells IMAGES --out RESULT
    """

    bundle: Path
    metric: str
    scores: Mapping[str, float]
    kept: str
    minutes: float

    def __str__(self) -> str:
        scores = ", ".join(f"{name} {score:.3f}" for name, score in self.scores.items())
        weights = {"start": "weights of the start: the training did not help", "mean": "mean of both weights"}
        kept = weights.get(self.kept, "trained weights")
        return (
            f"{self.metric} on the validation images: {scores}; {self.bundle.name} has the {kept}\n"
            f"To segment images: cellseg predict {shlex.quote(str(self.bundle))} IMAGES --out RESULT"
        )


def train(
    images: StrPath,
    out: StrPath,
    *,
    start: str | None = None,
    minutes: float = MINUTES,
    validation: StrPath | None = None,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    report: Report = logger.info,
) -> Trained:
    """Train a bundle with annotated images; the same call continues an interrupted training.

    The images decide what the network learns, at which scale, and from which weights it starts. The bundle
    has the weights that are best on the validation images: those of the start, the trained ones, or the mean
    of both. ``plan.json`` has each decision with its reason.

    Args:
        images: dataset as in :func:`~cellseg_monai.data.list_items`.
        out: folder of the new bundle.
        start: bundle to start from, or ``"none"`` for random weights; by default the images decide.
        minutes: duration of everything, by the clock.
        validation: dataset of validation images; by default a fifth of the images.
        options: values by id that override the plan.
        seed: random seed of the training and of the split.
        report: function that is called with each line of progress.

    Returns:
        Scores on the validation images.

    Raises:
        ValueError: the images cannot be trained on, or the folder holds another training.
        RuntimeError: the training failed.

    Example:
        >>> train("nowhere", "my_bundle")
        Traceback (most recent call last):
        ...
        FileNotFoundError: ...nowhere: there is no such folder or file
    """
    began = time.monotonic()
    if minutes <= 0:
        raise ValueError(f"minutes={minutes:g} must be positive")
    if Path(images).is_dir() and Path(out).resolve().is_relative_to(Path(images).resolve()):
        raise ValueError(f"{out}: the folder is among the images; choose another one for the bundle")
    items = labelled(list_items(Path(images).resolve()))
    apart = None if validation is None else Path(validation).resolve()
    learned, held_out = split_items(items, seed=seed, validation_dir=apart)
    given = {"train": learned, "validation": held_out, "start": start, "options": options or {}, "seed": seed}
    with locked(out):
        folder = Folder(Path(out).resolve(), given)
        if "plan" not in folder.record:
            found = prepare(
                items, start, options, seconds=max(_SECONDS_FOR_TRIALS, 60 * minutes * _SHARE_FOR_TRIALS)
            )
            report(str(found))
            folder.begin(found, minutes)
        best = _best(folder, minutes - (time.monotonic() - began) / 60, report)
        folder.keep(best.weights)
        write_card(folder.path, {"the validation images": best.folder})
        candidates = folder.candidates
        write_report([each.folder for each in candidates.values()], folder.path / "report.html")
    scores = {name: candidate.score for name, candidate in candidates.items()}
    return Trained(Path(out), folder.judge.metric, scores, best.name, (time.monotonic() - began) / 60)


def _best(folder: Folder, minutes: float, report: Report) -> Candidate:
    """Train, and judge the weights before and after, and their mean; what is done already is not repeated."""
    began = time.monotonic()
    if folder.start.is_file():
        folder.judged("start", folder.start)
    if "training_minutes" not in folder.record:
        spent = time.monotonic() - began
        folder.note(training_minutes=max(SHORTEST, minutes - (spent + _reserve(spent, minutes)) / 60))
    if "trained" not in folder.candidates:
        run_monai(folder.training_command(), folder.path, folder.log, report)
        folder.judged("trained", folder.trained)
    if folder.start.is_file():
        folder.judged("mean", mean_weights(folder.start, folder.trained, folder.mean, folder.path))
    return max(reversed(folder.candidates.values()), key=lambda candidate: candidate.score)


def _reserve(spent: float, minutes: float) -> float:
    """Seconds for judging afterwards: two candidates as long as the start took, or a share of the time."""
    if spent > 1:
        return 2 * _SAFETY * spent
    return 60 * _SHARE_FOR_JUDGING * minutes + _SECONDS_FOR_JUDGING
