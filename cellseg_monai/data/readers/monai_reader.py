"""The readers as MONAI knows them: an ``ImageReader`` for ``LoadImage`` and ``LoadImaged``."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
from monai.data import ImageReader
from monai.data.utils import orientation_ras_lps
from monai.utils import MetaKeys, SpaceKeys, ensure_tuple

from cellseg_monai.data.readers.formats import SUFFIXES, one_channel, read_picture
from cellseg_monai.data.readers.picture import Kind, Picture, Region
from cellseg_monai.label_maps import as_label_map

Paths = str | PathLike[str] | Sequence[str | PathLike[str]]


class MicroscopyReader(ImageReader):
    """Read microscope images and masks into MONAI's conventions.

    MONAI's own readers fail on 16-bit colour TIFF, cut 16-bit colour PNG to 8 bits, keep alpha channels, and
    choose by suffix between libraries that disagree; hence this one for all formats. With
    ``ensure_channel_first=True`` the array is channel first and then (x, y) or (x, y, z), MONAI's default
    spatial order, so that its writers and MONAI Label give back a label of the image's size and orientation.
    As with MONAI's readers a single channel has no axis of its own until then: its writers of NIfTI and NRRD
    fail on a plane whose meta names a channel axis, unless they are given ``resample=True``.

    The meta dictionary holds, beside MONAI's own keys, ``pixel_size`` (micrometres along x, y; NaN where the
    file tells none), ``channel_names`` (joined by commas), ``original_shape`` and ``original_axes`` (text, as
    stored in the file), and ``region`` (x start, x stop, y start, y stop) if only a part was read. Values
    have the same form for all formats, so that images of different formats collate into one batch. The affine
    is that of the file for NIfTI, NRRD and MetaImage, and one unit a pixel for the others.

    Args:
        kind: ``"image"``, or ``"label"`` to get one channel of int32 ids and refuse what are none.
        axes: see :func:`~cellseg_monai.data.read_picture`.
        select: likewise.
        level: likewise.
        region: likewise.

    Example:
        >>> import tempfile, tifffile
        >>> from monai.transforms import LoadImage
        >>> path = f"{tempfile.mkdtemp()}/cells.tif"
        >>> tifffile.imwrite(path, np.zeros((40, 60, 3), np.uint16), photometric="rgb")
        >>> image = LoadImage(reader=MicroscopyReader(), ensure_channel_first=True)(path)
        >>> tuple(image.shape), image.meta["channel_names"], image.meta["original_shape"]
        ((3, 60, 40), 'red,green,blue', '40x60x3')
    """

    def __init__(
        self,
        kind: Kind = "image",
        axes: str | None = None,
        select: Mapping[str, int] | None = None,
        level: int = 0,
        region: Region | None = None,
    ) -> None:
        super().__init__()
        if kind not in ("image", "label"):
            raise ValueError(f"kind is 'image' or 'label', not {kind!r}")
        self.kind: Kind = kind
        self.axes = axes
        self.select = select
        self.level = level
        self.region = region

    def verify_suffix(self, filename: Paths) -> bool:
        """Whether every name ends like a format that can be read."""
        return all(str(name).lower().endswith(SUFFIXES) for name in ensure_tuple(filename))

    def read(self, data: Paths, **kwargs: Any) -> tuple[str, ...]:
        """Only note the paths; :meth:`get_data` reads them.

        ``LoadImage`` buries an error raised here under those of every other reader; one raised there reaches
        the user as it is.
        """
        if kwargs:
            raise TypeError(f"options are given to MicroscopyReader itself, not to read(): {sorted(kwargs)}")
        return tuple(str(name) for name in ensure_tuple(data))

    def get_data(self, img: Sequence[str]) -> tuple[npt.NDArray[Any], dict[str, Any]]:
        """Read the files; several files are stacked as channels."""
        pictures = [
            read_picture(
                path, self.kind, axes=self.axes, select=self.select, level=self.level, region=self.region
            )
            for path in img
        ]
        arrays = [self._array(path, picture) for path, picture in zip(img, pictures, strict=True)]
        for path, array in zip(img, arrays, strict=True):
            if array.shape[1:] != arrays[0].shape[1:]:
                raise ValueError(
                    f"{path}: its size {array.shape[1:]} differs from {arrays[0].shape[1:]} of {img[0]}; "
                    "files that are channels of one image have one size"
                )
        array = np.concatenate(arrays)
        meta = self._meta(pictures, array.shape[1:])
        if len(array) > 1:
            return array, meta | {MetaKeys.ORIGINAL_CHANNEL_DIM: 0}
        return array[0], meta | {MetaKeys.ORIGINAL_CHANNEL_DIM: float("nan")}

    def _array(self, path: str, picture: Picture) -> npt.NDArray[Any]:
        pixels = picture.channel_first()
        if self.kind == "image":
            return pixels
        try:
            return as_label_map(one_channel(pixels))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def _meta(self, pictures: Sequence[Picture], spatial_shape: tuple[int, ...]) -> dict[str, Any]:
        first = pictures[0]
        affine = orientation_ras_lps(np.eye(4)) if first.affine is None else first.affine
        size = first.pixel_size or (np.nan,) * len(spatial_shape)
        meta = {
            MetaKeys.AFFINE: affine,
            MetaKeys.ORIGINAL_AFFINE: affine.copy(),
            MetaKeys.SPACE: SpaceKeys.RAS,
            MetaKeys.SPATIAL_SHAPE: np.asarray(spatial_shape),
            "pixel_size": np.asarray(size),
            "channel_names": ",".join(name for picture in pictures for name in picture.channel_names),
            "original_shape": "x".join(str(length) for length in first.stored_shape),
            "original_axes": first.stored_axes,
        }
        if self.region is not None:
            meta["region"] = np.asarray(self.region).ravel()
        return meta
