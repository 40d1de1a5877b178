"""Two folders to a verdict: scores, summary, table by modality, report."""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from cellseg_monai.jobs.files.pairs import Pair, pair_files
from cellseg_monai.jobs.reporting.report import report
from cellseg_monai.jobs.scores.columns import DEFAULT_METRICS, Column, class_metrics, columns_of
from cellseg_monai.jobs.scores.scoring import score_pairs
from cellseg_monai.jobs.scores.summaries import by_modality, overall
from cellseg_monai.outputs import claim_outputs, require_free, write_text
from cellseg_monai.runtime.provenance import provenance

_logger = logging.getLogger(__name__)

_TABLES = ("scores.csv", "summary.json", "files.csv", "modality.csv")


class Evaluation(NamedTuple):
    """What an evaluation found.

    Attributes:
        folder: where its files are.
        scores: what is in ``scores.csv``.
        summary: what is in ``summary.json``.

    Example:
        >>> table = pd.DataFrame({"image": ["a"], "dice": [1.0]})
        >>> print(Evaluation(Path("out"), table, {"scores": overall(table), "missing": ["a"]}))
        1 images; report: out/report.html
        dice           mean 1.000, median 1.000
        no prediction, counted as empty (1): a
    """

    folder: Path
    scores: pd.DataFrame
    summary: dict[str, Any]

    def __str__(self) -> str:
        """Means with intervals, and what is missing."""
        lines = [f"{len(self.scores)} images; report: {self.folder / 'report.html'}"]
        for name, score in self.summary["scores"].items():
            lines.append(f"{name:<15}{_in_words(score)}")
        missing = self.summary["missing"]
        if missing:
            lines.append(f"no prediction, counted as empty ({len(missing)}): {', '.join(missing)}")
        return "\n".join(lines)


