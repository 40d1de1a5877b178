"""Files on disk to a list of items: readers, datalists, public layouts, splits, checks, synthesis."""

from cellseg_monai.data.checks import CheckReport, Finding, check_dataset, render_table
from cellseg_monai.data.datalist import combine_datasets, labelled, list_items, root_of
from cellseg_monai.data.folds import first_n, foreground_fraction, groups_in_common, hold_out, k_folds
from cellseg_monai.data.layouts import LAYOUTS, ImportReport, import_dataset
from cellseg_monai.data.pairing import label_files, pair_folder
from cellseg_monai.data.readers import (
    SUFFIXES,
    ImageRegions,
    MicroscopyReader,
    Picture,
    read_label_map,
    read_picture,
    read_pixels,
)
from cellseg_monai.data.synthetic import (
    KINDS,
    SyntheticImage,
    TimeLapse,
    synthesize,
    timelapse,
    write_synthetic_dataset,
    write_synthetic_timelapse,
)

__all__ = [
    "KINDS",
    "LAYOUTS",
    "SUFFIXES",
    "CheckReport",
    "Finding",
    "ImageRegions",
    "ImportReport",
    "MicroscopyReader",
    "Picture",
    "SyntheticImage",
    "TimeLapse",
    "check_dataset",
    "combine_datasets",
    "first_n",
    "foreground_fraction",
    "groups_in_common",
    "hold_out",
    "import_dataset",
    "k_folds",
    "label_files",
    "labelled",
    "list_items",
    "pair_folder",
    "read_label_map",
    "read_picture",
    "read_pixels",
    "render_table",
    "root_of",
    "synthesize",
    "timelapse",
    "write_synthetic_dataset",
    "write_synthetic_timelapse",
]
