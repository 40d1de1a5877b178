"""Tables of the cells in label maps."""

import importlib.util
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from cellseg_monai.analysis import measure_cells, measure_stack, neighbour_pairs, summarize_cells
from cellseg_monai.analysis.measure.units import PixelSize
from cellseg_monai.data import ImageRegions, Reading, read_label_map, read_picture
from cellseg_monai.jobs.files.collecting import collected
from cellseg_monai.jobs.files.companions import Companions, find_companions, find_images_beside
from cellseg_monai.jobs.files.inputs import find_label_maps
from cellseg_monai.jobs.files.planes import WHOLE, Planes, plane_size, read_planes
from cellseg_monai.jobs.files.stacks import label_planes, of_labels, planes_of, third_axis
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics.mask_content import content_of, pieces_of_mask
from cellseg_monai.outputs import Run, StrPath, claim_outputs, written_whole
from cellseg_monai.outputs.counting import counted
from cellseg_monai.outputs.counts import LABEL_MAPS, Counts
from cellseg_monai.outputs.failures import FAILURES, Failures

_logger = logging.getLogger(__name__)
_COMPANIONS = ("image", "class map", "probability map")

Format = Literal["csv", "parquet"]


class Measurement(NamedTuple):
    """Result of measuring label maps.

    Attributes:
        folder: folder of the tables.
        cells: table of cells, with the name of the image in the first column.
        summary: table of images.
        failures: images that could not be measured, with columns ``image`` and ``error``.

    Example:
        >>> failures = pd.DataFrame({"image": ["b"], "error": ["ValueError: …"]})
        >>> summary = pd.DataFrame({"image": ["a", "c"], "cells": [7, 0]})
        >>> print(Measurement(Path("out"), pd.DataFrame(index=range(7)), summary, failures))
        7 cells in 2 images; tables in out
        no cell in 1 of 2 images (c); if there are cells: check that these are the label maps, ...
        1 image failed; see out/failures.csv for the reasons
    """

    folder: Path
    cells: pd.DataFrame
    summary: pd.DataFrame
    failures: pd.DataFrame

    @property
    def counts(self) -> Counts:
        """Number of cells in each image."""
        counts = Counts(LABEL_MAPS)
        counts.rows = list(zip(self.summary["image"], self.summary["cells"].astype(int), strict=True))
        return counts

    def __str__(self) -> str:
        """Number of cells, and of images without cells and of those that failed."""
        cells, images = counted(len(self.cells), "cell"), counted(len(self.summary), "image")
        failed, file = counted(len(self.failures), "image"), self.folder / FAILURES
        lines = [f"{cells} in {images}; tables in {self.folder}", self.counts.empty()]
        if len(self.failures):
            lines.append(f"{failed} failed; see {file} for the reasons")
        return "\n".join(filter(None, lines))


