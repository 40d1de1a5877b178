"""TIFF writer for MONAI's ``SaveImage``: any number of channels, volumes, compression, and no overflow.

MONAI writes TIFF with Pillow, which supports neither two channels nor volumes, does not compress, and turns
id 70,000 into 4,464 when asked for uint16.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from monai.data import ImageWriter
from monai.utils import convert_to_numpy, get_equivalent_dtype

from cellseg_monai.export.tiff import tiff_options
from cellseg_monai.outputs import StrPath, written_whole
from cellseg_monai.outputs.origin import Origin


class TiffWriter(ImageWriter):
    """Write images and label maps as TIFF.

    Input has MONAI's order of axes: channel first, x before y. The file has rows and columns as every viewer
    expects, ``CYX`` for several channels and ``ZYX`` for volumes. In a configuration:
    ``SaveImaged: {writer: cellseg_monai.export.TiffWriter, output_ext: .tif}``.

    Args:
        output_dtype: data type of the file.
        origin: bundle and weights that made the pixels, for the metadata of the file.
        kwargs: options that MONAI passes to every writer; not used.

    Raises:
        ValueError: when writing, values do not fit into ``output_dtype``, or the image would be resampled.

    Example:
        >>> import tempfile
        >>> from monai.transforms import SaveImage
        >>> folder = tempfile.mkdtemp()
        >>> save = SaveImage(
        ...     folder, "cells", ".tif", np.int32, writer=TiffWriter, separate_folder=False, print_log=False
        ... )
        >>> _ = save(np.array([[[1, 70000], [0, 0], [2, 0]]]), {"filename_or_obj": "a.png"})  # 3 wide, 2 high
        >>> tifffile.imread(f"{folder}/a_cells.tif")
        array([[    1,     0,     2],
               [70000,     0,     0]], dtype=int32)
    """

    def __init__(self, output_dtype: Any = np.float32, origin: Origin | None = None, **kwargs: Any) -> None:
        super().__init__(output_dtype=output_dtype, **kwargs)
        self._pixels: npt.NDArray[Any] = np.empty(0)
        self._axes = ""
        self._origin = origin

    def set_data_array(
        self, data_array: Any, channel_dim: int | None = 0, squeeze_end_dims: bool = True, **kwargs: Any
    ) -> None:
        """Set the image; a volume of one plane becomes that plane if ``squeeze_end_dims``."""
        pixels = convert_to_numpy(data_array)
        channels_first = pixels[None] if channel_dim is None else np.moveaxis(pixels, channel_dim, 0)
        while squeeze_end_dims and channels_first.ndim > 3 and channels_first.shape[-1] == 1:
            channels_first = channels_first[..., 0]
        rows_first = np.moveaxis(channels_first.T, -1, 0)  # (channels, x, y, z) to (channels, z, y, x)
        axes = "CZYX" if rows_first.ndim == 4 else "CYX"
        one = rows_first.shape[0] == 1
        self._pixels, self._axes = (rows_first[0], axes[1:]) if one else (rows_first, axes)

    def set_metadata(
        self, meta_dict: Mapping[str, Any] | None = None, resample: bool = True, **options: Any
    ) -> None:
        """Check the shape of the result against its image; nothing is taken from the metadata."""
        shape = (meta_dict or {}).get("spatial_shape")
        expected = None if shape is None else tuple(np.asarray(shape).tolist())[::-1]
        found = self._pixels.shape[-len(expected) :] if expected else None
        if resample and expected != found:
            raise ValueError(
                f"the result has shape {found}, but its image has {expected}. Labels are not resampled: "
                "invert the transforms before saving"
            )

    def write(self, filename: StrPath, verbose: bool = False, **kwargs: Any) -> None:
        """Write the file."""
        super().write(filename, verbose=verbose)
        dtype = np.dtype(get_equivalent_dtype(self.output_dtype, np.ndarray))
        if dtype.kind in "ui" and self._pixels.size:
            low, high = self._pixels.min(), self._pixels.max()
            if low < np.iinfo(dtype).min or high > np.iinfo(dtype).max:
                raise ValueError(
                    f"{filename}: values from {low} to {high} do not fit into {dtype}; write a wider type"
                )
        with written_whole(filename) as part:
            options = tiff_options(self._axes, origin=self._origin)
            tifffile.imwrite(part, np.ascontiguousarray(self._pixels, dtype), **options)
