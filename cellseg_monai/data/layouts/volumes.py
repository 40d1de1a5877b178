"""Label maps inside larger files: the labels of OME-Zarr, and segmentations of 3D Slicer."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

from cellseg_monai.data.layouts.samples import Annotation
from cellseg_monai.data.readers.axes import Part
from cellseg_monai.data.readers.formats import read_pixels
from cellseg_monai.data.readers.ome_zarr import read_ome_zarr
from cellseg_monai.label_maps import LabelMap, as_label_map
from cellseg_monai.polygons import Shape

_FIELD = re.compile(r"^(Segment(?:ation)?\d*_\w+):=(.*)$", re.MULTILINE)


def zarr_labels(path: Path) -> list[str]:
    """List the label maps of an OME-Zarr image; empty if there are none."""
    listing = next((path / "labels" / name for name in (".zattrs", "zarr.json")
                    if (path / "labels" / name).is_file()), None)  # fmt: skip
    if listing is None:
        return []
    metadata = dict(zarr.open_group(str(path / "labels"), mode="r").attrs)
    return [str(name) for name in metadata.get("ome", metadata).get("labels", ())]


def read_zarr_labels(path: Path, shape: Shape) -> Annotation:
    """Read the only label map of an OME-Zarr image.

    Raises:
        ValueError: it has several label maps, or one of another shape.
    """
    names = zarr_labels(path)
    if len(names) != 1:
        raise ValueError(f"{path.name} has the label maps {', '.join(names)}; keep one")
    picture = read_ome_zarr(path / "labels" / names[0], "label", Part())
    return Annotation(_plane(path, picture.rows_columns(), shape))


def read_slicer(path: Path, shape: Shape) -> Annotation:
    """Read a segmentation of 3D Slicer of one plane; its segments are objects, and their names classes.

    Slicer stores only the part of the image that has segments, and where that part begins. A segment that
    still has the name Slicer gave it, such as ``Segment_1``, has no class.

    Raises:
        ValueError: the file has several planes or layers, or does not fit into the image.
    """
    header = path.read_bytes().partition(b"\n\n")[0].decode("utf-8", "replace").replace("\r", "")
    fields = dict(_FIELD.findall(header))
    labels = as_label_map(np.squeeze(read_pixels(path, "label")))
    if labels.ndim != 2:
        raise ValueError(
            f"{path.name} has several planes, or segments that overlap; only planes without overlap are read"
        )
    offset = [int(step) for step in fields.get("Segmentation_ReferenceImageExtentOffset", "0 0 0").split()]
    rows, columns = labels.shape
    whole = np.zeros(shape, np.int32)
    part = whole[offset[1] : offset[1] + rows, offset[0] : offset[0] + columns]
    if part.shape != labels.shape:
        raise ValueError(f"{path.name} has the shape {labels.shape}, but the image has {shape}")
    part[:] = labels
    classes = {}
    for key, value in fields.items():
        name = fields.get(key.replace("_LabelValue", "_Name"), "")
        if key.endswith("_LabelValue") and name and not re.fullmatch(r"Segment_\d+", name):
            classes[int(value)] = name
    return Annotation(whole, classes=classes)


def _plane(path: Path, labels: npt.NDArray[Any], shape: Shape) -> LabelMap:
    label_map = as_label_map(labels if labels.ndim == 2 else np.squeeze(labels))
    if label_map.shape != shape:
        raise ValueError(f"{path.name} has labels of the shape {label_map.shape}, but the image has {shape}")
    return label_map
