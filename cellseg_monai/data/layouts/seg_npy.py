"""The masks in ``x_seg.npy`` of Cellpose, a pickle of which only NumPy arrays and plain values are read.

A pickle may name any function to be called when it is opened. This reader knows only those that NumPy needs
to rebuild an array; a file that names another one is refused before anything is called.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from cellseg_monai.data.layouts.samples import Annotation
from cellseg_monai.label_maps import as_label_map
from cellseg_monai.polygons import Shape

ENDING = "_seg.npy"

_REMEDY = "open the image in Cellpose and save the masks as PNG or TIFF (File menu)"
_NUMPY = frozenset(
    (module, name)
    for core in ("numpy.core", "numpy._core")
    for module, name in (
        (f"{core}.multiarray", "_reconstruct"),
        (f"{core}.multiarray", "scalar"),
        (f"{core}.numeric", "_frombuffer"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    )
)


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _NUMPY:
            raise pickle.UnpicklingError(f"it calls {module}.{name}")
        return super().find_class(module, name)


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
