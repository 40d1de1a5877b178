"""One reader for every image file: TIFF, PNG/JPEG/BMP, NIfTI, NRRD/MetaImage."""

from cellseg_monai.data.readers.formats import SUFFIXES, read_label_map, read_picture, read_pixels
from cellseg_monai.data.readers.monai_reader import MicroscopyReader
from cellseg_monai.data.readers.picture import Picture

__all__ = ["SUFFIXES", "MicroscopyReader", "Picture", "read_label_map", "read_picture", "read_pixels"]
