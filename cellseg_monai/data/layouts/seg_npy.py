"""The masks in ``x_seg.npy`` of Cellpose, a pickle of which only NumPy arrays and plain values are read.

A pickle may name any function to be called when it is opened. This reader has its own functions for the few
that rebuild an array; a file that names another one is refused before anything is called. Nor does a pickle
set the state of NumPy's own objects, which can end the process.
"""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cellseg_monai.data.layouts.samples import Annotation
from cellseg_monai.label_maps import as_label_map
from cellseg_monai.polygons import Shape

ENDING = "_seg.npy"

_REMEDY = "open the image in Cellpose and save the masks as PNG or TIFF (File menu)"


class _Type:
    """Type of the values of an array."""

    def __init__(self, name: str, *_: bool) -> None:
        self.numpy = np.dtype(str(name))
        if self.numpy.kind not in "biufcSUO":
            raise pickle.UnpicklingError(f"it has values of the type {self.numpy}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.numpy = self.numpy.newbyteorder(state[1])


class _Array:
    """Array that gets its values later, and then has them in `numpy`."""

    def __init__(self, *_: Any) -> None:
        self.numpy = np.empty(0)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, is_fortran, content = state
        self.numpy = _array(content, kind, shape, "F" if is_fortran else "C")


def _array(content: Any, kind: _Type, shape: tuple[int, ...], order: Literal["C", "F"]) -> Any:
    if kind.numpy.hasobject:
        values = np.empty(len(content), object)
        values[:] = content
    else:
        values = np.frombuffer(content, kind.numpy)
    return values.reshape(shape, order=order)


def _scalar(kind: _Type, content: bytes) -> Any:
    return np.frombuffer(content, kind.numpy, 1)[0]  # refuses objects


_STAND_INS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): str.encode,
}
for _core in ("numpy.core", "numpy._core"):
    _STAND_INS[f"{_core}.multiarray", "_reconstruct"] = _Array
    _STAND_INS[f"{_core}.multiarray", "scalar"] = _scalar
    _STAND_INS[f"{_core}.numeric", "_frombuffer"] = _array


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy", "ndarray"):
            return name  # which cannot be called
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"it calls {module}.{name}")
        stand_in = _STAND_INS[module, name]
        return lambda *given: stand_in(*given)  # a new function, since a pickle may set its attributes


def _plain(value: Any) -> Any:
    return value.numpy if isinstance(value, _Array) else value


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
            content = _plain(_ArraysOnly(file).load()).item()
        masks = np.asarray(_plain(content["masks"]))
    except Exception as error:
        raise ValueError(f"{path.name} cannot be read safely: {error}; {_REMEDY}") from error
    label_map = as_label_map(masks[0] if masks.ndim == 3 and len(masks) == 1 else masks)
    if label_map.shape != shape:
        raise ValueError(f"{path.name} has masks of the shape {label_map.shape}, but the image has {shape}")
    return Annotation(label_map)
