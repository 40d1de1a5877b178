"""Stacks as NIfTI and NRRD, plane by plane, with spacing and orientation."""

import gzip
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.export.pixels import Pixels, PixelSize, known_size, require_axes
from cellseg_monai.outputs import StrPath, written_whole

SUFFIXES = (".nii", ".nii.gz", ".nrrd")
"""File name endings of the formats."""

_NIFTI_UNITS = {1.0: "micron", 1e3: "mm", 1e6: "meter"}
_NRRD_TYPES = {
    "u1": "uint8", "i1": "int8", "u2": "uint16", "i2": "int16", "u4": "uint32", "i4": "int32", "f4": "float",
    "f8": "double",
}  # fmt: skip
_LPS = np.diag([-1.0, -1.0, 1.0])
"""From right-anterior-superior space, that of NIfTI, to left-posterior-superior space, that of ITK."""


class _Grid(NamedTuple):
    """Sides along x, y, z (and channels), matrix, and micrometres per unit of length, 0 if unknown."""

    sides: tuple[int, ...]
    matrix: npt.NDArray[np.float64]
    unit: float


def write_volume(
    path: StrPath,
    pixels: Pixels,
    axes: str = "ZYX",
    pixel_size: PixelSize = None,
    *,
    affine: npt.ArrayLike | None = None,
) -> None:
    """Write a plane or a stack as NIfTI (``.nii``, ``.nii.gz``) or NRRD, with one plane in memory at a time.

    Args:
        path: file to write.
        pixels: image, read plane by plane.
        axes: one letter per dimension (C, Z, Y or X), ending with YX.
        pixel_size: micrometres along x and y (and z), if known.
        affine: 4 × 4 matrix from indices (x, y, z) to right-anterior-superior space, in the unit of the file
            of the image; the pixel size tells which unit that is. By default the axes point to the left, to
            the back and up, as in images without an orientation.

    Raises:
        ValueError: the axes do not match the shape, or the format is not known.

    Example:
        >>> import nibabel, tempfile
        >>> path = f"{tempfile.mkdtemp()}/cells.nii.gz"
        >>> write_volume(path, np.ones((2, 3, 4), np.int32), pixel_size=(0.5, 0.5, 2.0))
        >>> image = nibabel.load(path)
        >>> image.shape, [float(side) for side in image.header.get_zooms()]
        ((4, 3, 2), [0.5, 0.5, 2.0])
    """
    shape, dtype = tuple(pixels.shape), np.dtype(pixels.dtype).newbyteorder("<")
    require_axes(axes, shape, known="CZYX")
    name = Path(path).name.lower()
    if not name.endswith(SUFFIXES):
        raise ValueError(f"{path}: stacks are written as {', '.join(SUFFIXES)}")
    grid = _grid(dict(zip(axes, shape, strict=True)), known_size(pixel_size), affine)
    header = _nrrd_header(grid, dtype) if name.endswith(".nrrd") else _nifti_header(grid, dtype)
    with written_whole(path) as part:
        if name.endswith(".nrrd"):
            part.write_bytes(header)
            header = b""
        with part.open("ab") as raw, _maybe_gzip(raw, compressed=not name.endswith(".nii")) as file:
            file.write(header)
            for place in np.ndindex(shape[:-2]):
                box = (
                    *(slice(index, index + 1) for index in place),
                    slice(0, shape[-2]),
                    slice(0, shape[-1]),
                )
                file.write(np.ascontiguousarray(pixels[box], dtype).tobytes())


def _maybe_gzip(file: Any, *, compressed: bool) -> Any:
    return gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1, mtime=0) if compressed else file


def _grid(lengths: dict[str, int], size: tuple[float, ...], affine: npt.ArrayLike | None) -> _Grid:
    sides = [lengths["X"], lengths["Y"], lengths.get("Z", 1)]
    if "C" in lengths:
        sides.append(lengths["C"])
    if affine is None:
        steps = (*size, 1.0)[:3] if size else (1.0, 1.0, 1.0)
        return _Grid(tuple(sides), np.diag([-steps[0], -steps[1], steps[2], 1.0]), 1.0 if size else 0.0)
    matrix = np.asarray(affine, np.float64)
    unit = size[0] / float(np.linalg.norm(matrix[:3, 0])) if size else 0.0
    return _Grid(tuple(sides), matrix, unit)


def _nifti_header(grid: _Grid, dtype: np.dtype[Any]) -> bytes:
    from io import BytesIO

    import nibabel

    header = nibabel.Nifti1Header(endianness="<")
    header.set_data_dtype(dtype)
    header.set_data_shape(grid.sides)
    header.set_data_offset(352)
    header.set_sform(grid.matrix, code="scanner")
    header.set_qform(grid.matrix, code="scanner")
    units = (name for length, name in _NIFTI_UNITS.items() if np.isclose(length, grid.unit, rtol=1e-3))
    header.set_xyzt_units(next(units, "unknown"))
    file = BytesIO()
    header.write_to(file)
    return file.getvalue()


def _nrrd_header(grid: _Grid, dtype: np.dtype[Any]) -> bytes:
    """Header of a compressed NRRD file in millimetres, the unit of ITK."""
    millimetres = grid.unit / 1e3 or 1.0
    matrix = _LPS @ grid.matrix[:3] * millimetres
    *directions, origin = (f"({','.join(f'{value:.17g}' for value in column)})" for column in matrix.T)
    channels = len(grid.sides) - 3
    lines = [
        "NRRD0004",
        f"type: {_NRRD_TYPES[dtype.str[1:]]}",
        f"dimension: {len(grid.sides)}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, grid.sides))}",
        f"space directions: {' '.join([*directions, *['none'] * channels])}",
        f"kinds: {' '.join([*['domain'] * 3, *['list'] * channels])}",
        "endian: little",
        "encoding: gzip",
        f"space origin: {origin}",
    ]
    return ("\n".join(lines) + "\n\n").encode()
