"""Label maps to the files of other programs and back: what this adds is names, images and tables."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from cellseg_monai.data import read_label_map
from cellseg_monai.export import (
    Objects,
    coco_images,
    outline,
    read_coco,
    read_geojson,
    read_ome_zarr_labels,
    read_rois,
    write_coco,
    write_geojson,
    write_label_tiff,
    write_ome_zarr_labels,
    write_rois,
)
from cellseg_monai.jobs.files.companions import drawable
from cellseg_monai.jobs.files.images import ImageFolder
from cellseg_monai.jobs.files.sources import find_label_maps, kind_of, name_of
from cellseg_monai.jobs.files.tables import MeasurementTable
from cellseg_monai.outputs import OutputError, claim_outputs, inside, require_apart, written_whole
from cellseg_monai.outputs.causes import in_one_line

logger = logging.getLogger(__name__)

FORMATS = {
    "geojson": ".geojson",
    "rois": ".zip",
    "ome-zarr": ".ome.zarr",
    "coco": ".json",
    "tiff": ".tif",
    "overlay": ".png",
}
"""What can be written, and how the files end."""

_WITH_TABLE = ("geojson", "ome-zarr")
_FAILURES = (ValueError, OSError, RuntimeError, ImportError, KeyError, TypeError)


@dataclass(frozen=True)
class Conversion:
    """What was converted and what was not.

    Attributes:
        written: files, and folders of OME-Zarr.
        failures: label maps that were left out, with the reason.

    Example:
        >>> print(Conversion((Path("out/a.zip"),), (("b.tif", "is damaged"),)))
        out/a.zip
        not converted: b.tif: is damaged
    """

    written: tuple[Path, ...]
    failures: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        lines = [path.as_posix() for path in self.written]
        if len(lines) > 5:
            lines = [*lines[:2], f"… {len(lines) - 3} more …", lines[-1]]
        return "\n".join(lines + [f"not converted: {name}: {reason}" for name, reason in self.failures])


def convert(
    inputs: Sequence[str | PathLike[str]],
    to: str,
    out: str | PathLike[str],
    *,
    images: str | PathLike[str] | None = None,
    measurements: str | PathLike[str] | None = None,
) -> Conversion:
    """Write label maps in another format; one that fails does not stop the others.

    The name tells what an input is: ``.geojson``, ``.zip`` and ``.roi`` (regions of ImageJ), ``.zarr``,
    ``.json`` (COCO, GeoJSON or a dataset, by what it holds), or an image of any format that can be read. What
    a format cannot hold is told in the log.

    Args:
        inputs: files, folders, datasets, and patterns such as ``"day?/*.tif"``.
        to: a key of :data:`FORMATS`.
        out: folder to write. Label maps of a folder keep their sub-folders.
        images: folder of the images, which are found by name. A label map has the size of its image, which
            other programs do not tell; OME-Zarr holds the image as well, overlays are drawn on it.
        measurements: a CSV with the id in ``label`` and, if there are several label maps, the name of the
            image in ``image``; ``class`` is the class, other columns are measurements.

    Returns:
        What was written and what failed.

    Raises:
        FileNotFoundError: an input, a folder or the table is not there.
        ValueError: there is no such format, it cannot hold measurements, two inputs have one name, or the
            table lacks a column.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_label_tiff(folder / "a.tif", [[0, 5, 5]])
        >>> made = convert([folder / "a.tif"], "geojson", folder / "out")
        >>> [path.name for path in made.written], read_geojson(made.written[0]).label_map.tolist()
        (['a.geojson'], [[0, 5, 5]])
    """
    if to not in FORMATS:
        raise ValueError(f"there is no format {to!r}; choose one of {', '.join(FORMATS)}")
    if measurements is not None and to not in _WITH_TABLE:
        raise ValueError(f"{to} has no place for measurements; choose {' or '.join(_WITH_TABLE)}")
    sources = find_label_maps(inputs)
    folder = None if images is None else ImageFolder(images)
    alone = len(sources) == 1 and all(kind_of(path) != "coco" for path in sources.values())
    table = None if measurements is None else MeasurementTable(measurements, alone)
    return _Run(to, Path(out), sources, folder, table).done()


class _Run:
    """One call of :func:`convert`."""

    def __init__(
        self,
        to: str,
        out: Path,
        sources: Mapping[str, Path],
        images: ImageFolder | None,
        table: MeasurementTable | None,
    ) -> None:
        self._to, self._out, self._sources, self._images, self._table = to, out, sources, images, table
        self._written: list[Path] = []
        self._failures: list[tuple[str, str]] = []

    def done(self) -> Conversion:
        """Convert everything."""
        ending = FORMATS[self._to]
        sources = {
            f"{name}{ending}": str(path.absolute())
            for given, path in self._sources.items()
            for name in _names(given, path)
        }
        targets = ["coco.json"] if self._to == "coco" else list(sources)
        read = [*self._sources.values(), *(() if self._images is None else self._images.files)]
        if self._to == "tiff":  # else the files differ in their endings
            require_apart(self._out, self._sources.values())
        with claim_outputs(self._out, "convert", targets, read, sources=sources):
            if self._to == "coco":
                target = self._target("coco")
                write_coco(target, self._for_coco())
                self._written.append(target)
            else:
                self._write_each()
        return Conversion(tuple(self._written), tuple(self._failures))

    def _write_each(self) -> None:
        for name, objects in self._objects():
            try:
                self._write(name, objects)
            except OutputError:  # the others would meet it as well
                raise
            except _FAILURES as error:
                self._failures.append((name, in_one_line(error)))

    def _for_coco(self) -> Iterator[tuple[str, Objects]]:
        for name, objects in self._objects():
            self._tell_losses(name, objects)
            yield name if self._images is None else self._images.find(name).name, objects

    def _objects(self) -> Iterator[tuple[str, Objects]]:
        """Name and objects of each input that can be read, with what the table tells of them."""
        for name, path in self._sources.items():
            try:
                for inner, objects in self._read(name, path):
                    try:
                        self._check_size(inner, objects)
                        complete = self._with_table(inner, objects)
                    except _FAILURES as error:
                        self._failures.append((inner, in_one_line(error)))
                    else:
                        yield inner, complete
            except _FAILURES as error:
                self._failures.append((path.as_posix(), in_one_line(error)))

    def _read(self, name: str, path: Path) -> Iterator[tuple[str, Objects]]:
        kind = kind_of(path)
        shape = None if self._images is None else self._images.shape(name) if kind != "coco" else None
        if kind == "coco":
            for image, objects in read_coco(path):
                yield _name_in_coco(image), objects
        elif kind == "geojson":
            yield name, read_geojson(path, shape)
        elif kind == "rois":
            yield name, read_rois(path, shape)
        elif kind == "ome-zarr":
            yield name, read_ome_zarr_labels(path)
        else:
            yield name, Objects(read_label_map(path))

    def _check_size(self, name: str, objects: Objects) -> None:
        if self._images is not None and self._images.shape(name) != objects.label_map.shape:
            raise ValueError(
                f"its image has {self._images.shape(name)} rows and columns, the labels "
                f"{objects.label_map.shape}; give the images that were segmented"
            )

    def _with_table(self, name: str, objects: Objects) -> Objects:
        if self._table is None:
            return objects
        table = self._table.of(name)
        kept = objects.table.drop(columns=[column for column in table if column in objects.table])
        return Objects(objects.label_map, pd.concat([kept, table], axis=1))

    def _write(self, name: str, objects: Objects) -> None:
        path = self._target(name)
        self._tell_losses(name, objects)
        ids, table = objects.label_map, objects.table
        size = None if self._images is None else self._images.pixel_size(name)
        if self._to == "geojson":
            write_geojson(path, ids, table)
        elif self._to == "rois":
            write_rois(path, ids)
        elif self._to == "tiff":
            write_label_tiff(path, ids, size)
        elif self._to == "ome-zarr":
            image = None if self._images is None else self._images.pixels(name)
            axes = "YX" if image is None else "CYX"
            write_ome_zarr_labels(path, ids, table, image, axes, pixel_size=size, overwrite=True)
        else:
            dark = np.zeros(ids.shape)
            drawing = dark if self._images is None else drawable(str(self._images.find(name)))
            with written_whole(path) as part:
                Image.fromarray(outline(drawing, ids)).save(part)
        self._written.append(path)

    def _target(self, name: str) -> Path:
        path = inside(self._out, f"{name}{FORMATS[self._to]}")
        if path in self._written:
            raise ValueError(f"{path} was written for another label map of this name; convert them apart")
        return path

    def _tell_losses(self, name: str, objects: Objects) -> None:
        columns = [] if self._to in _WITH_TABLE else [str(column) for column in objects.table]
        if self._to == "coco":
            columns = [column for column in columns if column != "class"]
        if columns:
            logger.warning("%s: %s cannot hold, and loses, %s", name, self._to, ", ".join(columns))


def _names(name: str, path: Path) -> list[str]:
    """Names of the results of one input; none if it cannot be read, which :meth:`_Run._objects` reports."""
    try:
        return [_name_in_coco(image) for image in coco_images(path)] if kind_of(path) == "coco" else [name]
    except _FAILURES:
        return []


def _name_in_coco(image: str) -> str:
    return (Path(image).parent / name_of(Path(image))).as_posix().lstrip("/")
