"""NRRD, MetaImage and whatever else ITK opens."""

from pathlib import Path
from typing import Any

import itk
import numpy as np

from cellseg_monai.data.readers.picture import Picture

SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd", ".gipl", ".vtk", ".img", ".hdr", ".dcm")


def read_itk(path: Path) -> Picture:
    """Read a plane or volume; a depth of one slice is a plane. ITK counts in millimetres."""
    from monai.data.utils import orientation_ras_lps  # seconds, which the other formats are spared

    image = _open(path)
    pixels = np.asarray(itk.array_from_image(image))
    dimensions = image.GetImageDimension()
    axes = "ZYX"[-dimensions:] + ("C" if pixels.ndim > dimensions else "")
    stored_shape, stored_axes = pixels.shape, axes
    if axes.startswith("Z") and pixels.shape[0] == 1:
        pixels, axes = pixels[0], axes[1:]
    spacing = np.asarray(image.GetSpacing(), np.float64)
    affine = np.eye(4)
    affine[:dimensions, :dimensions] = itk.array_from_matrix(image.GetDirection()) @ np.diag(spacing)
    affine[:dimensions, 3] = np.asarray(image.GetOrigin())
    # A spacing of exactly one in every direction is ITK's word for "not known".
    plane = len(axes.replace("C", ""))
    size = None if (spacing == 1).all() else tuple(float(step) * 1e3 for step in spacing[:plane])
    return Picture(pixels, axes, size, (), orientation_ras_lps(affine), stored_shape, stored_axes)


def _open(path: Path) -> Any:
    """``itk.imread`` has no type for several channels of 16 bits; a vector image has."""
    header = itk.ImageIOFactory.CreateImageIO(str(path), itk.CommonEnums.IOFileMode_ReadMode)
    if header is None:
        raise ValueError("ITK knows no such format, or the file is damaged")
    header.SetFileName(str(path))
    header.ReadImageInformation()
    if header.GetNumberOfComponents() == 1:
        return itk.imread(str(path))
    component = {itk.CommonEnums.IOComponent_UCHAR: itk.UC, itk.CommonEnums.IOComponent_USHORT: itk.US,
                 itk.CommonEnums.IOComponent_SHORT: itk.SS}.get(header.GetComponentType(), itk.D)  # fmt: skip
    reader = itk.ImageFileReader[itk.VectorImage[component, header.GetNumberOfDimensions()]].New()
    reader.SetFileName(str(path))
    reader.Update()
    return reader.GetOutput()
