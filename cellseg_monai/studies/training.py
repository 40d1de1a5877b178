"""The training of a run, by MONAI's own command."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cellseg_monai.data.datalist import Item
from cellseg_monai.outputs import write_text
from cellseg_monai.runtime.overrides import literal_options
from cellseg_monai.runtime.provenance import machine
from cellseg_monai.runtime.watching import monais_command
from cellseg_monai.studies.run import CLASSES, VAL_INTERVAL, Run

COMMAND, TRAINED, STATE = "command.json", "trained.json", "training/training_state.pt"


def train(run: Run, folder: Path) -> None:
    """Train, or continue an interrupted training after its last epoch.

    ``trained.json`` then has the hardware and the seconds of the training. After an interruption the seconds
    are null, because the length of the first part is unknown.

    Args:
        run: run with training images.
        folder: folder of the run.

    Raises:
        FileNotFoundError: If the bundle lacks a configuration.
        RuntimeError: If the training failed.

    Example:
        >>> run = Run("one", Path("nowhere"), [{"image": "a.tif"}], {}, validation=[{"image": "b.tif"}])
        >>> train(run, Path("unused"))
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere/configs/train.json: the bundle does not have this configuration
    """
    words = _command(run, folder)
    write_listing(run.split[0], folder / "train.json")
    write_listing(run.split[1], folder / "validation.json")
    write_text(folder / COMMAND, json.dumps(words, indent=1))
    resumed, log, began = (folder / STATE).is_file(), folder / "training.log", time.monotonic()
    watched = monais_command(words[3:])
    with log.open("a") as lines:
        code = subprocess.run(watched, cwd=run.bundle, stdout=lines, stderr=subprocess.STDOUT).returncode
    if code:
        last = log.read_text().strip().rpartition("\n")[2]
        raise RuntimeError(f"the training of {run.name!r} failed, see {log}: {last}")
    (folder / STATE).unlink(missing_ok=True)  # three times the size of the weights
    seconds = None if resumed else time.monotonic() - began
    write_text(folder / TRAINED, json.dumps({"seconds": seconds, "hardware": machine()}))


def write_listing(items: Sequence[Item], file: Path) -> Path:
    """Write images as a datalist, and return its file."""
    write_text(file, json.dumps({"training": list(items)}, indent=1))
    return file


def _command(run: Run, folder: Path) -> list[str]:
    overlays = ["choices", *(["multi_class"] if CLASSES in run.options else []), *run.overlay]
    configs = [f"configs/{name}.json" for name in ("train", *overlays)]
    for config in configs:
        if not (run.bundle / config).is_file():
            raise FileNotFoundError(f"{run.bundle / config}: the bundle does not have this configuration")
    options: dict[str, Any] = {
        "dataset_dir": folder / "train.json",
        "validation_dir": folder / "validation.json",
        "output_dir": folder / "training",
        "ckpt_dir": folder,
        **{name: value for name, value in run.options.items() if name != "fold"},
        **({VAL_INTERVAL: "@max_epochs"} if run.last_epoch else {}),
        **({} if run.pretrained is None else {"pretrained": run.pretrained}),
    }
    words = [sys.executable, "-m", "monai.bundle", "run"]
    for name, value in {"config_file": configs, **literal_options(options)}.items():
        words += [f"--{name}", str(value)]
    return words
