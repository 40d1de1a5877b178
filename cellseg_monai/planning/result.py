"""What a training has led to: the best weights in the bundle, its card, its report, and a summary."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cellseg_monai.bundling import write_card
from cellseg_monai.jobs import report, review
from cellseg_monai.outputs import write_text
from cellseg_monai.outputs.counting import counted
from cellseg_monai.planning.folder import Folder
from cellseg_monai.planning.held_out import gather
from cellseg_monai.planning.run import WORK
from cellseg_monai.planning.splits import FOLD, MAIN, TEST
from cellseg_monai.runtime.provenance import machine

RIVALS = ("shipped", "start", MAIN, "mean")
"""Names of the candidates for the bundle."""

GAIN = 0.01
"""Gain by the last doubling of the images from which on more images are advised."""


@dataclass(frozen=True)
class Trained:
    """Result of :func:`train`.

    Attributes:
        bundle: folder of the bundle.
        metric: score that decides: ``"f1@0.5"``, ``"dice"`` or ``"miou"``.
        scores: score on the validation images of each candidate: the model as it is shipped, the start, the
            trained weights, and the mean of the last two.
        kept: name of the candidate in the bundle.
        minutes: duration of this call.
        command: command that repeats the training with MONAI alone.
        folds: score of each fold on its own validation images.
        out_of_fold: scores of all images, each by a training that did not learn from it.
        curve: score on the validation images by number of training images.
        test: scores on the test images.
        doubts: annotations in doubt, in words; None for masks of classes.

    Example:
        >>> print(Trained(Path("cells"), "dice", {"start": 0.7, "trained": 0.8}, "trained", 8.0, "python …"))
        dice on the validation images: start 0.700, trained 0.800; cells has the trained weights
        To repeat the training with MONAI alone: python …
        To segment images: cellseg predict cells IMAGES --out RESULT
    """

    bundle: Path
    metric: str
    scores: Mapping[str, float]
    kept: str
    minutes: float
    command: str
    folds: Mapping[str, float] = field(default_factory=dict)
    out_of_fold: Mapping[str, float] = field(default_factory=dict)
    curve: Mapping[int, float] = field(default_factory=dict)
    test: Mapping[str, float] = field(default_factory=dict)
    doubts: str | None = None

    def __str__(self) -> str:
        kept = {
            "shipped": "the shipped model: the training did not help",
            "start": "the weights of the start: the training did not help",
            "mean": "the mean of both weights",
        }.get(self.kept, "the trained weights")
        scores = _listed(self.scores)
        lines = [f"{self.metric} on the validation images: {scores}; {self.bundle.name} has {kept}"]
        if self.out_of_fold:
            folds = ", ".join(f"{score:.3f}" for score in self.folds.values())
            lines.append(
                f"all images, out of fold: {_listed(self.out_of_fold)} ({self.metric} of each: {folds})"
            )
        if self.curve:
            lines.append(self._more_images())
        if self.test:
            lines.append(f"on the test images: {_listed(self.test)}")
        if self.doubts:
            lines.append(f"annotations: {self.doubts}")
        lines.append(f"To repeat the training with MONAI alone: {self.command}")
        lines.append(
            f"To segment images: cellseg predict {shlex.quote(str(self.bundle))} IMAGES --out RESULT"
        )
        return "\n".join(lines)

    def _more_images(self) -> str:
        """The learning curve, and what it says about more images."""
        curve = ", ".join(f"{counted(count, 'image')}: {score:.3f}" for count, score in self.curve.items())
        *_, before, last = self.curve.values()
        gain = last - before
        advice = (
            "annotate more: the last doubling of the images has helped"
            if gain > GAIN
            else "more images like these would hardly help"
        )
        return f"trained with {curve}; {advice} ({gain:+.3f})"


def _listed(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {score:.3f}" for name, score in scores.items())


def finish(folder: Folder, minutes: float) -> Trained:
    """Keep the best weights in the bundle, and write its card, its report and the annotations in doubt.

    Args:
        folder: folder in which all trainings are done and judged.
        minutes: duration until now.
    """
    names = list(folder.record["given"]["trainings"])
    rivals = [folder.candidates[name] for name in RIVALS if name in folder.candidates]
    best = max(reversed(rivals), key=lambda candidate: candidate.score)
    folder.keep(best.weights)
    main, found = folder.run(MAIN), {name: folder.candidates[name] for name in names}
    folds = {name: each for name, each in found.items() if name == MAIN or name.startswith(FOLD)}
    together = folder.path / WORK / "held_out"
    listed = gather({folder.run(name).validation: each for name, each in folds.items()}, together)
    shown, evaluations = [each.folder for each in rivals], {"the validation images": best.folder}
    trained = Trained(
        folder.path,
        folder.judge.metric,
        scores={each.name: each.score for each in rivals},
        kept=best.name,
        minutes=minutes,
        command=main.command(folder.record["training_minutes"], folder.start),
    )
    if len(folds) > 1:
        scores = {name: each.score for name, each in folds.items()}
        trained = replace(trained, folds=scores, out_of_fold=folder.judge.evaluate(together, listed))
        shown.append(together)
    if fewer := [name for name in names if name not in folds]:
        trained = replace(trained, curve=_curve(folder, [*fewer, MAIN], found[MAIN].folder))
    if folder.record["given"]["test"]:
        test = folder.judged(TEST, best.weights, folder.run(TEST).validation)
        trained = replace(trained, test=test.scores)
        shown.append(test.folder)
        evaluations["the test images"] = test.folder
    if folder.judge.classes is None:
        trained = replace(trained, doubts=str(review(together, listed, folder.path / "doubts")))
    write_card(folder.path, evaluations, _facts(folder))
    report(shown, folder.path / "report.html", notes={"Plan": folder.record["summary"]})
    return trained


def _facts(folder: Folder) -> dict[str, Any]:
    """Facts about the training for the card."""
    given = folder.record["given"]
    command = ["cellseg", "train", "IMAGES", "--out", folder.path.name, "--minutes", f"{given['minutes']:g}"]
    command += ["--seed", str(given["seed"])] if given["seed"] else []
    command += ["--from", given["start"]] if given["start"] else []
    options = [f"{name}={value}" for name, value in given["options"].items()]
    return {
        "command": shlex.join([*command, "--set", *options] if options else command),
        "seed": given["seed"],
        "images": len(folder.run(MAIN).learned),
        "seconds": 60 * folder.record["training_minutes"],
        "hardware": machine(),
    }


def _curve(folder: Folder, names: Sequence[str], out: Path) -> dict[int, float]:
    """Learning curve of the trainings, written where the report finds it."""
    curve = {len(folder.run(name).learned): folder.candidates[name].score for name in names}
    lines = [f"{count},{score:.4f}" for count, score in curve.items()]
    write_text(out / "learning_curve.csv", "\n".join(["images,score", *lines, ""]))
    return curve
