"""A label map as the TIFF that every program of the field opens."""

from collections.abc import Sequence
from os import PathLike

import numpy as np
import numpy.typing as npt
import tifffile

from cellseg_monai.label_maps import as_label_map, cast
from cellseg_monai.outputs import written_whole


def write_label_tiff(
    path: str | PathLike[str], label_map: npt.ArrayLike, pixel_size: Sequence[float] | None = None
) -> None:
    """Write a label map, compressed without loss, as 16 bits, or as 32 if an id needs them.

    Args:
        path: the file.
        label_map: rows and columns.
        pixel_size: micrometres along x and y, if known.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/cells.tif"
        >>> write_label_tiff(path, [[0, 300]])
        >>> tifffile.imread(path)
        array([[  0, 300]], dtype=uint16)
    """
    ids = as_label_map(label_map)
    fits = int(ids.max(initial=0)) <= np.iinfo(np.uint16).max
    known = pixel_size is not None and bool(np.isfinite(pixel_size).all())
    resolution = tuple(1e4 / size for size in pixel_size[:2]) if pixel_size is not None and known else None
    with written_whole(path) as part:
        tifffile.imwrite(
            part,
            cast(ids, np.uint16 if fits else np.int32),
            photometric="minisblack",
            compression="zlib",
            predictor=False,
            metadata={"axes": "YX"},
            resolution=resolution,
            resolutionunit="CENTIMETER" if known else None,
        )
