"""What a bundle is worth: from folders of evaluations to the one file that its card and metadata quote."""

import json
import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from cellseg_monai.bundling.card import Results
from cellseg_monai.bundling.check.network import WEIGHTS
from cellseg_monai.jobs.reporting.runs import Run, read_run
from cellseg_monai.jobs.scores.columns import is_score
from cellseg_monai.jobs.scores.summaries import by_modality, key_metric
from cellseg_monai.outputs.digest import digest_of

DIGITS = 4
WORST = 3
KEYS = ("f1@0.5", "dice")
TRAINING = ("command", "seed", "images", "seconds", "hardware", "watts")
"""What is told of a training; ``watts`` is the power that the hardware takes, stated by whoever knows it."""

_PLACES = {
    "dataset_dir": "DATA", "validation_dir": "VALIDATION", "unlabelled_dir": "UNLABELLED",
    "output_dir": "RUN", "ckpt_dir": "RUN", "pretrained": "WEIGHTS", "encoder_weights": "ENCODER",
}  # fmt: skip
"""Folders of one machine, by the option that they are given to, and what a reader may put there."""


def results_of(
    bundle: Path,
    evaluations: Mapping[str, Path],
    training: Mapping[str, Any] | None = None,
    robustness: Path | None = None,
) -> Results:
    """Gather what is told of a bundle's weights.

    Args:
        bundle: its folder, with the weights.
        evaluations: folders of ``cellseg evaluate`` or of a study's test, by the name of the test set; the
            first is the one that the worst images are told of.
        training: what the record of the first lacks, or tells wrongly: the values of :data:`TRAINING`.
        robustness: folder of ``cellseg study robustness``.

    Returns:
        Content of ``docs/results.json``. Scores are rounded to four digits.

    Raises:
        FileNotFoundError: the bundle has no weights, or a folder is not there.
        ValueError: an evaluation is of other weights, does not tell of which, or has no scores; or the
            training has something else.
    """
    weights = describe_weights(bundle)
    runs = {name: read_run(folder, name) for name, folder in evaluations.items()}
    if not runs:
        raise ValueError("a card needs at least one evaluation")
    for run in runs.values():
        _require_scores_of(weights["sha256"], run, bundle)
    first = next(iter(runs.values()))
    return {
        "weights": weights,
        "training": _training(first.summary["provenance"], training or {}),
        "tests": [_test(run) for run in runs.values()],
        "worst": _worst(first),
        "robustness": [] if robustness is None else _robustness(robustness, weights["sha256"]),
    }


def describe_weights(bundle: Path) -> dict[str, Any]:
    """File, size, hash, parameters and their kind of a bundle's weights.

    Raises:
        FileNotFoundError: it has none.
    """
    file = bundle / WEIGHTS
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing; train the bundle before its card is written")
    state = torch.load(file, map_location="cpu", weights_only=True)
    kind = next(value.dtype for value in state.values() if value.is_floating_point())
    return {
        "file": WEIGHTS.as_posix(),
        "bytes": file.stat().st_size,
        "sha256": digest_of(file),
        "numbers": sum(value.numel() for value in state.values()),
        "dtype": str(kind).removeprefix("torch."),
    }


def portable(command: str) -> str:
    """A command without the folders of one machine.

    Example:
        >>> portable("/opt/bin/python -m monai.bundle run --dataset_dir /home/me/set --max_epochs 30")
        'python -m monai.bundle run --dataset_dir DATA --max_epochs 30'
    """
    words = shlex.split(command)
    told = []
    for before, word in zip(["", *words], words, strict=False):
        option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        name = (option or before).lstrip("-")
        if name in _PLACES and value and value != "None":
            value = _PLACES[name]
        elif Path(value).is_absolute():
            value = Path(value).name
        told.append(f"{option}{equals}{value}" if option else value)
    return shlex.join(told)


