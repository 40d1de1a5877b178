"""A bundle as a bioimage.io package, which Fiji, ilastik, QuPath and others run without this package."""

from cellseg_monai.bundling.bioimage.pack import pack_bioimage

__all__ = ["pack_bioimage"]
