"""The content of a run's folder: scores, curves, attention maps, and provenance."""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from cellseg_monai.data.pairing import stem

Curves = dict[str, list[tuple[int, float]]]


@dataclass
class RunFolder:
    """Content of the folder of an evaluation, a training or a study.

    Attributes:
        name: name of the run.
        folder: path of the folder.
        scores: table with one row per image, or None.
        files: table with ``image``, ``picture``, ``truth`` and ``prediction``, or None.
        summary: content of ``summary.json``.
        curves: training curves by name, as pairs of step and value.
        learning: table with ``images``, ``score`` and optionally ``model``, one row per training, or None.
        attention: files of the attention maps by image and gate.
    """

    name: str
    folder: Path
    scores: pd.DataFrame | None = None
    files: pd.DataFrame | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    curves: Curves = field(default_factory=dict)
    learning: pd.DataFrame | None = None
    attention: dict[str, dict[str, Path]] = field(default_factory=dict)

    @property
    def table(self) -> pd.DataFrame:
        """The scores of a run that has some."""
        assert self.scores is not None
        return self.scores


def read_runs(folders: Sequence[str | PathLike[str]]) -> list[RunFolder]:
    """Read folders written by ``cellseg evaluate``, by the training or evaluation of a bundle, or by a study.

    Args:
        folders: one folder per run.

    Returns:
        The runs. Runs with the same folder name also get the name of the folder above.

    Raises:
        FileNotFoundError: If a folder does not exist.
        ValueError: If a folder holds nothing to report, or no folder is given.
    """
    if not folders:
        raise ValueError("a report needs at least one folder of a run")
    paths = [Path(folder).resolve() for folder in folders]
    last = Counter(path.name for path in paths)
    return [
        read_run(path, path.name if last[path.name] == 1 else f"{path.parent.name}/{path.name}")
        for path in paths
    ]


def read_run(folder: Path, name: str) -> RunFolder:
    """Read one folder; see :func:`read_runs`."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder")
    summary = folder / "summary.json"
    run = RunFolder(
        name,
        folder,
        scores=_scores(folder),
        files=_table(folder / "files.csv"),
        summary=json.loads(summary.read_text()) if summary.is_file() else {},
        curves=_curves(folder),
        learning=_table(folder / "learning_curve.csv", "images", "score"),
        attention=_attention(folder / "attention"),
    )
    if run.scores is None and run.learning is None and not run.curves and not run.attention:
        raise ValueError(
            f"{folder}: nothing to report; expected scores.csv from 'cellseg evaluate', tables or "
            "TensorBoard events of a bundle, learning_curve.csv, or attention/"
        )
    return run


def _table(path: Path, *required: str) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    texts = {"image": str, "modality": str}
    table = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=["", "nan"])
    if missing := [name for name in required if name not in table]:
        there = ", ".join(map(str, table.columns))
        raise ValueError(f"{path}: the column {missing[0]!r} is missing; the table has {there}")
    return table


def _scores(folder: Path) -> pd.DataFrame | None:
    """Read ``scores.csv``, or else join the tables of MONAI's ``MetricsSaver`` by image."""
    table = _table(folder / "scores.csv", "image")
    columns = []
    for path in sorted(folder.glob("*_raw.csv")) if table is None else []:
        raw = pd.read_csv(path)
        if {"filename", "mean"} <= set(raw.columns):
            raw.index = pd.Index([stem(Path(str(file))) for file in raw["filename"]])
            columns.append(raw["mean"].rename(path.name.removesuffix("_raw.csv")))
    return pd.concat(columns, axis=1).rename_axis("image").reset_index() if columns else table


def _curves(folder: Path) -> Curves:
    """Read the scalars of TensorBoard events; after a resumed training, the later file replaces values."""
    if not any(folder.glob("events.out.tfevents.*")):
        return {}
    from tensorboard.backend.event_processing import event_accumulator as reader

    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    events = reader.EventAccumulator(str(folder), size_guidance={reader.SCALARS: 0})
    events.Reload()
    return {
        tag: sorted({scalar.step: float(scalar.value) for scalar in events.Scalars(tag)}.items())
        for tag in sorted(events.Tags()["scalars"])
    }


def _attention(folder: Path) -> dict[str, dict[str, Path]]:
    """Find ``attention/<image>/<gate>.tif``."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.glob("*/[!.]*.tif")):
        found.setdefault(path.parent.name, {})[stem(path)] = path
    return found
