"""Label maps to files that people open."""

from cellseg_monai.export.ome_zarr import write_ome_zarr
from cellseg_monai.export.overlay import contact_sheet, outline
from cellseg_monai.export.served_label import ServedLabeld
from cellseg_monai.export.tiff_writer import TiffWriter
from cellseg_monai.export.tiled import write_tiled
from cellseg_monai.export.tiled_tiff import write_tiled_tiff

__all__ = [
    "ServedLabeld",
    "TiffWriter",
    "contact_sheet",
    "outline",
    "write_ome_zarr",
    "write_tiled",
    "write_tiled_tiff",
]
