"""Image of any size to probability map."""

from cellseg_monai.inference.each_image import EachImage

__all__ = ["EachImage"]