def evaluate(
    pred: str | PathLike[str],
    truth: str | PathLike[str],
    out: str | PathLike[str],
    *,
    metrics: Sequence[str] | None = None,
    pieces: bool = False,
    classes: Mapping[str, int] | None = None,
    section: str = "training",
    modality: str | None = None,
    bundle: str | PathLike[str] | None = None,
    weights: str | PathLike[str] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Score predicted label maps against true ones and write the result.

    A missing prediction counts as an empty one, and is listed. Where a mask is binary and so does not tell
    cells apart, the scores of objects stay empty.

    Args:
        pred: folder of predicted label maps, of any format, with the names of the images.
        truth: a dataset as :func:`~cellseg_monai.data.list_items` takes it, or a folder of label maps alone.
        out: folder to write ``scores.csv``, ``summary.json``, ``files.csv``, ``report.html`` and, where the
            dataset names modalities, ``modality.csv``.
        metrics: columns of the table, see :func:`columns_of`; ``DEFAULT_METRICS`` if none is named, or,
            of classes, those of :func:`class_metrics`.
        pieces: take the connected pieces of a binary mask for its objects.
        classes: class of each value of the true masks, where they hold classes and no objects, such as
            ``{"0": 0, "128": 1, "255": 2}``; the predictions hold the classes.
        section: which part of a truth that is a JSON file or a table.
        modality: regular expression that finds the modality in a name, where the dataset does not state it.
        bundle: folder or zip of the bundle that made the predictions, for the record.
        weights: file of the weights that it had, if they are not its own, for the record.
        training: how they came about, such as seed, options and command, for the record.

    Returns:
        :class:`Evaluation`.

    Raises:
        ValueError: the shapes of a pair differ, a file cannot be read, no name occurs on both sides, a
            metric is not known, or objects are to be scored in maps of classes. Nothing is written then.

    Example:
        >>> import tempfile, numpy as np, tifffile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("pred/a.tif", "truth/a_mask.tif", "truth/b_mask.tif"):
        ...     (folder / name).parent.mkdir(exist_ok=True)
        ...     tifffile.imwrite(folder / name, np.eye(8, dtype=np.uint16))
        >>> result = evaluate(folder / "pred", folder / "truth", folder / "out", metrics=["dice"])
        >>> result.scores.dice.tolist(), result.summary["missing"]
        ([1.0, 0.0], ['b'])
    """
    if metrics is None:
        metrics = DEFAULT_METRICS if classes is None else class_metrics(classes)
    columns = columns_of(metrics)
    if classes is not None:
        _require_no_objects(columns, pieces)
    pairs = pair_files(pred, truth, section, modality)
    folder, source = Path(out), os.path.abspath(pred)
    require_free(folder, "evaluate", _TABLES, dict.fromkeys(_TABLES, source))
    require_free(folder, "report", ["report.html"])
    record = provenance(_files_by_part(pairs.scored), bundle, weights, training)
    scores = score_pairs(pairs.scored, columns, pieces, classes)
    missing = [pair.name for pair in pairs.scored if pair.prediction is None]
    modalities = by_modality(scores.table)
    summary = {
        "images": len(scores.table),
        "missing": missing,
        "without_truth": [str(path) for path in pairs.without_truth],
        "binary_truth": scores.binary_truth,
        "binary_predictions": scores.binary_predictions,
        "pieces": pieces,
        "classes": classes,
        "modality": modality,
        "scores": overall(scores.table),
        "by_modality": json.loads(modalities.to_json(orient="records")) if len(modalities) else [],
        "provenance": record,
    }
    _tell(missing, pairs.without_truth)
    texts = {
        "scores.csv": scores.table.to_csv(index=False, float_format="%.6g"),
        "summary.json": json.dumps(summary, indent=1),
        "files.csv": _file_table(pairs.scored).to_csv(index=False),
        **({"modality.csv": modalities.to_csv(index=False)} if len(modalities) else {}),
    }
    with claim_outputs(folder, "evaluate", texts, sources=dict.fromkeys(texts, source), complete=True):
        for name, text in texts.items():
            write_text(folder / name, text)
        report([folder], folder / "report.html")
    return Evaluation(folder, scores.table, summary)


def _require_no_objects(columns: Sequence[Column], pieces: bool) -> None:
    of_objects = [column.name for column in columns if column.needs] + ["pieces"] * pieces
    if of_objects:
        raise ValueError(
            f"maps of classes tell no objects apart, which {', '.join(of_objects)} would need; "
            "leave out the classes, or ask for scores such as mdice miou dice:1"
        )


def _files_by_part(pairs: Sequence[Pair]) -> dict[str, list[Path]]:
    parts = {
        "truth": [pair.truth for pair in pairs],
        "predictions": [pair.prediction for pair in pairs if pair.prediction],
        "images": [pair.image for pair in pairs if pair.image],
    }
    return {part: files for part, files in parts.items() if files}


def _file_table(pairs: Sequence[Pair]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image": pair.name,
            "picture": str(pair.image.resolve()) if pair.image else "",
            "truth": str(pair.truth.resolve()),
            "prediction": str(pair.prediction.resolve()) if pair.prediction else "",
        }
        for pair in pairs
    )


def _tell(missing: list[str], without_truth: list[Path]) -> None:
    if missing:
        _logger.warning(
            "%d images have no prediction and count as empty: %s", len(missing), ", ".join(missing)
        )
    if without_truth:
        _logger.warning(
            "%d predictions belong to no true label map and are left out: %s",
            len(without_truth),
            ", ".join(map(str, without_truth)),
        )


def _in_words(score: dict[str, Any] | None) -> str:
    if score is None:
        return "not scored: the masks are binary (see pieces)"
    mean, median = score["mean"], score["median"]
    interval = "" if mean["low"] is None else f" [{mean['low']:.3f}, {mean['high']:.3f}]"
    left_out = f", {score['left_out']} images without" if score["left_out"] else ""
    return f"mean {mean['value']:.3f}{interval}, median {median['value']:.3f}{left_out}"
