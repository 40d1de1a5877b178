"""One reader for all image files: TIFF, OME-Zarr, PNG, JPEG, BMP, NIfTI, NRRD and MetaImage."""

from cellseg_monai.data.readers.formats import SUFFIXES, read_label_map, read_picture, read_pixels
from cellseg_monai.data.readers.picture import Picture
from cellseg_monai.data.readers.regions import ImageRegions

__all__ = [
    "SUFFIXES", "ImageRegions", "Picture", "read_label_map", "read_picture", "read_pixels",
]  # fmt: skip