def measure(
    labels: StrPath,
    out: StrPath,
    *,
    images: StrPath | None = None,
    classes: StrPath | None = None,
    probabilities: StrPath | None = None,
    probability_channel: int = 0,
    pixel_size: PixelSize = None,
    quantiles: Sequence[float] = (0.05, 0.25, 0.75, 0.95),
    background_window: int | None = 256,
    neighbours: int = 6,
    density_radius: float | None = None,
    pairs: bool = False,
    pieces: bool = False,
    file_format: Format = "csv",
    reading: Reading = WHOLE,
    force: bool = False,
    cluster: str | None = None,
) -> Measurement:
    """Measure the cells of label maps; one that fails does not stop the others.

    The cells of a stack are measured in three dimensions, plane by plane; see
    :func:`~cellseg_monai.analysis.measure_stack`.

    Images, class maps and probability maps belong to the label map of the same name, in any format. A single
    file belongs to a single label map, whatever its name. The pixel size is that of the image, or of the
    label map if there is no image or the image does not state it.

    Args:
        labels: label map, folder of label maps, or dataset with images and masks.
        out: output folder for ``cells.csv``, ``summary.csv``, with `pairs` ``neighbours.csv``, and, if an
            image failed, ``failures.csv``.
        images: folder of images, or a single image, for intensities.
        classes: folder of class maps, or of class probabilities with the background as first channel.
        probabilities: folder of foreground probability maps.
        probability_channel: channel of the probability maps.
        pixel_size: pixel size in micrometres, in place of that of the files.
        quantiles: quantiles of the intensity, as in :func:`~cellseg_monai.analysis.measure_cells`.
        background_window: side of the window of the local background, in pixels; None for the whole image.
        neighbours: number of nearest neighbours.
        density_radius: radius of the local density.
        pairs: whether to write the table of neighbours as well.
        pieces: whether each connected piece of a mask with one value is a cell.
        file_format: format of the tables of cells and neighbours, ``"csv"`` or ``"parquet"``.
        reading: names of the axes, and a choice of frame and plane, and of channels of the images.
        force: whether to accept label maps that look like microscope images.
        cluster: Dask cluster whose workers measure one label map each at a time, as in
            :func:`~cellseg_monai.jobs.predict`.

    Returns:
        Tables of cells, images and failures.

    Raises:
        FileNotFoundError: a folder does not exist.
        ValueError: there is no label map.
        RuntimeError: pyarrow is not installed but needed for Parquet, or no image could be measured.

    Example:
        >>> import tempfile, tifffile, numpy as np
        >>> folder = Path(tempfile.mkdtemp())
        >>> tifffile.imwrite(folder / "a.tif", np.array([[0, 1, 1, 0, 2]], np.uint8))
        >>> found = measure(folder, folder / "out")
        >>> found.cells[["image", "label", "area_px2"]].to_dict("list")
        {'image': ['a', 'a'], 'label': [1, 2], 'area_px2': [2.0, 1.0]}
    """
    run = Run("measure", locals())
    _require_format(file_format)
    maps = find_label_maps([labels])
    given = dict(zip(_COMPANIONS, (images, classes, probabilities), strict=True))
    companions = {kind: find_companions(path, kind, maps) for kind, path in given.items() if path is not None}
    if images is None and (beside := find_images_beside(labels, maps)):
        companions["image"] = beside

    def measured(item: tuple[str, Path, Mapping[str, Companions]]) -> dict[str, pd.DataFrame]:
        name, path, companions = item
        own = of_labels(path, reading)
        if third_axis(path, own) == "Z":
            if pieces or pairs:
                raise ValueError(f"{path}: is a stack; leave out {'--pieces' if pieces else '--pairs'}")
            return _measured_stack(name, path, own, companions, reading, pixel_size, force)
        cell_map = _read_cells(path, pieces, own, force)
        planes = {kind: read_planes(files.find(name), reading) for kind, files in companions.items()}
        image, class_map, probability = (planes.get(kind) for kind in _COMPANIONS)
        size = _pixel_size(path, image, own) if pixel_size is None else pixel_size
        cells = measure_cells(
            cell_map,
            None if image is None else image.pixels,
            pixel_size=size,
            channel_names=() if image is None else image.channel_names,
            classes=None if class_map is None else class_map.without_single_channel,
            probability=None if probability is None else probability.probability(probability_channel),
            quantiles=quantiles,
            background_window=background_window,
            neighbours=neighbours,
            density_radius=density_radius,
        )
        rows, columns = cell_map.shape
        found = {"cells": cells, "summary": summarize_cells(cells, (rows, columns), pixel_size=size)}
        if pairs:
            found["neighbours"] = neighbour_pairs(cell_map, pixel_size=size, neighbours=neighbours)
        return found

    folder = Path(out)
    files = {"cells": f"cells.{file_format}", "summary": "summary.csv"}
    files |= {"neighbours": f"neighbours.{file_format}"} if pairs else {}
    targets = [*files.values(), FAILURES]
    read = [path for each in (maps, *(each.files for each in companions.values())) for path in each.values()]
    sources = dict.fromkeys(targets, os.path.abspath(labels))
    tables: dict[str, list[pd.DataFrame]] = {kind: [] for kind in files}
    failures = Failures(folder)
    items = {
        name: (name, path, {kind: those.only(name) for kind, those in companions.items()})
        for name, path in maps.items()
    }
    with claim_outputs(folder, "measure", targets, read, sources=sources, complete=True, run=run):
        for name, found in collected(measured, items, failures, cluster):
            for kind, table in found.items():
                table.insert(0, "image", name)
                tables[kind].append(table)
        if not tables["summary"]:
            image, reason = failures.rows[0]
            raise RuntimeError(
                f"no image could be measured; {image}: {reason}; "
                f"see {folder / FAILURES} for all reasons; tables of earlier runs are kept"
            )
        run.note(counts={"images": len(maps), "failed": len(failures.rows)})
        joined = {kind: pd.concat(parts, ignore_index=True) for kind, parts in tables.items()}
        for kind, file in files.items():
            _write(folder / file, joined[kind])
    measurement = Measurement(folder, joined["cells"], joined["summary"], failures.table)
    measurement.counts.warn()
    return measurement


