"""Conversion of label maps to the files of other programs and back, with names, images and tables."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from cellseg_monai import export
from cellseg_monai.annotations import FORMATS as ANNOTATIONS
from cellseg_monai.annotations import read_annotations
from cellseg_monai.data import read_label_map
from cellseg_monai.jobs.files.companions import Companions, find_companions
from cellseg_monai.jobs.files.inputs import find_label_maps, kind_of
from cellseg_monai.jobs.files.names import full_name
from cellseg_monai.jobs.files.planes import outlined, read_planes
from cellseg_monai.jobs.files.tables import MeasurementTable
from cellseg_monai.outputs import StrPath, claim_outputs, inside, require_apart, written_whole
from cellseg_monai.outputs.counts import LABEL_MAPS, Counts, number_of_cells
from cellseg_monai.outputs.failures import Failures

logger = logging.getLogger(__name__)

FORMATS = {
    "geojson": ".geojson",
    "rois": ".zip",
    "ome-zarr": ".ome.zarr",
    "coco": ".json",
    "tiff": ".tif",
    "overlay": ".png",
}
"""Formats that can be written, with the suffixes of their files."""

_WITH_MEASUREMENTS = ("geojson", "ome-zarr")
_MANY_IMAGES = ("coco", "cvat")


@dataclass(frozen=True)
class Conversion:
    """Result of a conversion.

    Attributes:
        written: files that were written, and folders of OME-Zarr.
        failures: label maps that could not be converted, with the reasons.
        counts: number of cells in each label map.

    Example:
        >>> print(Conversion((Path("out/a.zip"),), (("b.tif", "is damaged"),)))
        out/a.zip
        not converted: b.tif: is damaged
    """

    written: tuple[Path, ...]
    failures: tuple[tuple[str, str], ...] = ()
    counts: Counts = field(default_factory=lambda: Counts(LABEL_MAPS))

    def __str__(self) -> str:
        lines = [path.as_posix() for path in self.written]
        if len(lines) > 5:
            lines = [*lines[:2], f"… {len(lines) - 3} more …", lines[-1]]
        lines += [f"not converted: {name}: {reason}" for name, reason in self.failures]
        return "\n".join(filter(None, [*lines, self.counts.empty()]))


def convert(
    inputs: Sequence[StrPath],
    to: str,
    out: StrPath,
    *,
    images: StrPath | None = None,
    measurements: StrPath | None = None,
    force: bool = False,
) -> Conversion:
    """Write label maps in another format; one that fails does not stop the others.

    Suffix and content determine how an input is read: outlines of :data:`cellseg_monai.annotations.FORMATS`,
    OME-Zarr, a dataset, or any image. A warning lists what the format cannot store.

    Args:
        inputs: files, folders, datasets, and patterns such as ``"day?/*.tif"``.
        to: one of :data:`FORMATS`.
        out: output folder. The label maps of a folder keep their sub-folders.
        images: folder of images, which are found by name. Outlines do not state the size of their image, so
            it is taken from here. OME-Zarr contains the image as well, and overlays are drawn on it.
        measurements: CSV file with ids in ``label`` and, if there are several label maps, the names of
            images in ``image``; ``class`` is the class, other columns are measurements.
        force: whether to accept label maps that look like microscope images.

    Returns:
        Files that were written, and label maps that failed.

    Raises:
        FileNotFoundError: an input, a folder or the table does not exist.
        ValueError: there is no label map, or no such format; the format cannot store measurements; two
            inputs have the same name; or a column is missing in the table.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> export.write_label_tiff(folder / "a.tif", [[0, 5, 5]])
        >>> made = convert([folder / "a.tif"], "geojson", folder / "out")
        >>> [path.name for path in made.written], export.read_geojson(made.written[0]).label_map.tolist()
        (['a.geojson'], [[0, 5, 5]])
    """
    if to not in FORMATS:
        raise ValueError(f"there is no format {to!r}; choose one of {', '.join(FORMATS)}")
    if measurements is not None and to not in _WITH_MEASUREMENTS:
        raise ValueError(f"{to} cannot store measurements; choose {' or '.join(_WITH_MEASUREMENTS)}")
    maps = find_label_maps(inputs, outlines=True)
    pictures = None if images is None else find_companions(images)
    alone = len(maps) == 1 and "coco" not in map(kind_of, maps.values())
    table = None if measurements is None else MeasurementTable(measurements, alone)
    run = _Run(maps, to, Path(out), pictures, table, force)
    sources = {f"{name}{FORMATS[to]}": str(path.absolute()) for name, path in run.names()}
    targets = ["coco.json"] if to == "coco" else list(sources)
    read = [*maps.values(), *(() if pictures is None else pictures.files.values())]
    if to == "tiff":  # otherwise the suffixes differ
        require_apart(out, maps.values())
    with claim_outputs(out, "convert", targets, read, sources=sources):
        run.write_all()
    run.counts.warn()
    return Conversion(tuple(run.written), tuple(run.failures.rows), run.counts)


@dataclass
class _Run:
    """One call of :func:`convert`."""

    maps: Mapping[str, Path]
    to: str
    out: Path
    images: Companions | None
    table: MeasurementTable | None
    force: bool
    failures: Failures = field(default_factory=Failures)
    counts: Counts = field(default_factory=lambda: Counts(LABEL_MAPS))
    written: list[Path] = field(default_factory=list)

    def names(self) -> Iterator[tuple[str, Path]]:
        """Name and file of each label map; :meth:`_objects` reports the files that cannot be read."""
        for name, path in self.maps.items():
            with Failures().collect(name):
                kind = kind_of(path)
                inside_file = read_annotations(path, kind) if kind in _MANY_IMAGES else []
                names = [_name_within(one.image) for one in inside_file if one.image] or [name]
                yield from ((each, path) for each in names)

    def write_all(self) -> None:
        """Write all label maps: one file each, or one file for COCO."""
        if self.to == "coco":
            path = inside(self.out, "coco.json")
            export.write_coco(path, self._named_as_images())
            self.written.append(path)
            return
        for name, objects in self._objects():
            with self.failures.collect(name):
                path = inside(self.out, f"{name}{FORMATS[self.to]}")
                if path in self.written:
                    raise ValueError(f"{path}: two label maps have this name; convert them in two runs")
                self._write(path, name, objects)
                self.written.append(path)

    def _named_as_images(self) -> Iterator[tuple[str, export.Objects]]:
        for name, objects in self._objects():
            yield name if self.images is None else self.images.find(name).name, objects

    def _objects(self) -> Iterator[tuple[str, export.Objects]]:
        """Name and objects of each label map that can be read and fits its image and the table."""
        for given, path in self.maps.items():
            with self.failures.collect(path.as_posix()):
                for name, objects in self._read(given, path):
                    with self.failures.collect(name):
                        self._check_size(name, objects)
                        complete = self._with_table(name, objects)
                        self._warn_of_losses(name, complete)
                        self.counts.add(name, number_of_cells(objects.label_map))
                        yield name, complete

    def _read(self, name: str, path: Path) -> Iterator[tuple[str, export.Objects]]:
        kind = kind_of(path)
        if kind in ANNOTATIONS:
            for one in read_annotations(path, kind):
                called = _name_within(one.image) if kind in _MANY_IMAGES and one.image else name
                where = f"{path}: {one.image}" if kind in _MANY_IMAGES else path
                shape = None if self.images is None or one.size else self.images.shape(called)
                yield called, export.objects_of(where, one, shape)
        elif kind == "ome-zarr":
            yield name, export.read_ome_zarr_labels(path)
        else:
            yield name, export.Objects(read_label_map(path, force=self.force))

    def _check_size(self, name: str, objects: export.Objects) -> None:
        if self.images is not None and (shape := self.images.shape(name)) != objects.label_map.shape:
            raise ValueError(
                f"image {shape} and label map {objects.label_map.shape} differ in rows or columns; give the "
                "images that were segmented"
            )

    def _with_table(self, name: str, objects: export.Objects) -> export.Objects:
        if self.table is None:
            return objects
        table = self.table.of(name)
        kept = objects.table.drop(columns=objects.table.columns.intersection(table.columns))
        return export.Objects(objects.label_map, pd.concat([kept, table], axis=1))

    def _warn_of_losses(self, name: str, objects: export.Objects) -> None:
        columns = [] if self.to in _WITH_MEASUREMENTS else [str(column) for column in objects.table]
        lost = [column for column in columns if not (self.to == "coco" and column == "class")]
        if lost:
            logger.warning("%s: %s cannot store %s; left out", name, self.to, ", ".join(lost))

    def _write(self, path: Path, name: str, objects: export.Objects) -> None:
        labels, table = objects.label_map, objects.table
        image = None if self.images is None else self.images.find(name)
        size = None if self.images is None else self.images.pixel_size(name)
        if self.to == "geojson":
            export.write_geojson(path, labels, table)
        elif self.to == "rois":
            export.write_rois(path, labels)
        elif self.to == "tiff":
            export.write_label_tiff(path, labels, size)
        elif self.to == "ome-zarr":
            pixels, axes = (None, "YX") if image is None else (read_planes(image).pixels, "CYX")
            export.write_ome_zarr_labels(path, labels, table, pixels, axes, pixel_size=size, overwrite=True)
        else:
            dark = np.zeros(labels.shape)
            picture = export.outline(dark, labels) if image is None else outlined(str(image), labels)
            with written_whole(path) as part:
                Image.fromarray(picture).save(part)


def _name_within(image: str) -> str:
    return full_name(Path(image)).lstrip("/")
