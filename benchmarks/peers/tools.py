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

CELLSEG = (sys.executable, "-m", "cellseg_monai.cli")
TOOLS = ("ours", "stardist", "cellpose", "nnunet")
MODEL = "model"


class Training(NamedTuple):
    """Duration of a training in seconds.

    Attributes:
        seconds: time from the start of the command to its end, without the calibration.
        calibration: time to find out how many steps fit into the budget; ours ends by the clock.
        began: time of the start, in seconds since 1970.
    """

    seconds: float
    calibration: float
    began: float


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
    """Words for the command line of ``cellseg train``."""

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
        words = ["predict", str(folder / MODEL), str(setup.test), "--out", str(out)]
        return _run([*CELLSEG, *words], setup, out.with_suffix(".log"), folder)
    images = [str(item["image"]) for item in list_items(setup.test)]
    job = {"verb": "predict", "images": images, "model": str(folder / MODEL), "out": str(out)}
    return _run_peer(tool, job, setup, out.with_suffix(".log"))


def _train_ours(setup: Setup, folder: Path) -> Training:
    words = ["train", str(setup.train), "--out", str(folder / MODEL), "--seed", str(setup.seed)]
    words += ["--minutes", f"{setup.budget / 60:g}", *setup.ours]
    began = time.time()
    return Training(_run([*CELLSEG, *words], setup, folder / f"{MODEL}.log", folder), 0.0, began)


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
    began = time.time()
    seconds = _run_peer(tool, job, setup, folder / "model.log")
    calibration = json.loads((folder / MODEL / "training.json").read_text())["calibration"]
    return Training(seconds - calibration, calibration, began)


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
