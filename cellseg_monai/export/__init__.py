"""Label maps to files that people open."""

from cellseg_monai.export.overlay import contact_sheet, outline
from cellseg_monai.export.tiff_writer import TiffWriter

__all__ = ["TiffWriter", "contact_sheet", "outline"]
