"""Scores of predicted label maps against true ones: tables, summary and report."""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from cellseg_monai.jobs.files.pairs import Pairs, pair_files
from cellseg_monai.jobs.reporting.report import report
from cellseg_monai.jobs.scores.columns import (
    CLASS_METRICS,
    DEFAULT_METRICS,
    Column,
    columns_of,
    count_columns,
)
from cellseg_monai.jobs.scores.scoring import score_pairs
from cellseg_monai.jobs.scores.summaries import by_modality, overall, pooled
from cellseg_monai.outputs import Run, StrPath, claim_outputs, require_free, write_text
from cellseg_monai.outputs.counting import counted
from cellseg_monai.runtime.class_names import class_names
from cellseg_monai.runtime.provenance import provenance

_logger = logging.getLogger(__name__)

_TABLES = ("scores.csv", "summary.json", "files.csv", "modality.csv")


class Evaluation(NamedTuple):
    """Result of an evaluation.

    Attributes:
        folder: output folder.
        scores: content of ``scores.csv``.
        summary: content of ``summary.json``.

    Example:
        >>> table = pd.DataFrame({"image": ["a"], "dice": [1.0]})
        >>> print(Evaluation(Path("out"), table, {"scores": overall(table), "missing": ["a"]}))
        1 image; report: out/report.html
        dice             mean 1.000, median 1.000
        no prediction, counted as empty (1): a
    """

    folder: Path
    scores: pd.DataFrame
    summary: dict[str, Any]

    def __str__(self) -> str:
        """Means with intervals, and missing predictions."""
        lines = [f"{counted(len(self.scores), 'image')}; report: {self.folder / 'report.html'}"]
        lines += [
            f"{name:<17}pooled {value['value']:.3f}{_interval(value)}"
            for name, value in self.summary.get("pooled", {}).items()
            if value["value"] is not None
        ]
        lines += [f"{name:<17}{_in_words(score)}" for name, score in self.summary["scores"].items()]
        if missing := self.summary["missing"]:
            lines.append(f"no prediction, counted as empty ({len(missing)}): {', '.join(missing)}")
        return "\n".join(lines)


