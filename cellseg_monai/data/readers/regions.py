"""An image file as an array that reads only the parts that are indexed."""

import logging
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.readers import tiff
from cellseg_monai.data.readers.axes import Part, Span
from cellseg_monai.data.readers.channels import Channels, chosen_channels
from cellseg_monai.data.readers.formats import IN_PARTS, read_part
from cellseg_monai.data.readers.picture import Kind, require_one_size

logger = logging.getLogger(__name__)

_LARGE = 1 << 28


class ImageRegions:
    """An image that stays in its file; indexing reads a part of it.

    Pixels, channels and axes are those of :class:`~cellseg_monai.data.MicroscopyReader`: channels, then x, y
    (and z, or the frames of a movie). Of TIFF, OME-Zarr and NIfTI files only the indexed part is read; images
    of other formats are kept in memory. No file stays open, and threads may share an object.

    Some files are slow to read in parts: a compressed TIFF in one piece and a ``.nii.gz`` are decoded as a
    whole for each part. A warning is logged for such files.

    Args:
        path: image file, or several files of one size that are the channels of one image.
        axes: one letter per dimension; see :func:`~cellseg_monai.data.read_picture`.
        select: index along some of the axes, for example ``{"T": 0}``.
        level: pyramid level.
        channels: numbers or names of the channels to use, in this order; by default all.
        movie: whether the frames of a movie are a third axis; otherwise one must be selected.
        kind: ``"label"`` keeps the palette indices of a mask.

    Attributes:
        shape: number of channels, and pixels along x, y (and z, or frames).
        axes: ``CXY``, ``CXYZ`` or ``CXYT``.
        dtype: data type of the pixels.
        pixel_size: size of a pixel along x, y (and z) in micrometres, or None if the file does not give it.
        channel_names: names of the channels, or nothing if the file does not name them.
        affine: matrix from indices to space as in :class:`~cellseg_monai.data.Picture`, or None.

    Raises:
        FileNotFoundError: a file does not exist.
        ValueError: a file cannot be read, or the files differ in size.

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
        *,
        axes: str | None = None,
        select: Mapping[str, int] | None = None,
        level: int = 0,
        channels: Channels = None,
        movie: bool = False,
        kind: Kind = "image",
    ) -> None:
        self.paths = [Path(one) for one in ([path] if isinstance(path, str | PathLike) else path)]
        self._kind: Kind = kind
        self._part = Part(axes, select, level, movie=movie)
        self._names: list[str] = []
        self._whole: dict[Path, npt.NDArray[Any]] = {}
        shapes = [self._open(one) for one in self.paths]
        require_one_size(self.paths, shapes)
        count = sum(shape[0] for shape in shapes)
        try:
            self._channels = chosen_channels(channels, self._names, count)
        except ValueError as error:
            raise ValueError(f"{', '.join(map(str, self.paths))}: {error}") from error
        self._all = self._channels == list(range(count))
        named = len(self._names) == count
        self.channel_names = tuple(self._names[place] for place in self._channels) if named else ()
        self.shape: tuple[int, ...] = (len(self._channels), *shapes[0][1:])

    def __getitem__(self, box: tuple[slice, ...]) -> npt.NDArray[Any]:
        """Read a part of the image.

        Args:
            box: slices without steps along channels, x, y (and z, or frames).

        Raises:
            ValueError: the part is not inside the image, or it cannot be read.
        """
        spans = [slice(*part.indices(side)) for part, side in zip(box, self.shape, strict=True)]
        pixels = [self._read(path, [(span.start, span.stop) for span in spans[1:]]) for path in self.paths]
        joined = pixels[0] if len(pixels) == 1 else np.concatenate(pixels)
        return joined[spans[0]] if self._all else joined[self._channels[spans[0]]]

    def _open(self, path: Path) -> tuple[int, ...]:
        """Read the metadata with one pixel, or the whole image, and return the channel-first shape."""
        name = path.name.lower()
        one_pixel = ((0, 1), (0, 1), (0, 1)) if name.endswith(IN_PARTS) else None
        picture = read_part(path, self._kind, self._part._replace(region=one_pixel))
        pixels = picture.channel_first()
        self.dtype, self.pixel_size, self.affine = pixels.dtype, picture.pixel_size, picture.affine
        self.axes = f"CXY{picture.third}"
        self._names += picture.channel_names
        if one_pixel is None:
            self._whole[path] = pixels
            return pixels.shape
        piece = int(np.prod(picture.stored_shape)) * pixels.itemsize if name.endswith(".gz") else 0
        if name.endswith(tiff.SUFFIXES):
            piece = tiff.largest_piece(path, self._part.level)
        if piece > _LARGE:
            logger.warning(
                "%s: compressed in pieces of %d MB, and each part that is read decodes a whole piece; "
                "store the image in tiles",
                path,
                piece >> 20,
            )
        names = self._part.names(picture.stored_axes)
        sides = [int(picture.stored_shape[names.index(axis)]) for axis in self.axes[1:]]
        return (pixels.shape[0], *sides)

    def _read(self, path: Path, region: Sequence[Span]) -> npt.NDArray[Any]:
        if path in self._whole:
            return self._whole[path][(slice(None), *(slice(*span) for span in region))]
        return read_part(path, self._kind, self._part._replace(region=tuple(region))).channel_first()
