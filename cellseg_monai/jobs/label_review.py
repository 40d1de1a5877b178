"""Annotations that are probably wrong: a table, a sheet of pictures, and files for napari and QuPath."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cellseg_monai.export import write_geojson_boxes
from cellseg_monai.jobs.doubt_sheet import Seen, draw_doubts
from cellseg_monai.jobs.files.companions import Companions, find_companions
from cellseg_monai.jobs.files.pairs import Pair, pair_files
from cellseg_monai.jobs.files.planes import drawable, read_planes
from cellseg_monai.jobs.scores.scoring import read_pair
from cellseg_monai.label_maps import LabelMap, connected_components
from cellseg_monai.metrics import DOUBT_KINDS, Doubt, label_doubts
from cellseg_monai.metrics.mask_content import Content, binary_maps, content_of
from cellseg_monai.outputs import StrPath, claim_outputs, write_text
from cellseg_monai.outputs.counting import counted
from cellseg_monai.outputs.failures import FAILURES, Failures

TABLE, SHEET = "doubts.csv", "doubts.png"
COLUMNS = [
    *("rank", "image", "kind", "confidence", "x", "y", "width", "height"),
    *("centre_x", "centre_y", "truth_ids", "pred_ids"),
]
_OF_MASKS = ("missing", "extra")


class Review(NamedTuple):
    """Result of a review.

    Attributes:
        folder: folder of the results.
        doubts: content of ``doubts.csv``.
        images: number of images that were compared.
        missing: names of images without prediction, which were not compared.
        failures: images that could not be compared, with columns ``image`` and ``error``.

    Example:
        >>> doubts = pd.DataFrame({"kind": ["extra", "missing", "extra"]})
        >>> print(Review(Path("out"), doubts, 10, ["b"], pd.DataFrame()))
        3 doubts in 10 images (1 missing, 2 extra); see out/doubts.png
        no prediction, not reviewed (1): b
    """

    folder: Path
    doubts: pd.DataFrame
    images: int
    missing: list[str]
    failures: pd.DataFrame

    @property
    def failed(self) -> bool:
        """Whether an image has no prediction."""
        return bool(self.missing)

    def __str__(self) -> str:
        """Number of doubts of each kind, and of images that were not reviewed."""
        images = counted(self.images, "image")
        if len(self.doubts):
            numbers = self.doubts["kind"].value_counts()
            kinds = ", ".join(f"{numbers[kind]} {kind}" for kind in DOUBT_KINDS if kind in numbers)
            lines = [f"{counted(len(self.doubts), 'doubt')} in {images} ({kinds}); see {self.folder / SHEET}"]
        else:
            lines = [f"no doubts in {images}: the predictions agree with the annotations"]
        if self.missing:
            lines.append(f"no prediction, not reviewed ({len(self.missing)}): {', '.join(self.missing)}")
        if len(self.failures):
            failed = counted(len(self.failures), "image")
            lines.append(f"{failed} failed; see {self.folder / FAILURES} for the reasons")
        return "\n".join(lines)


def review(
    pred: StrPath,
    truth: StrPath,
    out: StrPath,
    *,
    min_confidence: float = 0.25,
    shown: int = 24,
    probability_channel: int = 0,
    section: str = "training",
) -> Review:
    """Rank the annotations that confident predictions contradict.

    :func:`~cellseg_monai.metrics.label_doubts` defines kinds and confidence of the doubts. The predictions
    should come from a network that was not trained with these annotations. If the masks are
    binary, their connected pieces are compared, and only missing and extra ones are doubts.

    Args:
        pred: folder with ``labels/`` and ``probability/``, from :func:`predict` with ``save_probability``.
        truth: dataset as in :func:`~cellseg_monai.data.list_items`, or folder of label maps without images.
        out: output folder for ``doubts.csv``; ``doubts.png``, the first doubts as pictures; for each image
            with doubts ``napari/IMAGE.csv``, points, and ``qupath/IMAGE.geojson``, rectangles; and, if an
            image failed, ``failures.csv``.
        min_confidence: lowest confidence of a doubt.
        shown: number of doubts on the sheet.
        probability_channel: channel of the foreground in the probability maps.
        section: section of a JSON file or table.

    Returns:
        Doubts, and images that could not be compared.

    Raises:
        FileNotFoundError: a folder does not exist.
        ValueError: no prediction has the name of an annotated image, or an option is out of range.
        RuntimeError: no image could be compared.

    Example:
        >>> import tempfile, numpy as np, tifffile
        >>> folder = Path(tempfile.mkdtemp())
        >>> cells = np.pad(np.ones((4, 4), np.uint16), 8)
        >>> for name, content in {
        ...     "pred/labels/a.tif": cells,
        ...     "pred/probability/a.tif": cells.astype(np.float32),
        ...     "truth/a.tif": cells * 0,
        ... }.items():
        ...     (folder / name).parent.mkdir(parents=True, exist_ok=True)
        ...     tifffile.imwrite(folder / name, content)
        >>> review(folder / "pred", folder / "truth", folder / "out").doubts[["image", "kind", "x", "width"]]
          image     kind  x  width
        0     a  missing  8      4
    """
    if shown < 1:
        raise ValueError(f"shown={shown} must be at least 1")
    if not 0 <= min_confidence <= 1:
        raise ValueError(f"min_confidence={min_confidence} must be from 0 to 1")
    folder = Path(out)
    all_pairs = pair_files(Path(pred) / "labels", truth, section).scored
    pairs = {pair.name: pair for pair in all_pairs if pair.prediction is not None}
    probabilities = _probabilities(Path(pred) / "probability")
    targets = [TABLE, SHEET, FAILURES, *(file for name in pairs for file in _for_viewers(name))]
    read = [*probabilities.files.values(), *(file for pair in pairs.values() for file in pair[1:4] if file)]
    sources = dict.fromkeys(targets, os.path.abspath(pred))
    failures = Failures(folder)
    with claim_outputs(folder, "review", targets, read, sources=sources, complete=True):
        binary = _binary(pairs, failures)
        doubts: list[tuple[str, Doubt]] = []
        shapes: dict[str, tuple[int, int]] = {}
        for name, is_mask in binary.items():
            with failures.collect(name):
                predicted, annotated = _read(pairs[name], is_mask)
                probability = read_planes(probabilities.find(name)).probability(probability_channel)
                found = label_doubts(predicted, annotated, probability, min_confidence=min_confidence)
                doubts += [(name, doubt) for doubt in found if not is_mask or doubt.kind in _OF_MASKS]
                shapes[name] = (annotated.shape[0], annotated.shape[1])
        if not shapes:
            image, reason = failures.rows[0]
            raise RuntimeError(
                f"no image could be compared; {image}: {reason}; see {folder / FAILURES} for all reasons"
            )
        doubts.sort(key=lambda one: -one[1].confidence)
        table = _table(doubts)
        write_text(folder / TABLE, table.to_csv(index=False, float_format="%.4g"))
        for name in table["image"].unique():
            _write_for_viewers(folder, name, table[table["image"] == name], shapes[name])

        def seen(name: str) -> Seen:
            image = pairs[name].image
            ground = read_planes(probabilities.find(name)).probability(probability_channel)
            picture = ground if image is None else drawable(str(image))
            return Seen(picture, *_read(pairs[name], binary[name]))

        if doubts:
            draw_doubts(folder / SHEET, doubts[:shown], seen)
    without = [pair.name for pair in all_pairs if pair.prediction is None]
    return Review(folder, table, len(shapes), without, failures.table)


def _probabilities(folder: Path) -> Companions:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder; predict with --save-probability")
    return find_companions(folder, "probability map")


def _binary(pairs: Mapping[str, Pair], failures: Failures) -> dict[str, bool]:
    """Whether annotation or prediction of each image that can be read is a binary mask."""
    contents: dict[str, tuple[Content, Content]] = {}
    for name, pair in pairs.items():
        with failures.collect(name):
            pred, truth = read_pair(pair)
            _require_objects(pair.truth, truth)
            contents[name] = (content_of(pred), content_of(truth))
    sides = [binary_maps(side) for side in zip(*contents.values(), strict=True)]
    return dict(zip(contents, map(any, zip(*sides, strict=True)), strict=True))


def _require_objects(path: Path, truth: LabelMap) -> None:
    """Raise if the ids of a map are in more than two pieces on average: they are classes."""
    values, pieces = np.count_nonzero(np.unique(truth)), int(connected_components(truth).max(initial=0))
    if values > 1 and pieces > 2 * values:
        raise ValueError(
            f"{path}: {values} values in {pieces} pieces are classes, not cells; "
            "a review compares cells, so give label maps of cells"
        )


def _read(pair: Pair, is_mask: bool) -> tuple[LabelMap, LabelMap]:
    """Prediction and annotation; the connected pieces of binary masks."""
    pred, truth = read_pair(pair)
    if is_mask:
        return connected_components(pred > 0), connected_components(truth > 0)
    return pred, truth


def _table(doubts: Sequence[tuple[str, Doubt]]) -> pd.DataFrame:
    rows = [
        (
            rank,
            name,
            doubt.kind,
            doubt.confidence,
            *doubt.box,
            *doubt.centre,
            *(" ".join(map(str, ids)) for ids in (doubt.truth_ids, doubt.pred_ids)),
        )
        for rank, (name, doubt) in enumerate(doubts, start=1)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _for_viewers(name: str) -> tuple[str, str]:
    return f"napari/{name}.csv", f"qupath/{name}.geojson"


def _write_for_viewers(folder: Path, name: str, rows: pd.DataFrame, shape: tuple[int, int]) -> None:
    """Write the doubts of an image as points for napari and rectangles for QuPath."""
    points, boxes = _for_viewers(name)
    axes = {"centre_y": "axis-0", "centre_x": "axis-1"}
    layer = rows[[*axes, "rank", "kind", "confidence"]].rename(columns=axes).reset_index(drop=True)
    write_text(folder / points, layer.to_csv(index_label="index", float_format="%.4g"))
    described = rows.rename(columns={"kind": "class"}).set_index("rank")[["class", "confidence"]]
    corners = rows[["x", "y", "width", "height"]].to_numpy().tolist()
    write_geojson_boxes(folder / boxes, corners, described, shape, DOUBT_KINDS)
