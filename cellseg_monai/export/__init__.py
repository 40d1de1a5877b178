"""Label maps to files that people open, and back."""

from cellseg_monai.export.coco import coco_images, read_coco, write_coco
from cellseg_monai.export.details import captioned_sheet, magnified
from cellseg_monai.export.geojson import read_geojson, write_geojson, write_geojson_boxes
from cellseg_monai.export.imagej import read_rois, write_rois
from cellseg_monai.export.objects import Objects, objects_of
from cellseg_monai.export.ome_zarr import write_ome_zarr
from cellseg_monai.export.ome_zarr_labels import read_ome_zarr_labels, write_ome_zarr_labels
from cellseg_monai.export.outlining import Outline, outlines
from cellseg_monai.export.overlay import contact_sheet, outline
from cellseg_monai.export.save_tiff import SaveTiffd
from cellseg_monai.export.served_label import ServedLabeld
from cellseg_monai.export.tiff import write_label_tiff, write_tiled_tiff
from cellseg_monai.export.tiff_writer import TiffWriter
from cellseg_monai.export.tiled import write_tiled
from cellseg_monai.export.validation_picture import ValidationPicture
from cellseg_monai.polygons import Filled, fill

__all__ = [
    "Filled",
    "Objects",
    "Outline",
    "SaveTiffd",
    "ServedLabeld",
    "TiffWriter",
    "ValidationPicture",
    "captioned_sheet",
    "coco_images",
    "contact_sheet",
    "fill",
    "magnified",
    "objects_of",
    "outline",
    "outlines",
    "read_coco",
    "read_geojson",
    "read_ome_zarr_labels",
    "read_rois",
    "write_coco",
    "write_geojson",
    "write_geojson_boxes",
    "write_label_tiff",
    "write_ome_zarr",
    "write_ome_zarr_labels",
    "write_rois",
    "write_tiled",
    "write_tiled_tiff",
]
