"""An image file as an array whose parts are read as they are asked for."""

import logging
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.readers import nifti, ome_zarr, tiff
from cellseg_monai.data.readers.formats import read_picture
from cellseg_monai.data.readers.picture import Region

logger = logging.getLogger(__name__)

_IN_PARTS = (*tiff.SUFFIXES, *nifti.SUFFIXES, *ome_zarr.SUFFIXES)
_LARGE = 1 << 28


class ImageRegions:
    """An image that stays in its file: of TIFF, OME-Zarr and NIfTI only what is indexed is read.

    Pixels, channels and axes are those of :class:`~cellseg_monai.data.MicroscopyReader`: channels, then x, y
    (and z). Of other formats the whole image is held. No file stays open, and threads may share an object.

    Where the file itself is no good to read a part of, the log says so: a compressed TIFF in one piece is
    decoded as a whole for each part, and so is a ``.nii.gz``.

    Args:
        path: the file, or several of one size, which are the channels of one image.
        axes: see :func:`~cellseg_monai.data.read_picture`.
        select: likewise.
        level: likewise.

    Attributes:
        shape: channels, x, y (, z).
        dtype: of the pixels.
        pixel_size: micrometres along x, y (and z), or None if the file does not tell.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file cannot be read, or several differ in size.

    Example:
        >>> import tempfile, tifffile
        >>> path = f"{tempfile.mkdtemp()}/slide.tif"
        >>> tifffile.imwrite(path, np.arange(9600, dtype=np.uint16).reshape(80, 120), tile=(16, 16))
        >>> image = ImageRegions(path)
        >>> image.shape, image[:, 3:5, 1:2].tolist()
        ((1, 120, 80), [[[123], [124]]])
    """

    def __init__(
        self,
        path: str | PathLike[str] | Sequence[str | PathLike[str]],
        axes: str | None = None,
        select: Mapping[str, int] | None = None,
        level: int = 0,
    ) -> None:
        self.paths = [Path(one) for one in ([path] if isinstance(path, str | PathLike) else path)]
        self.axes = axes
        self.select = select
        self.level = level
        self._whole: dict[Path, npt.NDArray[Any]] = {}
        shapes = [self._open(one) for one in self.paths]
        for one, shape in zip(self.paths, shapes, strict=True):
            if shape[1:] != shapes[0][1:]:
                raise ValueError(
                    f"{one}: its size {shape[1:]} differs from {shapes[0][1:]} of {self.paths[0]}; files "
                    "that are channels of one image have one size"
                )
        self.shape: tuple[int, ...] = (sum(shape[0] for shape in shapes), *shapes[0][1:])

    def __getitem__(self, box: tuple[slice, ...]) -> npt.NDArray[Any]:
        """Read a part.

        Args:
            box: a slice with start and stop, or ``:``, for channels, x, y (and z), without steps.

        Raises:
            ValueError: the part does not lie in the image, or cannot be read.
        """
        spans = [slice(*part.indices(side)) for part, side in zip(box, self.shape, strict=True)]
        region = ((spans[1].start, spans[1].stop), (spans[2].start, spans[2].stop))
        pixels = [self._read(path, region) for path in self.paths]
        joined = pixels[0] if len(pixels) == 1 else np.concatenate(pixels)
        return joined[(spans[0], slice(None), slice(None), *spans[3:])]

    def _open(self, path: Path) -> tuple[int, ...]:
        """Note what one pixel tells of the image; its shape."""
        name = path.name.lower()
        one_pixel = ((0, 1), (0, 1)) if name.endswith(_IN_PARTS) else None
        picture = read_picture(path, axes=self.axes, select=self.select, level=self.level, region=one_pixel)
        pixels = picture.channel_first()
        self.dtype, self.pixel_size = pixels.dtype, picture.pixel_size
        if one_pixel is None:
            self._whole[path] = pixels
            return pixels.shape
        if name.endswith(tiff.SUFFIXES):
            piece = tiff.largest_piece(path, self.level)
        else:
            piece = int(np.prod(picture.stored_shape)) * pixels.itemsize if name.endswith(".gz") else 0
        if piece > _LARGE:
            logger.warning(
                "%s: is compressed in pieces of %d MB, which are decoded anew for each part that is read; "
                "store it in tiles",
                path,
                piece >> 20,
            )
        names = self.axes or picture.stored_axes
        sides = [int(picture.stored_shape[names.index(axis)]) for axis in "XY"]
        return (pixels.shape[0], *sides, *pixels.shape[3:])

    def _read(self, path: Path, region: Region) -> npt.NDArray[Any]:
        if path in self._whole:
            (left, right), (top, bottom) = region
            return self._whole[path][:, left:right, top:bottom]
        picture = read_picture(path, axes=self.axes, select=self.select, level=self.level, region=region)
        return picture.channel_first()
