"""Label maps to tables of cells: what ``cellseg measure`` adds is to find and to read the files."""

import importlib.util
import logging
import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy.typing as npt
import pandas as pd

from cellseg_monai.analysis import measure_cells, neighbour_pairs, summarize_cells
from cellseg_monai.data import read_label_map, read_picture
from cellseg_monai.jobs.files.companions import (
    Planes,
    companion,
    find_companions,
    find_label_maps,
    find_pictures_beside,
    plane_size,
    read_planes,
)
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics.mask_content import content_of, pieces_of_mask
from cellseg_monai.outputs import claim_outputs, write_text, written_whole
from cellseg_monai.outputs.causes import in_one_line

_logger = logging.getLogger(__name__)

Format = Literal["csv", "parquet"]
PixelSize = float | tuple[float, float] | None


class Measurement(NamedTuple):
    """What was measured of a set of label maps.

    Attributes:
        folder: where the tables are.
        cells: one row a cell, ``image`` first.
        summary: one row an image.
        failures: ``image`` and ``error`` of those that could not be measured.

    Example:
        >>> failures = pd.DataFrame({"image": ["b"], "error": ["ValueError: …"]})
        >>> print(Measurement(Path("out"), pd.DataFrame(index=range(7)), pd.DataFrame(index=[0]), failures))
        7 cells in 1 image; tables in out
        1 image failed; out/failures.csv says which and why
    """

    folder: Path
    cells: pd.DataFrame
    summary: pd.DataFrame
    failures: pd.DataFrame

    def __str__(self) -> str:
        """How many cells, and how many images failed."""
        lines = [
            f"{_number(self.cells, 'cell')} in {_number(self.summary, 'image')}; tables in {self.folder}"
        ]
        if len(self.failures):
            lines.append(
                f"{_number(self.failures, 'image')} failed; {self.folder / 'failures.csv'} says which and why"
            )
        return "\n".join(lines)


def measure(
    labels: str | PathLike[str],
    out: str | PathLike[str],
    *,
    images: str | PathLike[str] | None = None,
    classes: str | PathLike[str] | None = None,
    probabilities: str | PathLike[str] | None = None,
    probability_channel: int = 0,
    pixel_size: PixelSize = None,
    quantiles: Sequence[float] = (0.05, 0.25, 0.75, 0.95),
    background_window: int | None = 256,
    neighbours: int = 6,
    density_radius: float | None = None,
    pairs: bool = False,
    pieces: bool = False,
    file_format: Format = "csv",
) -> Measurement:
    """Measure the cells of every label map of a folder.

    Files of the other folders belong to the label map of their name, whatever the formats; one file
    belongs to one label map whatever its name. The pixel size is that of the image, or of the label map if
    there is no image or it tells none.

    Args:
        labels: a label map, or a folder of them; a folder may have the images beside them, as a dataset does.
        out: folder to write ``cells.csv``, ``summary.csv``, with `pairs` ``neighbours.csv``, and, if an image
            failed, ``failures.csv``.
        images: folder of the images, or the image, for intensities.
        classes: folder of class maps, or of probabilities of classes with the background as first channel.
        probabilities: folder of maps of how likely each pixel belongs to a cell.
        probability_channel: which channel of theirs says so.
        pixel_size: in place of what the files say.
        quantiles: as in :func:`~cellseg_monai.analysis.measure_cells`.
        background_window: likewise.
        neighbours: likewise.
        density_radius: likewise.
        pairs: write the table of neighbours as well.
        pieces: number the connected pieces of masks that hold one value.
        file_format: ``"csv"`` or ``"parquet"``, of the cells and of the neighbours.

    Returns:
        :class:`Measurement`. An image that could not be measured does not stop the others.

    Raises:
        FileNotFoundError: a folder is not there.
        ValueError: there is no label map.
        RuntimeError: Parquet is asked for and pyarrow is not installed, or no image could be measured.

    Example:
        >>> import tempfile, tifffile, numpy as np
        >>> folder = Path(tempfile.mkdtemp())
        >>> tifffile.imwrite(folder / "a.tif", np.array([[0, 1, 1, 0, 2]], np.uint8))
        >>> found = measure(folder, folder / "out")
        >>> found.cells[["image", "label", "area_px2"]].to_dict("list")
        {'image': ['a', 'a'], 'label': [1, 2], 'area_px2': [2.0, 1.0]}
    """
    if file_format not in ("csv", "parquet"):
        raise ValueError(f"file_format is 'csv' or 'parquet', not {file_format!r}")
    if file_format == "parquet":
        _require_pyarrow()
    maps = find_label_maps(Path(labels))
    folders = _Folders(
        find_companions(Path(images), maps)
        if images is not None
        else find_pictures_beside(Path(labels), maps),
        None if classes is None else find_companions(Path(classes), maps),
        None if probabilities is None else find_companions(Path(probabilities), maps),
    )

    def measured(name: str, path: Path) -> dict[str, pd.DataFrame]:
        case = folders.read(name, path, pieces, probability_channel, pixel_size)
        cells = measure_cells(
            case.labels,
            None if case.image is None else case.image.pixels,
            pixel_size=case.pixel_size,
            channel_names=() if case.image is None else case.image.channel_names,
            classes=case.classes,
            probability=case.probability,
            quantiles=quantiles,
            background_window=background_window,
            neighbours=neighbours,
            density_radius=density_radius,
        )
        rows, columns = case.labels.shape
        found = {
            "cells": cells,
            "summary": summarize_cells(cells, (rows, columns), pixel_size=case.pixel_size),
        }
        if pairs:
            found["neighbours"] = neighbour_pairs(
                case.labels, pixel_size=case.pixel_size, neighbours=neighbours
            )
        return found

    tables: dict[str, list[pd.DataFrame]] = {"cells": [], "summary": [], "neighbours": []}
    failures = []
    targets = [f"cells.{file_format}", "summary.csv", "failures.csv"]
    targets += [f"neighbours.{file_format}"] if pairs else []
    made_from = dict.fromkeys(targets, os.path.abspath(labels))
    with claim_outputs(out, "measure", targets, folders.files(maps), sources=made_from, complete=True):
        for name, path in maps.items():
            try:
                found = measured(name, path)
            except Exception as error:  # noqa: BLE001  whatever is wrong with one image, the others are measured
                reason = in_one_line(error)
                _logger.error("%s: %s", name, reason)
                failures.append({"image": name, "error": reason})
            else:
                for kind, table in found.items():
                    table.insert(0, "image", name)
                    tables[kind].append(table)
        if not tables["summary"]:
            _write_failures(Path(out), failures)
            first = failures[0]
            raise RuntimeError(
                f"none of {len(maps)} images could be measured; {first['image']}: {first['error']}; "
                f"{Path(out) / 'failures.csv'} lists all, earlier tables stay"
            )
        return _write(Path(out), tables, failures, file_format)


