"""The masks in ``x_seg.npy`` of Cellpose, a pickle of which only NumPy arrays and plain values are read.

A pickle may name any function to be called when it is opened. This reader has its own functions for the few
that rebuild an array; a file that names another one is refused before anything is called.
"""

import pickle
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.layouts.samples import Annotation
from cellseg_monai.label_maps import as_label_map
from cellseg_monai.polygons import Shape

ENDING = "_seg.npy"

_REMEDY = "open the image in Cellpose and save the masks as PNG or TIFF (File menu)"


def _empty(subtype: str, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
    return np.empty(shape, np.dtype(dtype))


def _scalar(dtype: np.dtype[Any], content: bytes) -> Any:
    return np.frombuffer(content, dtype, 1)[0]  # refuses objects


def _array(buffer: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: Literal["C", "F"]) -> Any:
    return np.frombuffer(buffer, dtype).reshape(shape, order=order)


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): "ndarray",  # cannot be called
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): str.encode,
}
for _core in ("numpy.core", "numpy._core"):
    _STAND_INS[f"{_core}.multiarray", "_reconstruct"] = _empty
    _STAND_INS[f"{_core}.multiarray", "scalar"] = _scalar
    _STAND_INS[f"{_core}.numeric", "_frombuffer"] = _array


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"it calls {module}.{name}")
        return _STAND_INS[module, name]


def read_seg_npy(path: Path, shape: Shape) -> Annotation:
    """Read the masks that Cellpose's graphical interface saved.

    Args:
        path: file of Cellpose.
        shape: rows and columns of its image.

    Raises:
        ValueError: the file is not one of Cellpose, holds anything but arrays and plain values, or its masks
            are not those of the image.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "x_seg.npy")
        >>> np.save(path, {"masks": np.array([[0, 7]], np.uint16), "filename": "x.tif"})
        >>> read_seg_npy(path, (1, 2)).label_map
        array([[0, 7]], dtype=int32)
    """
    try:
        with path.open("rb") as file:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError("it has another version of NumPy's format")
            _, _, dtype = np.lib.format.read_array_header_1_0(file)
            if not dtype.hasobject:
                raise ValueError("it is a plain array, not a file of Cellpose")
            content = _ArraysOnly(file).load().item()
        masks = np.asarray(content["masks"])
    except Exception as error:
        raise ValueError(f"{path.name} cannot be read safely: {error}; {_REMEDY}") from error
    label_map = as_label_map(masks[0] if masks.ndim == 3 and len(masks) == 1 else masks)
    if label_map.shape != shape:
        raise ValueError(f"{path.name} has masks of the shape {label_map.shape}, but the image has {shape}")
    return Annotation(label_map)
