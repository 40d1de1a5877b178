"""Outlines in the files of annotation tools: found out, read, and drawn as label maps.

Importing a dataset and converting files both read them here. All coordinates that leave a reader start at the
upper left corner of the image: the first pixel spans 0 to 1, and its centre is 0.5. Each reader states the
convention of its tool. :func:`cellseg_monai.polygons.fill` draws: a pixel belongs to the outline that
contains its centre.
"""

from cellseg_monai.annotations.drawing import Drawing, draw
from cellseg_monai.annotations.formats import FORMATS, Format, format_of, read_annotations
from cellseg_monai.annotations.regions import Annotated, Region

__all__ = ["FORMATS", "Annotated", "Drawing", "Format", "Region", "draw", "format_of", "read_annotations"]