class _Case(NamedTuple):
    """What belongs to one label map."""

    labels: LabelMap
    image: Planes | None
    classes: npt.NDArray[Any] | None
    probability: npt.NDArray[Any] | None
    pixel_size: PixelSize


class _Folders(NamedTuple):
    """Files by name, None where there is no such folder."""

    images: dict[str, Path] | None
    classes: dict[str, Path] | None
    probabilities: dict[str, Path] | None

    def files(self, maps: dict[str, Path]) -> list[Path]:
        """All that is read."""
        return [path for files in (maps, *self) for path in (files or {}).values()]

    def read(self, name: str, path: Path, pieces: bool, channel: int, pixel_size: PixelSize) -> _Case:
        """Read all that has the name of a label map."""
        labels = _cells(path, pieces)
        image = self._planes("image", name, self.images)
        classes = self._planes("class map", name, self.classes)
        probability = self._planes("probability", name, self.probabilities)
        if probability is not None and not 0 <= channel < len(probability.pixels):
            raise ValueError(
                f"the probability of {name} has {len(probability.pixels)} channels, and none is number "
                f"{channel}; the first is number 0"
            )
        size = image.pixel_size if image is not None else None
        size = size or plane_size(read_picture(path, "label").pixel_size)
        return _Case(
            labels,
            image,
            None if classes is None else classes.pixels[0] if len(classes.pixels) == 1 else classes.pixels,
            None if probability is None else probability.pixels[channel],
            size if pixel_size is None else pixel_size,
        )

    @staticmethod
    def _planes(kind: str, name: str, files: dict[str, Path] | None) -> Planes | None:
        return None if files is None else read_planes(companion(name, kind, files))


def _cells(path: Path, pieces: bool) -> LabelMap:
    """Read a label map; one that may be a black and white mask is told of."""
    labels = read_label_map(path)
    if pieces:
        return pieces_of_mask(labels)
    if content_of(labels) in ("0 and 255", "one value in pieces"):
        _logger.warning(
            "%s holds one value and is measured as one cell; pieces=True (--pieces) makes a cell of each "
            "connected piece",
            path,
        )
    return labels


def _write(
    folder: Path,
    tables: dict[str, list[pd.DataFrame]],
    failures: list[dict[str, str]],
    file_format: Format,
) -> Measurement:
    """Write what there is."""
    joined = {
        name: pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        for name, parts in tables.items()
    }
    for name in ("cells", "neighbours"):
        if not tables[name]:
            continue
        with written_whole(folder / f"{name}.{file_format}") as part:
            if file_format == "parquet":
                joined[name].to_parquet(part, index=False)
            else:
                joined[name].to_csv(part, index=False, float_format="%.8g")
    write_text(folder / "summary.csv", joined["summary"].to_csv(index=False, float_format="%.8g"))
    return Measurement(folder, joined["cells"], joined["summary"], _write_failures(folder, failures))


def _write_failures(folder: Path, failures: list[dict[str, str]]) -> pd.DataFrame:
    failed = pd.DataFrame(failures, columns=["image", "error"])
    if failures:
        write_text(folder / "failures.csv", failed.to_csv(index=False))
    return failed


def _require_pyarrow() -> None:
    if importlib.util.find_spec("pyarrow") is None:
        raise RuntimeError(
            "Parquet is written by pyarrow, which is not installed: pip install 'cellseg-monai[parquet]', or "
            "write CSV"
        )


def _number(rows: pd.DataFrame, thing: str) -> str:
    return f"{len(rows):,} {thing}{'' if len(rows) == 1 else 's'}"
