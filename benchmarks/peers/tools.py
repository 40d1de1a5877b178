"""The tools of the comparison, each as two commands: one trains, one segments a folder."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from environment import HERE, environment_of, python_of

from cellseg_monai.data import k_folds, labelled, list_items
from cellseg_monai.jobs.calibration import CHOSEN

BUNDLE = HERE.parents[1] / "bundles" / "patch_attention_unet"
TOOLS = ("ours", "stardist", "cellpose", "nnunet")
MODEL, DECODING = "model", "decoding"
DECODING_SHARE = 0.03
"""Fraction of the budget to choose how to decode after the training."""


class Training(NamedTuple):
    """Duration of a training in seconds.

    Attributes:
        seconds: time from the start of the command to the weights on disk, without the calibration.
        calibration: time to find out how many steps fit into the budget.
    """

    seconds: float
    calibration: float


@dataclass(frozen=True)
class Setup:
    """Settings that are the same for all tools."""

    train: Path
    test: Path
    cache: Path
    budget: float
    seed: int
    threads: int
    ours: tuple[str, ...] = ()
    """Options of the bundle, as ``id=value``."""

    @property
    def split(self) -> tuple[list[Any], list[Any]]:
        """Training and validation images of the first fold, as in the bundle."""
        return k_folds(labelled(list_items(self.train)), folds=5, seed=self.seed)[0]


def train(tool: str, setup: Setup, folder: Path) -> Training:
    """Train a tool; its model goes to ``<folder>/model``."""
    return _train_ours(setup, folder) if tool == "ours" else _train_peer(tool, setup, folder)


def predict(tool: str, setup: Setup, folder: Path, out: Path) -> float:
    """Segment the test images into ``<out>/labels``, with ``timing.csv``, and return the seconds."""
    if tool == "ours":
        words = bundle_command(
            "inference",
            dataset_dir=setup.test,
            output_dir=out,
            weights=folder / MODEL / "model.pt",
            **_options(setup, "inference"),
            **json.loads((folder / DECODING / CHOSEN).read_text()),
        )
        return _run(words, setup, out.with_suffix(".log"), BUNDLE)
    images = [str(item["image"]) for item in list_items(setup.test)]
    job = {"verb": "predict", "images": images, "model": str(folder / MODEL), "out": str(out)}
    return _run_peer(tool, job, setup, out.with_suffix(".log"))


def bundle_command(config: str, **options: object) -> list[str]:
    """``python -m monai.bundle run``."""
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    start = [sys.executable, "-m", "monai.bundle", "run", "--config_file", f"configs/{config}.json"]
    return [*start, *words]


def epochs_within(budget: float, one: float, several: float, epochs: int) -> int:
    """Number of epochs that fit into a budget, from the seconds of a short and a longer training."""
    epoch = max((several - one) / (epochs - 1), 0.01)
    return max(1, int((budget - (one - epoch)) / epoch))


def _train_ours(setup: Setup, folder: Path) -> Training:
    def command(name: str, epochs: int) -> float:
        words = bundle_command(
            "train",
            dataset_dir=setup.train,
            output_dir=folder / name / "run",
            ckpt_dir=folder / name,
            max_epochs=epochs,
            patience=epochs,  # all tools use their whole budget
            seed=setup.seed,
            **_options(setup, "train"),
        )
        return _run(words, setup, folder / f"{name}.log", BUNDLE)

    trial = 1 + _validated_every(setup)  # the second trial has one more validation than the first
    one, several = command("trial_1", 1), command("trial_2", trial)
    epochs = epochs_within((1 - DECODING_SHARE) * setup.budget, one, several, trial)
    return Training(command(MODEL, epochs) + _choose_decoding(setup, folder), one + several)


def _choose_decoding(setup: Setup, folder: Path) -> float:
    """Calibrate the decoding on the validation images, as StarDist does, and return the seconds."""
    listing = folder / "validation.json"
    listing.write_text(json.dumps({"training": setup.split[1]}))
    words = [sys.executable, "-m", "cellseg_monai.cli", "calibrate", str(BUNDLE), "--data", str(listing)]
    words += ["--out", str(folder / DECODING), "--weights", str(folder / MODEL / "model.pt")]
    if chosen := _options(setup, "inference"):
        words += ["--set", *(f"{name}={value}" for name, value in chosen.items())]
    return _run(words, setup, folder / f"{DECODING}.log", BUNDLE)


def _validated_every(setup: Setup) -> int:
    """Number of epochs between validations."""
    config = json.loads((BUNDLE / "configs/train.json").read_text())
    return int(_options(setup, "train").get("val_interval", config["val_interval"]))


def _options(setup: Setup, config: str) -> dict[str, str]:
    """Options of the command line that the configuration of the bundle has."""
    known = json.loads((BUNDLE / f"configs/{config}.json").read_text())
    chosen = dict(option.split("=", 1) for option in setup.ours)
    return {name: value for name, value in chosen.items() if name.split("#")[0] in known}


def _train_peer(tool: str, setup: Setup, folder: Path) -> Training:
    training, validation = [
        [[str(item["image"]), str(item["label"])] for item in part] for part in setup.split
    ]
    job = {
        "verb": "train",
        "train": training,
        "validation": validation,
        "budget": setup.budget,
        "out": str(folder / MODEL),
    }
    seconds = _run_peer(tool, job, setup, folder / "model.log")
    calibration = json.loads((folder / MODEL / "training.json").read_text())["calibration"]
    return Training(seconds - calibration, calibration)


def _run_peer(tool: str, job: dict[str, Any], setup: Setup, log: Path) -> float:
    file = log.with_suffix(".json")
    file.write_text(json.dumps({**job, "seed": setup.seed, "threads": setup.threads}, indent=1))
    words = [str(python_of(tool, setup.cache)), str(HERE / f"{tool}_runner.py"), str(file)]
    return _run(words, setup, log, HERE)


def _run(words: Sequence[str], setup: Setup, log: Path, folder: Path) -> float:
    began = time.perf_counter()
    with log.open("w") as output:
        done = subprocess.run(
            words, cwd=folder, env=environment_of(setup.threads), stdout=output, stderr=subprocess.STDOUT
        )
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}; the reason is in {log}")
    return time.perf_counter() - began
