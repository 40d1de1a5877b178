"""Label maps from any format to any other: ``cellseg convert``."""

from cellseg_monai.conversion.converting import FORMATS, Conversion, convert
from cellseg_monai.conversion.images import ImageFolder
from cellseg_monai.conversion.sources import find_label_maps
from cellseg_monai.conversion.tables import MeasurementTable

__all__ = ["FORMATS", "Conversion", "ImageFolder", "MeasurementTable", "convert", "find_label_maps"]