def _require_format(name: str) -> None:
    if name not in ("csv", "parquet"):
        raise ValueError(f"file_format must be 'csv' or 'parquet', not {name!r}")
    if name == "parquet" and importlib.util.find_spec("pyarrow") is None:
        raise RuntimeError("Parquet needs pyarrow: pip install 'cellseg-monai[parquet]', or write CSV")


def _measured_stack(
    name: str,
    path: Path,
    own: Reading,
    companions: Mapping[str, Companions],
    reading: Reading,
    pixel_size: PixelSize,
    force: bool,
) -> dict[str, pd.DataFrame]:
    labels = ImageRegions(path, kind="label", **own.place)
    if others := sorted(companions.keys() - {"image"}):
        raise ValueError(f"{path}: is a stack, of which no {others[0]} is measured; leave it out")
    image = ImageRegions(companions["image"].find(name), **reading.options) if companions else None
    if image is not None and image.shape[1:] != labels.shape[1:]:
        raise ValueError(
            f"{image.paths[0]} is {_sides(image)}, but the label map {path} is {_sides(labels)} (x, "
            "y, z); give the image that belongs to it"
        )
    known = [files.pixel_size for files in (image, labels) if files is not None and files.pixel_size]
    size = pixel_size if pixel_size is not None else known[0] if known else None
    cells = measure_stack(
        label_planes(labels, force),
        None if image is None else planes_of(image),
        pixel_size=size,
        channel_names=() if image is None else image.channel_names,
    )
    return {"cells": cells, "summary": summarize_cells(cells, labels.shape[:0:-1], pixel_size=size)}


def _sides(image: ImageRegions) -> str:
    return " × ".join(map(str, image.shape[1:]))


def _read_cells(path: Path, pieces: bool, own: Reading, force: bool) -> LabelMap:
    """Read a label map, and warn if it may be a binary mask."""
    labels = read_label_map(path, force=force, **own.place)
    if pieces:
        return pieces_of_mask(labels)
    if content_of(labels) in ("0 and 255", "one value in pieces"):
        _logger.warning(
            "%s contains only one value and is measured as one cell; use pieces=True (--pieces) to measure "
            "each connected piece as a cell",
            path,
        )
    return labels


def _pixel_size(label_map: Path, image: Planes | None, own: Reading) -> PixelSize:
    if image is not None and image.pixel_size is not None:
        return image.pixel_size
    return plane_size(read_picture(label_map, "label", **own.place).pixel_size)


def _write(file: Path, table: pd.DataFrame) -> None:
    with written_whole(file) as part:
        if file.suffix == ".parquet":
            table.to_parquet(part, index=False)
        else:
            table.to_csv(part, index=False, float_format="%.8g")
