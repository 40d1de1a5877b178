"""One run of a study: train a bundle on some images, segment others, score them. What is done stays done."""

import hashlib
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from cellseg_monai.data import one_fold
from cellseg_monai.data.datalist import Item, file_of, group_of
from cellseg_monai.jobs import evaluate
from cellseg_monai.jobs.calibration import CHOSEN, calibrate
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.outputs import write_text
from cellseg_monai.runtime.literals import literal_options
from cellseg_monai.runtime.provenance import machine
from cellseg_monai.runtime.settings import settings_beside
from cellseg_monai.studies.options import inference_options

SETTINGS, TRAINED, DONE = "settings.json", "trained.json", "done.json"
COMMAND, TRAINING_LOG, STATE = "command.json", "training.log", "training/training_state.pt"
FOLDS = 5
CHOICES, CLASSES, MULTI_CLASS = "choices", "classes", "multi_class"


@dataclass(frozen=True)
class Run:
    """A bundle, the images that it learns from, and the images that it is scored on.

    Attributes:
        name: of its folder, and of its rows in the tables.
        bundle: its folder.
        train: labelled images to learn from; none if ``pretrained`` is only to be scored.
        tests: labelled images to score, by the name of the test.
        options: values of the bundle's configurations by id, as on MONAI's command line. Those that the
            inference knows too are given to it as well. If ``classes`` is among them, the masks hold classes:
            the bundle's overlay ``multi_class`` is laid over, and classes are scored.
        overlay: configurations laid over ``train.json``, such as ``as_published``.
        validation: labelled images to choose the best epoch by, instead of a fifth of those to learn from.
        pretrained: file of the weights to start from.
        factors: what distinguishes the run, as columns of the tables.
        pieces: binary masks, whose connected pieces are the objects.
        calibrated: choose how to decode by the images that validated, see
            :func:`~cellseg_monai.jobs.calibration.calibrate`.

    Example:
        >>> run = Run("fold_1", Path("bundles/skip_unet"), [{"image": "a.tif", "label": "b.tif"}], {})
        >>> run.settings["train"]
        [{'image': 'a.tif', 'label': 'b.tif'}]
    """

    name: str
    bundle: Path
    train: Sequence[Item]
    tests: Mapping[str, Sequence[Item]]
    options: Mapping[str, Any] = field(default_factory=dict)
    overlay: Sequence[str] = ()
    validation: Sequence[Item] = ()
    pretrained: Path | None = None
    factors: Mapping[str, Any] = field(default_factory=dict)
    pieces: bool = False
    calibrated: bool = False

    def __post_init__(self) -> None:
        """Refuse what would split the images otherwise than :attr:`split`, or look for cells in classes."""
        if named := sorted({"folds", "val_fraction", "validation_dir"} & set(self.options)):
            raise ValueError(
                f"{', '.join(named)}: a study splits the images itself; choose another part by fold or seed"
            )
        if CLASSES in self.options and (self.calibrated or self.pieces):
            raise ValueError("masks of classes tell no cells apart: leave out calibrated and pieces")

    @property
    def settings(self) -> dict[str, Any]:
        """All that its result depends on, as JSON holds it."""
        described = {
            "bundle": str(self.bundle),
            "configurations": _fingerprint(self.bundle),
            "train": list(self.train),
            "validation": list(self.validation),
            "tests": {name: list(items) for name, items in self.tests.items()},
            "options": dict(self.options),
            "overlay": list(self.overlay),
            "pretrained": None if self.pretrained is None else str(self.pretrained),
            "kept_settings": self._kept_settings,
            "pieces": self.pieces,
            "calibrated": self.calibrated,
        }
        plain: dict[str, Any] = json.loads(json.dumps(described, default=str))
        return plain

    @property
    def _kept_settings(self) -> str | None:
        """Settings of weights that are only scored."""
        if self.train or self.pretrained is None:
            return None
        kept = settings_beside(self.pretrained)
        return kept.read_text() if kept.is_file() else None

    @property
    def split(self) -> tuple[Sequence[Item], Sequence[Item]]:
        """Images that train, and images that validate."""
        if self.validation:
            return self.train, self.validation
        options = self.options
        return one_fold(
            self.train, options.get("fold", 0), folds=folds_of(self.train), seed=options.get("seed", 0)
        )


def perform(run: Run, folder: Path) -> None:
    """Train, segment and score, or go on where an earlier call was interrupted.

    Args:
        run: what to do.
        folder: for the weights in ``model.pt``, one folder of scores and label maps for each test, the log.

    Raises:
        ValueError: the folder holds a run of the same name with other settings.
        RuntimeError: the training failed; the error names its log.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     perform(Run("one", Path("bundle"), [], {}), Path(folder))
        Traceback (most recent call last):
        ...
        ValueError: run 'one' has neither images to learn from nor weights
    """
    if done(run, folder):
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / SETTINGS, json.dumps(run.settings, indent=1))
    weights = weights_of(run, folder)
    if run.train and not (folder / TRAINED).is_file():
        whole = not (folder / STATE).is_file()  # else an earlier call had a part in it, of unknown length
        began = time.monotonic()
        _train(run, folder)
        seconds = time.monotonic() - began
        trained_in = {"seconds": seconds if whole else None, "hardware": machine()}
        write_text(folder / TRAINED, json.dumps(trained_in))
    options = inference_options(run.bundle, weights, run.options)
    if run.train and run.calibrated:
        options |= _decoding(run, options, folder / "calibration")
    scored_in = {name: _score(run, name, options, folder / name) for name in run.tests}
    trained = folder / TRAINED
    record = {
        "training_seconds": json.loads(trained.read_text())["seconds"] if trained.is_file() else 0.0,
        "prediction_seconds": scored_in,
        "parameters": parameters_of(weights),
    }
    write_text(folder / DONE, json.dumps(record, indent=1))


