"""The readers as a MONAI ``ImageReader`` for ``LoadImage`` and ``LoadImaged``."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
from monai.data import ImageReader
from monai.data.utils import orientation_ras_lps
from monai.utils import MetaKeys, SpaceKeys, ensure_tuple

from cellseg_monai.data.readers.axes import Part, Region
from cellseg_monai.data.readers.channels import Channels, chosen_channels
from cellseg_monai.data.readers.formats import SUFFIXES, one_label, read_part
from cellseg_monai.data.readers.picture import Kind, Picture, require_one_size

Paths = str | PathLike[str] | Sequence[str | PathLike[str]]


class MicroscopyReader(ImageReader):
    """Read microscope images and masks in MONAI's conventions.

    MONAI's own readers fail on 16-bit colour TIFF, reduce 16-bit colour PNG to 8 bits, keep alpha channels,
    and choose by suffix between libraries that disagree. This reader handles all formats alike. With
    ``ensure_channel_first=True`` the array is channel first, then (x, y) or (x, y, z), which is MONAI's
    default spatial order. So MONAI's writers and MONAI Label return a label with the image's size and
    orientation.

    Like MONAI's readers, it adds no axis for a single channel. MONAI's writers of NIfTI and NRRD fail on a
    plane whose metadata names a channel axis, unless ``resample=True``.

    Besides MONAI's own keys, the metadata has ``pixel_size`` (micrometres along x, y; NaN if the file does
    not give it), ``channel_names`` (separated by commas), ``original_shape`` and ``original_axes`` (text, as
    stored in the file), and ``region`` (x start, x stop, y start, y stop) if only a part was read. Values
    have the same form for all formats, so images of different formats collate into one batch. The affine of
    NIfTI, NRRD and MetaImage files is that of the file; for other formats a pixel is one unit wide.

    Args:
        kind: ``"image"``, or ``"label"`` to read one channel of int32 ids and reject anything else.
        axes: one letter per dimension; see :func:`~cellseg_monai.data.read_picture`.
        select: index along some of the axes, for example ``{"T": 0}``.
        level: pyramid level of a TIFF or OME-Zarr file.
        region: start and stop along x and along y (and z).
        channels: numbers or names of the channels to use, in this order; by default all. A mask has only one.

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
        *,
        axes: str | None = None,
        select: Mapping[str, int] | None = None,
        level: int = 0,
        region: Region | None = None,
        channels: Channels = None,
    ) -> None:
        super().__init__()
        if kind not in ("image", "label"):
            raise ValueError(f"kind must be 'image' or 'label', not {kind!r}")
        self.kind: Kind = kind
        self.part = Part(axes, select, level, region)
        self.channels = channels if kind == "image" else None

    def verify_suffix(self, filename: Paths) -> bool:
        """Return whether every file has the suffix of a supported format."""
        return all(str(name).lower().endswith(SUFFIXES) for name in ensure_tuple(filename))

    def read(self, data: Paths, **kwargs: Any) -> tuple[str, ...]:
        """Return the paths; :meth:`get_data` reads the files.

        ``LoadImage`` hides an error of ``read`` behind those of all other readers, but passes on an error of
        ``get_data``.
        """
        if kwargs:
            raise TypeError(f"pass these options to MicroscopyReader, not to read(): {sorted(kwargs)}")
        return tuple(str(name) for name in ensure_tuple(data))

    def get_data(self, img: Sequence[str]) -> tuple[npt.NDArray[Any], dict[str, Any]]:
        """Read the files and stack several files as channels."""
        pictures = [read_part(path, self.kind, self.part) for path in img]
        arrays = [
            picture.channel_first() if self.kind == "image" else one_label(path, picture)
            for path, picture in zip(img, pictures, strict=True)
        ]
        require_one_size(img, [array.shape for array in arrays])
        array = np.concatenate(arrays)
        names = [name for picture in pictures for name in picture.channel_names]
        try:
            chosen = chosen_channels(self.channels, names, len(array))
        except ValueError as error:
            raise ValueError(f"{', '.join(img)}: {error}") from error
        if chosen != list(range(len(array))):
            array, names = array[chosen], [names[place] for place in chosen] if names else []
        meta = self._meta(pictures[0], array.shape[1:], names)
        meta[MetaKeys.ORIGINAL_CHANNEL_DIM] = 0 if len(array) > 1 else float("nan")
        return (array if len(array) > 1 else array[0]), meta

    def _meta(self, first: Picture, spatial_shape: tuple[int, ...], names: Sequence[str]) -> dict[str, Any]:
        affine = orientation_ras_lps(np.eye(4)) if first.affine is None else first.affine
        meta = {
            MetaKeys.AFFINE: affine,
            MetaKeys.ORIGINAL_AFFINE: affine.copy(),
            MetaKeys.SPACE: SpaceKeys.RAS,
            MetaKeys.SPATIAL_SHAPE: np.asarray(spatial_shape),
            "pixel_size": np.asarray(first.pixel_size or (np.nan,) * len(spatial_shape)),
            "channel_names": ",".join(names),
            "original_shape": "x".join(map(str, first.stored_shape)),
            "original_axes": first.stored_axes,
        }
        return meta if self.part.region is None else meta | {"region": np.asarray(self.part.region).ravel()}
