"""What a run left in its folder, by whichever command: scores, curves, maps, and where they came from."""

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
class Run:
    """A folder of a run.

    Attributes:
        name: of the run.
        folder: where it is.
        scores: one row an image, or None.
        files: ``image``, ``picture``, ``truth`` and ``prediction``, or None.
        summary: content of ``summary.json``.
        curves: of a training, by name, as pairs of step and value.
        learning: ``images`` (of training), ``score`` and perhaps ``model``, one row a training, or None.
        attention: pictures of what a network looks at, by image and gate.
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
        """The scores, of a run that has them."""
        assert self.scores is not None
        return self.scores

    @property
    def empty(self) -> bool:
        """Whether there is nothing to report."""
        return self.scores is None and self.learning is None and not self.curves and not self.attention


def read_runs(folders: Sequence[str | PathLike[str]]) -> list[Run]:
    """Read folders written by ``cellseg evaluate``, by a bundle's training or evaluation, or by a study.

    Args:
        folders: one a run.

    Returns:
        The runs; those whose folders have one name are told apart by the folder above.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: a folder holds nothing to report, or none is given.
    """
    if not folders:
        raise ValueError("a report needs at least one folder of a run")
    paths = [Path(folder).resolve() for folder in folders]
    last = Counter(path.name for path in paths)
    return [
        read_run(path, path.name if last[path.name] == 1 else f"{path.parent.name}/{path.name}")
        for path in paths
    ]


def read_run(folder: Path, name: str) -> Run:
    """Read one folder; see :func:`read_runs`."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder")
    run = Run(
        name,
        folder,
        scores=_scores(folder),
        files=_table(folder / "files.csv"),
        curves=_curves(folder),
        learning=_learning(folder / "learning_curve.csv"),
        attention=_attention(folder / "attention"),
    )
    if (folder / "summary.json").is_file():
        run.summary = json.loads((folder / "summary.json").read_text())
    if run.empty:
        raise ValueError(
            f"{folder}: nothing to report; expected scores.csv of 'cellseg evaluate', tables or TensorBoard "
            "events of a bundle's run, learning_curve.csv, or attention/"
        )
    return run


def _table(path: Path) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    return pd.read_csv(
        path, dtype={"image": str, "modality": str}, keep_default_na=False, na_values=["", "nan"]
    )


def _scores(folder: Path) -> pd.DataFrame | None:
    """``scores.csv``, or else the tables of MONAI's ``MetricsSaver``, joined by image."""
    table = _table(folder / "scores.csv")
    if table is not None:
        if "image" not in table:
            there = ", ".join(table.columns)
            raise ValueError(f"{folder / 'scores.csv'}: there is no column 'image'; it has {there}")
        return table
    columns = []
    for path in sorted(folder.glob("*_raw.csv")):
        raw = pd.read_csv(path)
        if {"filename", "mean"} <= set(raw.columns):
            images = [stem(Path(str(file))) for file in raw.filename]
            columns.append(
                pd.Series(raw["mean"].to_numpy(), index=images, name=path.name.removesuffix("_raw.csv"))
            )
    if not columns:
        return None
    return pd.concat(columns, axis=1).rename_axis("image").reset_index()


def _curves(folder: Path) -> Curves:
    """Scalars of TensorBoard's events; of a training that was resumed, the later file has the last word."""
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


def _learning(path: Path) -> pd.DataFrame | None:
    table = _table(path)
    if table is not None and not {"images", "score"} <= set(table.columns):
        raise ValueError(
            f"{path}: a learning curve has the columns 'images' and 'score', not {list(table.columns)}"
        )
    return table


def _attention(folder: Path) -> dict[str, dict[str, Path]]:
    """``attention/<image>/<gate>.tif``."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.glob("*/[!.]*.tif")):
        found.setdefault(path.parent.name, {})[stem(path)] = path
    return found
