"""From annotated images to a bundle: plan, train, judge, keep the best weights."""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from cellseg_monai.data import labelled, list_items
from cellseg_monai.data.datalist import files_of
from cellseg_monai.outputs import Run, StrPath, locked
from cellseg_monai.planning.candidates import mean_weights
from cellseg_monai.planning.folder import Folder
from cellseg_monai.planning.preparation import MINUTES, prepare
from cellseg_monai.planning.process import Report
from cellseg_monai.planning.result import Trained, finish
from cellseg_monai.planning.splits import MAIN, TEST, some_of, split_trainings
from cellseg_monai.runtime.provenance import default_device

logger = logging.getLogger(__name__)

SHORTEST, _SHORTEST_OF_MANY = 0.1, 0.5
"""Duration in minutes of the shortest training, and of the shortest of several with all around it."""

_SHARE_FOR_JUDGING, _SECONDS_FOR_JUDGING = 0.05, 15.0
_SECONDS_TO_START, _SAFETY = 8.0, 1.3


def train(
    images: StrPath,
    out: StrPath,
    *,
    start: str | None = None,
    minutes: float = MINUTES,
    validation: StrPath | None = None,
    test: StrPath | None = None,
    folds: int = 1,
    how_many_more: bool = False,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    report: Report = logger.info,
) -> Trained:
    """Train a bundle with annotated images; the same call continues an interrupted training.

    The images decide what the network learns, at which scale, and from which weights it starts. The bundle
    has the weights that are best on the validation images: those of the start, the trained ones, or the mean
    of both. ``plan.json`` has each decision with its reason, and ``doubts/`` the annotations of validation
    images that the network contradicts with confidence.

    Args:
        images: dataset as in :func:`~cellseg_monai.data.list_items`.
        out: folder of the new bundle.
        start: bundle to start from, or ``"none"`` for random weights; by default the images decide.
        minutes: duration of everything, by the clock.
        validation: dataset of validation images; by default a fifth of the images.
        test: dataset of test images, which decide nothing.
        folds: number of trainings, each validated on another part of the images, so that every image has a
            prediction of a network that did not learn from it. The trainings share the time.
        how_many_more: whether trainings with a quarter and with half of the images show what more of them
            would gain. The trainings share the time.
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
    run = Run("train", locals())
    began = time.monotonic()
    if minutes <= 0:
        raise ValueError(f"minutes={minutes:g} must be positive")
    if Path(images).is_dir() and Path(out).resolve().is_relative_to(Path(images).resolve()):
        raise ValueError(f"{out}: the folder is among the images; choose another one for the bundle")
    items = labelled(list_items(Path(images).resolve()))
    trainings = split_trainings(
        items, folds=folds, how_many_more=how_many_more, seed=seed, validation=validation
    )
    if len(trainings) > 1 and minutes < len(trainings) * _SHORTEST_OF_MANY:
        raise ValueError(
            f"minutes={minutes:g} is too short for {len(trainings)} trainings; give at least "
            f"{len(trainings) * _SHORTEST_OF_MANY:g}"
        )
    tested = None if test is None else labelled(list_items(Path(test).resolve()))
    given = {
        "start": start,
        "minutes": minutes,
        "seed": seed,
        "options": options or {},
        "trainings": trainings,
        "test": tested,
    }
    folder = Folder(Path(out).resolve(), given)
    found = None
    if not folder.begun:  # what cannot be trained on is told before anything is written
        learned, held_out = trainings[MAIN]
        found = prepare([*learned, *held_out], start, options, minutes=minutes)
        report(str(found))
    with locked(out), ExitStack() as stack:
        if found is not None:
            folder.begin(found)
        stack.enter_context(run.recorded(out))
        run.files("inputs", files_of([*items, *(tested or ())]))
        run.begin(out)
        for name, split in trainings.items():
            folder.run(name).begin(*split)
        if folder.start is not None:
            folder.run("start").begin([], some_of(trainings[MAIN]))
        if tested is not None:
            folder.run(TEST).begin([], tested)
        _train(folder, list(trainings), minutes - (time.monotonic() - began) / 60, report)
        finished = finish(folder, (time.monotonic() - began) / 60)
        counts = {"images": len(items), "trainings": len(trainings)}
        run.note(counts=counts, device=default_device(), kept=finished.kept, scores=finished.scores)
        run.files("outputs", folder.results())
    return replace(finished, bundle=Path(out))


def _train(folder: Folder, names: Sequence[str], minutes: float, report: Report) -> None:
    """Train, and judge the weights before and after and their mean; what is done is not repeated."""
    began = time.monotonic()
    validation = folder.run(MAIN).validation
    if folder.start is not None:
        folder.judged("shipped", folder.run("shipped").weights, validation)
        folder.judged("start", folder.start, validation, calibrated_on=folder.run("start").validation)
    if "training_minutes" not in folder.record:
        spent = time.monotonic() - began
        left = minutes - (spent + len(names) * _reserve(spent, minutes / len(names))) / 60
        folder.note(training_minutes=max(SHORTEST, left / len(names)))
    for number, run in enumerate(map(folder.run, names), start=1):
        if run.name not in folder.candidates:
            which = f" {number} of {len(names)}: {run.name}" if len(names) > 1 else ""
            report(f"training{which}; {run.picture} shows a validation image")
            run.train(folder.record["training_minutes"], folder.start, report)
            folder.judged(run.name, run.weights, run.validation, calibrated_on=run.validation)
    if folder.start is not None and "mean" not in folder.candidates:
        files = [folder.start, folder.run(MAIN).weights]
        mean = mean_weights(files, folder.run("mean").weights, folder.path)
        folder.judged("mean", mean, validation, calibrated_on=validation)


def _reserve(spent: float, minutes: float) -> float:
    """Seconds to start a training and to judge two candidates, which take as long as two before it."""
    judging = spent if spent > 1 else 60 * _SHARE_FOR_JUDGING * minutes + _SECONDS_FOR_JUDGING
    return _SAFETY * (judging + _SECONDS_TO_START)
