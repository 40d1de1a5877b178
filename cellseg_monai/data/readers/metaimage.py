"""NRRD, MetaImage and whatever else ITK opens."""

from pathlib import Path

import itk
import numpy as np
from monai.data.utils import orientation_ras_lps

from cellseg_monai.data.readers.picture import Picture

SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd", ".gipl", ".vtk", ".img", ".hdr", ".dcm")


def read_itk(path: Path) -> Picture:
    """Read a plane or volume; a depth of one slice is a plane. ITK counts in millimetres."""
    image = itk.imread(str(path))
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
