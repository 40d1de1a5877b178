"""A run from start to end: train, segment and score. Finished steps are not repeated."""

import json
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cellseg_monai.data.datalist import file_of
from cellseg_monai.jobs import evaluate
from cellseg_monai.jobs.calibration import CHOSEN, calibrate
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.outputs import write_text
from cellseg_monai.studies.bundle_options import known_options, options_of_trained
from cellseg_monai.studies.run import CLASSES, Run, require_same
from cellseg_monai.studies.training import COMMAND, TRAINED, train, write_listing

SETTINGS, DONE = "settings.json", "done.json"
NOT_LEARNED = ("running_mean", "running_var", "num_batches_tracked", "relative_position_index")


def perform(run: Run, folder: Path) -> None:
    """Train, segment and score, or continue where an earlier call was interrupted.

    Args:
        run: run to perform.
        folder: folder for the weights in ``model.pt``, the log, and for each test its scores and label maps.

    Raises:
        ValueError: If the folder holds a run with the same name but other settings.
        RuntimeError: If the training failed; the error names its log.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     perform(Run("one", Path("bundle"), [], {}), Path(folder))
        Traceback (most recent call last):
        ...
        ValueError: run 'one' has neither training images nor pretrained weights
    """
    if done(run, folder):
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / SETTINGS, json.dumps(run.settings, indent=1))
    weights = weights_of(run, folder)
    if run.train:
        if not (folder / TRAINED).is_file():
            train(run, folder)
        options = options_of_trained(run.bundle, weights, run.options)
    else:
        options = known_options(run.bundle, "inference", run.options) | {"weights": str(weights)}
    if run.train and run.calibrated:
        options |= _decoding(run, options, folder / "calibration")
    prediction_seconds = {name: _score(run, name, options, folder / name) for name in run.tests}
    training, validation = run.split if run.train else ((), ())
    record = {
        "learned_from": len(training),
        "validated_on": 0 if run.last_epoch else len(validation),
        "training_seconds": _trained_in(folder).get("seconds") if run.train else 0.0,
        "prediction_seconds": prediction_seconds,
        "parameters": parameters_of(weights),
    }
    write_text(folder / DONE, json.dumps(record, indent=1))


def done(run: Run, folder: Path) -> bool:
    """Return whether a run is finished.

    Args:
        run: run to look for.
        folder: folder of the run.

    Raises:
        ValueError: If the folder holds a run with the same name but other settings.
    """
    require_same(folder / SETTINGS, run.settings, "this run")
    return (folder / DONE).is_file()


def weights_of(run: Run, folder: Path) -> Path:
    """Return the file of the weights that a run scores.

    Args:
        run: run of a study.
        folder: folder of the run.

    Raises:
        ValueError: If the run has neither training images nor pretrained weights.

    Example:
        >>> weights_of(Run("one", Path("bundle"), [], {}, pretrained=Path("model.pt")), Path("study"))
        PosixPath('model.pt')
    """
    if run.train:
        return folder / "model.pt"
    if run.pretrained is None:
        raise ValueError(f"run {run.name!r} has neither training images nor pretrained weights")
    return run.pretrained


def parameters_of(weights: Path) -> int:
    """Return the number of learned parameters in a file of weights, without running statistics.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     torch.save(torch.nn.BatchNorm2d(3).state_dict(), Path(folder) / "model.pt")
        ...     parameters_of(Path(folder) / "model.pt")
        6
    """
    state = torch.load(weights, map_location="cpu", weights_only=True)
    return sum(value.numel() for name, value in state.items() if not name.endswith(NOT_LEARNED))


def _decoding(run: Run, options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Choose once how to decode, on the images that chose the best epoch."""
    if not (folder / CHOSEN).is_file():
        calibrate(run.bundle, run.split[1], folder, options=options)
    chosen: dict[str, Any] = json.loads((folder / CHOSEN).read_text())
    return chosen


def _score(run: Run, test: str, options: Mapping[str, Any], folder: Path) -> float:
    """Segment and score the images of one test, and return the seconds of the segmentation."""
    folder.mkdir(parents=True, exist_ok=True)
    truth = write_listing(run.tests[test], folder / "dataset.json")
    began = time.monotonic()
    predict(run.bundle, [file_of(item) for item in run.tests[test]], folder, options=options)
    seconds = time.monotonic() - began
    weights = Path(options["weights"])
    training = {"images": len(run.train), "pretrained": run.pretrained, **run.options}
    evaluate(
        folder / "labels",
        truth,
        folder,
        pieces=run.pieces,
        classes=run.options.get(CLASSES),
        bundle=run.bundle,
        weights=weights,
        training={name: str(value) for name, value in (training | _trained_in(weights.parent)).items()},
    )
    return seconds


def _trained_in(folder: Path) -> dict[str, Any]:
    """Return command, seconds and hardware of a training, as far as they are recorded beside its weights."""
    command, trained = folder / COMMAND, folder / TRAINED
    found = {"command": shlex.join(json.loads(command.read_text()))} if command.is_file() else {}
    recorded = json.loads(trained.read_text()) if trained.is_file() else {}
    return found | {name: value for name, value in recorded.items() if value is not None}
