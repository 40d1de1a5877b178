"""Label maps from any format to any other: ``cellseg convert``."""

from cellseg_monai.conversion.companions import ImageFolder, MeasurementTable
from cellseg_monai.conversion.convert import FORMATS, Conversion, convert
from cellseg_monai.conversion.sources import find_label_maps

__all__ = ["FORMATS", "Conversion", "ImageFolder", "MeasurementTable", "convert", "find_label_maps"]
