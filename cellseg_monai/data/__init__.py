"""Files on disk to a list of items: readers, datalists, public layouts, splits, checks, synthesis."""

from cellseg_monai.data.readers import (
    SUFFIXES,
    MicroscopyReader,
    Picture,
    read_label_map,
    read_picture,
    read_pixels,
)

__all__ = ["SUFFIXES", "MicroscopyReader", "Picture", "read_label_map", "read_picture", "read_pixels"]
