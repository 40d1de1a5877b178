"""Medical formats: NIfTI through nibabel; NRRD, MetaImage and the other formats of ITK."""

import re
from pathlib import Path
from typing import Any

import itk
import nibabel
import numpy as np

from cellseg_monai.data.readers.axes import Part, channels_last, locate, selected
from cellseg_monai.data.readers.picture import MICROMETRES, Kind, Picture
from cellseg_monai.memory import IN_PARTS, require_room

NIFTI_SUFFIXES = (".nii", ".nii.gz")
ITK_SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd", ".gipl", ".vtk", ".img", ".hdr", ".dcm")
META_IMAGE = (".mha", ".mhd")

_HEADER, _DATA_FILE = 1 << 16, re.compile(rb"^ElementDataFile\s*=(.*)$", re.MULTILINE)


def read_nifti(path: Path, kind: Kind, part: Part) -> Picture:
    """Read a NIfTI plane or volume, or a region of it; dimensions after the third are channels."""
    image = nibabel.load(path)
    stored_axes = "XYZCSQI"[: len(image.shape)]
    index, kept = locate(part, stored_axes, image.shape)
    if part.level:
        raise ValueError("a level can be chosen only of TIFF and OME-Zarr files")
    require_room(selected(index, image.shape), image.get_data_dtype().itemsize)
    pixels = np.asanyarray(image.dataobj[index])
    if pixels.dtype.names:  # RGB voxels are structured elements
        pixels, kept = np.stack([pixels[name] for name in pixels.dtype.names], axis=-1), f"{kept}I"
    scale = MICROMETRES.get(image.header.get_xyzt_units()[0])
    zooms = (*image.header.get_zooms(), 1)[:3]
    size = None if scale is None else tuple(float(zoom) * scale for zoom in zooms)
    affine = np.asarray(image.affine, np.float64)
    pixels, axes = channels_last(pixels, kept)
    return Picture(pixels, axes, size, (), affine, image.shape, stored_axes)


def read_itk(path: Path, kind: Kind, part: Part) -> Picture:
    """Read a plane or volume with ITK, whose unit of length is the millimetre."""
    from monai.data.utils import orientation_ras_lps  # importing MONAI takes seconds

    image = _open(path)
    pixels = np.asarray(itk.array_from_image(image))
    dimensions = image.GetImageDimension()
    axes = "ZYX"[-dimensions:] + ("C" if pixels.ndim > dimensions else "")
    spacing = np.asarray(image.GetSpacing(), np.float64)
    affine = np.eye(4)
    affine[:dimensions, :dimensions] = itk.array_from_matrix(image.GetDirection()) @ np.diag(spacing)
    affine[:dimensions, 3] = np.asarray(image.GetOrigin())
    # ITK sets the spacing to 1 in every direction where the file has none.
    size = None if (spacing == 1).all() else tuple(spacing * 1e3)
    return Picture(pixels, axes, size, affine=orientation_ras_lps(affine)).cut(part)


def _require_one_file(path: Path) -> None:
    """Raise if a MetaImage names the files of its planes by a pattern, on which ITK may end the process."""
    with path.open("rb") as file:
        found = _DATA_FILE.search(file.read(_HEADER))
    if found and b"%" in found[1]:
        raise ValueError("names the files of its planes by a pattern, which is not read; save it as one file")


def _open(path: Path) -> Any:
    """Open a file as a vector image if it has several channels; ``itk.imread`` fails on 16-bit ones."""
    if path.suffix.lower() in META_IMAGE:
        _require_one_file(path)
    header = itk.ImageIOFactory.CreateImageIO(str(path), itk.CommonEnums.IOFileMode_ReadMode)
    if header is None:
        raise ValueError("ITK does not support this format, or the file is damaged")
    header.SetFileName(str(path))
    header.ReadImageInformation()
    sides = [header.GetDimensions(axis) for axis in range(header.GetNumberOfDimensions())]
    require_room([*sides, header.GetNumberOfComponents()], header.GetComponentSize(), IN_PARTS)
    if header.GetNumberOfComponents() == 1:
        return itk.imread(str(path))
    component = {itk.CommonEnums.IOComponent_UCHAR: itk.UC, itk.CommonEnums.IOComponent_USHORT: itk.US,
                 itk.CommonEnums.IOComponent_SHORT: itk.SS}.get(header.GetComponentType(), itk.D)  # fmt: skip
    return itk.imread(str(path), itk.VariableLengthVector[component])
