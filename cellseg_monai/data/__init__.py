"""Files on disk to a list of items: readers, datalists, public layouts, splits, checks, synthesis.

What is not needed to list and read images is loaded when it is asked for: MONAI's reader, since the import of
MONAI takes seconds, and checks, imports and synthesis, which a running bundle does without.
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
from cellseg_monai.data.readers import (
    SUFFIXES,
    ImageRegions,
    Picture,
    read_label_map,
    read_picture,
    read_pixels,
)
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


_LATER = {
    "readers.monai_reader": ("MicroscopyReader",),
    "checks": ("CheckReport", "Finding", "check_dataset", "render_table"),
    "layouts": ("LAYOUTS", "ImportReport", "import_dataset"),
    "synthetic": (
        "KINDS",
        "SyntheticImage",
        "TimeLapse",
        "synthesize",
        "timelapse",
        "write_synthetic_dataset",
        "write_synthetic_timelapse",
    ),
}


def __getattr__(name: str) -> Any:
    for module, names in _LATER.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