def done(run: Run, folder: Path) -> bool:
    """Whether a run need not be run again.

    Raises:
        ValueError: the folder holds a run of the same name with other settings.
    """
    file = folder / SETTINGS
    if file.is_file():
        before, now = json.loads(file.read_text()), run.settings
        differ = sorted(key for key in now if before.get(key) != now[key])
        if differ:
            raise ValueError(
                f"{folder}: holds this run with other {', '.join(differ)}; give another --out, or delete it"
            )
    return (folder / DONE).is_file()


def weights_of(run: Run, folder: Path) -> Path:
    """The file of the weights that a run ends with.

    Raises:
        ValueError: it neither trains nor names any.

    Example:
        >>> weights_of(Run("one", Path("bundle"), [], {}, pretrained=Path("model.pt")), Path("study"))
        PosixPath('model.pt')
    """
    if run.train:
        return folder / "model.pt"
    if run.pretrained is None:
        raise ValueError(f"run {run.name!r} has neither images to learn from nor weights")
    return run.pretrained


def parameters_of(weights: Path) -> int:
    """Numbers that were learned: those of the file, without running statistics.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     torch.save(torch.nn.BatchNorm2d(3).state_dict(), Path(folder) / "model.pt")
        ...     parameters_of(Path(folder) / "model.pt")
        6
    """
    state = torch.load(weights, map_location="cpu", weights_only=True)
    not_learned = ("running_mean", "running_var", "num_batches_tracked", "relative_position_index")
    return sum(value.numel() for name, value in state.items() if not name.endswith(not_learned))


def _train(run: Run, folder: Path) -> None:
    """By MONAI's own command, which goes on from its last epoch if it was interrupted."""
    training, validation = run.split
    options = {
        "dataset_dir": _listed(training, folder / "train.json"),
        "validation_dir": _listed(validation, folder / "validation.json"),
        "output_dir": folder / "training",
        "ckpt_dir": folder,
        **{name: value for name, value in run.options.items() if name != "fold"},
    }
    if run.pretrained is not None:
        options["pretrained"] = run.pretrained
    overlay = (CHOICES, *run.overlay, *([MULTI_CLASS] if CLASSES in run.options else []))
    files = [str(Path("configs") / f"{name}.json") for name in ("train", *overlay)]
    for file in files:
        if not (run.bundle / file).is_file():
            raise FileNotFoundError(f"{run.bundle / file}: this bundle has no such configuration")
    words = [sys.executable, "-m", "monai.bundle", "run"]
    for name, value in {"config_file": files, **literal_options(options)}.items():
        words += [f"--{name}", str(value)]
    write_text(folder / COMMAND, json.dumps(words, indent=1))
    with (folder / TRAINING_LOG).open("a") as log:
        code = subprocess.run(words, cwd=run.bundle, stdout=log, stderr=subprocess.STDOUT).returncode
    if code:
        last = (folder / TRAINING_LOG).read_text().strip().rpartition("\n")[2]
        raise RuntimeError(f"the training of {run.name!r} failed, see {folder / TRAINING_LOG}: {last}")
    (folder / STATE).unlink(missing_ok=True)  # three times the size of the weights


def _decoding(run: Run, options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Chosen once, by the images that the training has chosen its best epoch by."""
    file = folder / CHOSEN
    if not file.is_file():
        calibrate(run.bundle, run.split[1], folder, options=options)
    chosen: dict[str, Any] = json.loads(file.read_text())
    return chosen


def _score(run: Run, test: str, options: Mapping[str, Any], folder: Path) -> float:
    """Segment and score the images of one test; seconds of the segmentation."""
    items = run.tests[test]
    folder.mkdir(parents=True, exist_ok=True)
    truth = _listed(items, folder / "dataset.json")
    began = time.monotonic()
    predict(run.bundle, [file_of(item) for item in items], folder, options=options)
    seconds = time.monotonic() - began
    training = {"images": len(run.train), "pretrained": run.pretrained, **run.options}
    weights = Path(options["weights"])
    command, trained = weights.parent / COMMAND, weights.parent / TRAINED
    if command.is_file():
        training["command"] = shlex.join(json.loads(command.read_text()))
    if trained.is_file():
        told = json.loads(trained.read_text())
        training |= {name: value for name, value in told.items() if value is not None}
    evaluate(
        folder / "labels",
        truth,
        folder,
        pieces=run.pieces,
        classes=run.options.get(CLASSES),
        bundle=run.bundle,
        weights=weights,
        training={name: str(value) for name, value in training.items()},
    )
    return seconds


def folds_of(items: Sequence[Item]) -> int:
    """Parts that images are split into, of which one validates: five, or as many as there are groups.

    Example:
        >>> folds_of([{"image": "a.tif", "group": "slide 1"}, {"image": "b.tif", "group": "slide 2"}])
        2
    """
    return min(FOLDS, len({group_of(item) for item in items}))


def _listed(items: Sequence[Item], file: Path) -> Path:
    write_text(file, json.dumps({"training": list(items)}, indent=1))
    return file


def _fingerprint(bundle: Path) -> str:
    """Of the configurations, so that a changed bundle is not taken for a finished run."""
    total = hashlib.sha256()
    for file in sorted((bundle / "configs").glob("*.json")):
        if file.name != "metadata.json":
            total.update(file.read_bytes())
    return total.hexdigest()
