"""Label maps to files that people open."""

from cellseg_monai.export.overlay import contact_sheet, outline

__all__ = ["contact_sheet", "outline"]
