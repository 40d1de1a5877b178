"""The scores of a bundle: from evaluations to the one file that its card and metadata quote."""

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from cellseg_monai.bundling.card import Results
from cellseg_monai.jobs.reporting.run_folder import RunFolder
from cellseg_monai.jobs.scores.columns import is_score
from cellseg_monai.jobs.scores.summaries import by_modality, key_metric
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.runtime.settings import WEIGHTS

DIGITS = 4
WORST = 3
KEYS = ("f1@0.5", "dice")
TRAINING = ("command", "seed", "images", "seconds", "hardware", "watts")
"""Facts about a training; ``watts`` is the power of the hardware, which nothing records."""

_PLACES = {
    "dataset_dir": "DATA", "validation_dir": "VALIDATION", "unlabelled_dir": "UNLABELLED",
    "output_dir": "RUN", "ckpt_dir": "RUN", "pretrained": "WEIGHTS", "encoder_weights": "ENCODER",
    "teacher_weights": "TEACHER",
}  # fmt: skip
"""Placeholder for the folder or file of each option."""


def results_of(
    weights: Mapping[str, Any],
    runs: Sequence[RunFolder],
    training: Mapping[str, Any] | None = None,
    robustness: Path | None = None,
) -> Results:
    """Collect the results of weights.

    Args:
        weights: result of :func:`describe_weights`.
        runs: evaluations by ``cellseg evaluate`` or by a study, each with the name of its test set; the worst
            images are those of the first.
        training: facts that the record of the first evaluation lacks or has wrong, by a name of
            :data:`TRAINING`.
        robustness: folder of ``cellseg study robustness``.

    Returns:
        Content of ``docs/results.json``. Scores are rounded to four digits.

    Raises:
        FileNotFoundError: If a folder does not exist.
        ValueError: If an evaluation has no scores, is of other weights or does not record them, or a fact
            about the training is unknown or not valid.
    """
    if not runs:
        raise ValueError("a card needs at least one evaluation")
    for run in runs:
        _require_scores_of(weights["sha256"], run)
    results: Results = _rounded(
        {
            "weights": weights,
            "training": _training(runs[0].summary["provenance"], training or {}),
            "tests": [_test(run) for run in runs],
            "worst": _worst(runs[0]),
            "robustness": [] if robustness is None else _robustness(robustness, weights["sha256"]),
        }
    )
    return results


def _rounded(value: Any) -> Any:
    """Round all scores in lists and dictionaries, for JSON; NaN becomes None."""
    if isinstance(value, Mapping):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, DIGITS)
    return value


def describe_weights(bundle: Path) -> dict[str, Any]:
    """File, size, hash, number of parameters and data type of a bundle's weights.

    Raises:
        FileNotFoundError: If the bundle has no weights.
    """
    file = bundle / WEIGHTS
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing; train the bundle before you write its card")
    state = torch.load(file, map_location="cpu", weights_only=True)
    kind = next(value.dtype for value in state.values() if value.is_floating_point())
    return {
        "file": WEIGHTS.as_posix(),
        "bytes": file.stat().st_size,
        "sha256": digest_of(file),
        "parameters": sum(value.numel() for value in state.values()),
        "dtype": str(kind).removeprefix("torch."),
    }


def portable(command: str) -> str:
    """Replace the folders of one machine in a command.

    Example:
        >>> portable("/opt/bin/python -m monai.bundle run --dataset_dir /home/me/set --max_epochs 30")
        'python -m monai.bundle run --dataset_dir DATA --max_epochs 30'
    """
    words = shlex.split(command)
    replaced = []
    for before, word in zip(["", *words], words, strict=False):
        option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        name = (option or before).lstrip("-")
        if name in _PLACES and value and value != "None":
            value = _PLACES[name]
        elif Path(value).is_absolute():
            value = Path(value).name
        replaced.append(f"{option}{equals}{value}")
    return shlex.join(replaced)


