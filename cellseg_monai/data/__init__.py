"""From files on disk to a list of items: readers, datalists, public layouts, splits, checks, synthetic data.

What is not needed to list and read images is imported on first use: a running bundle needs no checks, imports
or synthetic data, and MONAI takes seconds to import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cellseg_monai.data.datalist import combine_datasets, labelled, list_items, root_of
from cellseg_monai.data.folds import (
    first_n,
    foreground_fraction,
    groups_in_common,
    hold_out,
    k_folds,
    one_fold,
)
from cellseg_monai.data.pairing import label_files, pair_folder
from cellseg_monai.data.readers.formats import SUFFIXES, read_label_map, read_picture, read_pixels
from cellseg_monai.data.readers.picture import Picture
from cellseg_monai.data.readers.regions import ImageRegions
from cellseg_monai.data.splitting import images_of, split_items

if TYPE_CHECKING:
    from cellseg_monai.data.checks import CheckReport, Finding, check_dataset, render_table
    from cellseg_monai.data.layouts import LAYOUTS, ImportReport, import_dataset
    from cellseg_monai.data.readers.monai_reader import MicroscopyReader
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
    "images_of",
    "import_dataset",
    "k_folds",
    "label_files",
    "labelled",
    "list_items",
    "one_fold",
    "pair_folder",
    "read_label_map",
    "read_picture",
    "read_pixels",
    "render_table",
    "root_of",
    "split_items",
    "synthesize",
    "timelapse",
    "write_synthetic_dataset",
    "write_synthetic_timelapse",
]

_ON_FIRST_USE = {
    "MicroscopyReader": "readers.monai_reader",
    **dict.fromkeys(("CheckReport", "Finding", "check_dataset", "render_table"), "checks"),
    **dict.fromkeys(("LAYOUTS", "ImportReport", "import_dataset"), "layouts"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ON_FIRST_USE.get(name, 'synthetic')}"), name)
