"""NIfTI through nibabel."""

from math import prod
from pathlib import Path

import nibabel
import numpy as np

from cellseg_monai.data.readers.picture import Picture, Region, region_slices

SUFFIXES = (".nii", ".nii.gz")

_MICROMETRES = {"mm": 1e3, "micron": 1.0, "meter": 1e6}


def read_nifti(path: Path, region: Region | None = None) -> Picture:
    """Read a plane or volume; a depth of one slice is a plane; dimensions past the third are channels."""
    image = nibabel.load(path)
    stored_shape, stored_axes = image.shape, "XYZCCCC"[: len(image.shape)]
    if region is None:
        pixels = np.asanyarray(image.dataobj)
    else:  # only this part is read
        spans = region_slices(region, image.shape[:2])
        pixels = np.asanyarray(image.dataobj[spans["X"], spans["Y"]])
    if pixels.dtype.names:  # an RGB voxel is one structured element
        pixels = np.stack([pixels[name] for name in pixels.dtype.names], axis=-1)
    spatial = (*pixels.shape, 1, 1)[:3]
    pixels = pixels.reshape((*spatial, prod(pixels.shape[3:])))
    axes = "XYZC"
    if pixels.shape[2] == 1:
        pixels, axes = pixels[:, :, 0], "XYC"
    if pixels.shape[-1] == 1:
        pixels, axes = pixels[..., 0], axes[:-1]
    header = image.header
    scale = _MICROMETRES.get(header.get_xyzt_units()[0])
    zooms = header.get_zooms()[: len(axes.replace("C", ""))]
    size = None if scale is None else tuple(float(zoom) * scale for zoom in zooms)
    affine = np.asarray(image.affine, np.float64)
    return Picture(pixels, axes, size, (), affine, stored_shape, stored_axes)