def _require_scores_of(sha256: str, run: RunFolder) -> None:
    if run.scores is None or not run.summary.get("scores"):
        raise ValueError(f"{run.folder}: there is no evaluation; give the --out of cellseg evaluate")
    record = run.summary["provenance"]
    scored = record.get("weights", {}).get("sha256") or record.get("bundle", {}).get(f"{WEIGHTS.name}_sha256")
    if scored is None:
        raise ValueError(f"{run.folder}: the record does not name the weights; evaluate again with --bundle")
    if scored != sha256:
        raise ValueError(
            f"{run.folder}: the scores belong to other weights ({scored[:12]}…) than those of the bundle "
            f"({sha256[:12]}…); segment and evaluate again"
        )


def _training(record: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - set(TRAINING))
    if unknown:
        raise ValueError(f"training: {unknown[0]!r} is unknown; it must be one of {', '.join(TRAINING)}")
    facts = {"seed": record.get("bundle", {}).get("seed"), **record.get("training", {}), **given}
    known: dict[str, Any] = {name: facts.get(name) for name in TRAINING}
    if known["command"] is not None:
        known["command"] = portable(str(known["command"]))
    for name, digits in {"seed": None, "images": None, "seconds": 1, "watts": 1}.items():
        if known[name] is None:
            continue
        number = float(pd.to_numeric(known[name], errors="coerce"))
        if not 0 <= number < math.inf:
            raise ValueError(f"training: {name} must be a number of at least 0, not {known[name]!r}")
        known[name] = round(number, digits)
    return known


def _test(run: RunFolder) -> dict[str, Any]:
    table, record = run.table, run.summary["provenance"]
    counted = "n_true" in table and table["n_true"].notna().any()
    kinds = by_modality(table).rename(columns={f"{name}_mean": name for name in KEYS})
    return {
        "name": run.name,
        "images": len(table),
        "cells": int(table["n_true"].sum()) if counted else None,
        "scores": {
            name: _score(score, table[name])
            for name, score in run.summary["scores"].items()
            if score is not None and is_score(name)
        },
        "modality": run.summary.get("modality"),
        **({"classes": classes} if (classes := run.summary.get("classes")) else {}),
        "modalities": [
            {name: row[name] for name in ("modality", "images", *KEYS) if name in row}
            for row in kinds.to_dict("records")
            if row["modality"] != "all"
        ],
        "evaluated": {name: record[name] for name in ("created", "versions", "data")},
    }


def _score(score: Mapping[str, Any], values: pd.Series) -> dict[str, float | None]:
    """Mean over the images with its 95 % interval, median, and score of the worst image."""
    mean = score["mean"]
    return {
        "mean": mean["value"], "low": mean["low"], "high": mean["high"],
        "median": score["median"]["value"], "worst": values.min(),
    }  # fmt: skip


def _worst(run: RunFolder) -> list[dict[str, Any]]:
    """The images with the lowest F1 of cells, or else Dice."""
    metric = key_metric([run.table])
    assert metric is not None  # because there are scores
    names = list(dict.fromkeys([metric, *(name for name in KEYS if name in run.table)]))
    rows = run.table.sort_values([*names, "image"]).head(WORST)[["image", *names]]
    return [{"test": run.name, **{str(name): row[name] for name in row}} for row in rows.to_dict("records")]


def _robustness(folder: Path, sha256: str) -> list[dict[str, Any]]:
    table, record = folder / "robustness.csv", folder / "robustness.json"
    if not (table.is_file() and record.is_file()):
        raise FileNotFoundError(f"{table} is missing; give the --out of cellseg study robustness")
    if json.loads(record.read_text())["weights"] != sha256:
        raise ValueError(f"{folder}: the study is of other weights than those of the bundle; run it again")
    return [{str(name): row[name] for name in row} for row in pd.read_csv(table).to_dict("records")]