def _require_scores_of(sha256: str, run: Run, bundle: Path) -> None:
    if run.scores is None or not run.summary.get("scores"):
        raise ValueError(f"{run.folder}: no evaluation is in it; give the --out of cellseg evaluate")
    record = run.summary["provenance"]
    scored = record.get("weights", {}).get("sha256") or record.get("bundle", {}).get(f"{WEIGHTS.name}_sha256")
    if scored is None:
        raise ValueError(
            f"{run.folder}: the record does not tell which weights were scored; evaluate again with "
            f"--bundle {bundle}"
        )
    if scored != sha256:
        raise ValueError(
            f"{run.folder}: these are scores of other weights ({scored[:12]}…) than {bundle / WEIGHTS} "
            f"({sha256[:12]}…); segment and evaluate again"
        )


def _training(record: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(told) - set(TRAINING))
    if unknown:
        raise ValueError(f"training: there is no {unknown[0]!r}; tell of {', '.join(TRAINING)}")
    recorded = {"seed": record.get("bundle", {}).get("seed"), **record.get("training", {})}
    known = {name: {**recorded, **told}.get(name) for name in TRAINING}
    if known["command"] is not None:
        known["command"] = portable(str(known["command"]))
    for name in ("seed", "images", "seconds", "watts"):
        if known[name] is not None:
            known[name] = round(_number(name, known[name]), 1 if name in ("seconds", "watts") else None)
    return known


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ValueError(f"training: {name} is a number from 0 on, not {value!r}")
    return number


def _test(run: Run) -> dict[str, Any]:
    table, record = run.table, run.summary["provenance"]
    counted = "n_true" in table and table["n_true"].notna().any()
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
        "modalities": _modalities(run),
        "evaluated": {"created": record["created"], "versions": record["versions"], "data": record["data"]},
    }


def _modalities(run: Run) -> list[dict[str, Any]]:
    """Means of the two scores that are known best, for each kind of microscopy that the evaluation names."""
    return [
        {
            "modality": row["modality"],
            "images": row["images"],
            **{name: _rounded(row[f"{name}_mean"]) for name in KEYS if f"{name}_mean" in row},
        }
        for row in by_modality(run.table).to_dict("records")
        if row["modality"] != "all"
    ]


def _score(score: Mapping[str, Any], values: pd.Series) -> dict[str, float | None]:
    """Mean over the images, limits of its 95 % interval, median, and the image where it is lowest."""
    told = {**score["mean"], "median": score["median"]["value"], "worst": values.min()}
    named = {"value": "mean"}
    return {named.get(name, name): None if value is None else _rounded(value) for name, value in told.items()}


def _rounded(value: float) -> float | None:
    """As JSON holds it, which has no NaN."""
    return None if math.isnan(value) else round(float(value), DIGITS)


def _worst(run: Run) -> list[dict[str, Any]]:
    """The images that the network does worst on, by F1 of cells or else Dice."""
    metric = key_metric([run.table])
    assert metric is not None  # as there are scores
    names = list(dict.fromkeys([metric, *(name for name in KEYS if name in run.table)]))
    rows = run.table.sort_values([*names, "image"]).head(WORST)
    return [
        {"test": run.name, "image": row["image"], **{name: _rounded(row[name]) for name in names}}
        for row in rows.to_dict("records")
    ]


def _robustness(folder: Path, sha256: str) -> list[dict[str, Any]]:
    table, record = folder / "robustness.csv", folder / "robustness.json"
    if not (table.is_file() and record.is_file()):
        raise FileNotFoundError(f"{table} is missing; give the --out of cellseg study robustness")
    if json.loads(record.read_text())["weights"] != sha256:
        raise ValueError(f"{folder}: a study of other weights than those of the bundle; run it again")
    rows: list[dict[str, Any]] = json.loads(
        pd.read_csv(table).round(DIGITS).to_json(orient="records", double_precision=DIGITS)
    )
    return rows