def evaluate(
    pred: StrPath,
    truth: StrPath,
    out: StrPath,
    *,
    metrics: Sequence[str] | None = None,
    pieces: bool = False,
    classes: Mapping[str, int | str] | None = None,
    force: bool = False,
    section: str = "training",
    modality: str | None = None,
    bundle: StrPath | None = None,
    weights: StrPath | None = None,
    training: Mapping[str, Any] | None = None,
    cluster: str | None = None,
) -> Evaluation:
    """Score predicted label maps against true ones.

    A missing prediction counts as an empty label map, and is listed. Binary masks do not separate cells, so
    their object scores are left empty.

    Args:
        pred: folder of predicted label maps in any format, with the names of the images.
        truth: dataset as in :func:`~cellseg_monai.data.list_items`, or folder of label maps without images.
        out: output folder for ``scores.csv``, ``summary.json``, ``files.csv``, ``report.html`` and, if the
            dataset states modalities, ``modality.csv``.
        metrics: columns of the table; by default :data:`DEFAULT_METRICS`, or :data:`CLASS_METRICS` for
            classes. With classes, the pixels of each class are counted as well, and the scores pooled over
            all images are in the summary.
        pieces: whether each connected piece of a binary mask is an object.
        classes: class of each value of the true masks, if they contain classes instead of objects, such as
            ``{"0": 0, "128": 1, "255": 2}``; predictions contain the classes. The class ``"ignore"`` leaves
            the pixels out.
        force: whether to accept label maps that look like microscope images.
        section: section of a JSON file or table.
        modality: regular expression that finds the modality in a name, where the dataset does not state it.
        bundle: folder or zip of the bundle that made the predictions, for the record.
        weights: file of its weights, if they are not in the bundle, for the record.
        training: details of the training, such as seed, options and command, for the record.
        cluster: Dask cluster whose workers score one image each at a time, as in
            :func:`~cellseg_monai.jobs.predict`.

    Returns:
        Scores and their summary.

    Raises:
        ValueError: the shapes of a pair differ, a file cannot be read, no name occurs on both sides, a
            metric is not known, or object scores are requested for classes. Nothing is written in this case.

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
    run = Run("evaluate", locals())
    if metrics is None:
        metrics = DEFAULT_METRICS if classes is None else CLASS_METRICS
    columns = columns_of(metrics)
    if classes is not None:
        _require_no_objects(columns, pieces)
        columns += columns_of(count_columns(classes))
    pairs = pair_files(pred, truth, section, modality)
    folder, sources = Path(out), dict.fromkeys(_TABLES, os.path.abspath(pred))
    require_free(folder, "evaluate", _TABLES, sources)
    require_free(folder, "report", ["report.html"])
    parts = _files_by_part(pairs)
    read = [file for files in parts.values() for file in files]
    record = provenance(parts, bundle, weights, training)
    scores = score_pairs(pairs.scored, columns, pieces, classes, force, cluster)
    missing = [pair.name for pair in pairs.scored if pair.prediction is None]
    without_truth = list(map(str, pairs.without_truth))
    modalities = by_modality(scores.table)
    summary = {
        "images": len(scores.table),
        "missing": missing,
        "without_truth": without_truth,
        "binary_truth": scores.binary_truth,
        "binary_predictions": scores.binary_predictions,
        "pieces": pieces,
        "classes": classes,
        "class_names": None if classes is None else _names(classes, bundle),
        "force": force,
        "modality": modality,
        "scores": overall(scores.table),
        "pooled": pooled(scores.table),
        "by_modality": json.loads(modalities.to_json(orient="records")) if len(modalities) else [],
        "provenance": record,
    }
    _warn("image", missing, "without prediction, counted as empty")
    _warn("prediction", without_truth, "without a true label map, left out")
    texts = {
        "scores.csv": scores.table.to_csv(index=False, float_format="%.6g"),
        "summary.json": json.dumps(summary, indent=1),
        "files.csv": _file_table(pairs).to_csv(index=False),
    }
    if len(modalities):
        texts["modality.csv"] = modalities.to_csv(index=False)
    run.note(counts={"images": len(scores.table), "missing": len(missing)})
    with claim_outputs(folder, "evaluate", texts, read, sources=sources, complete=True, run=run):
        for name, text in texts.items():
            write_text(folder / name, text)
        report([folder], folder / "report.html")
    return Evaluation(folder, scores.table, summary)


def _names(classes: Mapping[str, int | str], bundle: StrPath | None) -> dict[int, str]:
    """Name of each class: that of the bundle, or else its values in the true masks."""
    known = {} if bundle is None else class_names(bundle)
    values: dict[int, list[str]] = {}
    for value, number in classes.items():
        if isinstance(number, int):
            values.setdefault(number, []).append(value)
    return {
        number: known.get(number, f"class {number} (value {', '.join(of_class)})")
        for number, of_class in sorted(values.items())
    }


def _require_no_objects(columns: Sequence[Column], pieces: bool) -> None:
    of_objects = [column.name for column in columns if column.needs] + ["pieces"] * pieces
    if of_objects:
        raise ValueError(
            f"class maps do not separate objects, but {', '.join(of_objects)} needs them; leave out the "
            "classes, or choose scores such as image_mdice image_dice:1"
        )


def _files_by_part(pairs: Pairs) -> dict[str, list[Path]]:
    """Files by part: true label maps, and the predictions and images that exist."""
    truths, predictions, images = zip(*(pair[1:4] for pair in pairs.scored), strict=True)
    parts = {"truth": truths, "predictions": predictions, "images": images}
    found = {part: [file for file in files if file is not None] for part, files in parts.items()}
    return {part: files for part, files in found.items() if files}


def _file_table(pairs: Pairs) -> pd.DataFrame:
    """Absolute paths of the files of each image, empty if there is no such file."""
    columns = ["image", "truth", "prediction", "picture"]
    rows = [[pair.name, *(file and str(file.resolve()) for file in pair[1:4])] for pair in pairs.scored]
    return pd.DataFrame(rows, columns=columns)[["image", "picture", "truth", "prediction"]].fillna("")


def _warn(noun: str, names: Sequence[str], what: str) -> None:
    if names:
        _logger.warning("%s %s: %s", counted(len(names), noun), what, ", ".join(names))


def _in_words(score: Mapping[str, Any] | None) -> str:
    if score is None:
        return "not scored: the masks are binary (see pieces)"
    mean, median = score["mean"], score["median"]
    left_out = f", {counted(score['left_out'], 'image')} without" if score["left_out"] else ""
    return f"mean {mean['value']:.3f}{_interval(mean)}, median {median['value']:.3f}{left_out}"


def _interval(estimate: Mapping[str, float | None]) -> str:
    return "" if estimate["low"] is None else f" [{estimate['low']:.3f}, {estimate['high']:.3f}]"
