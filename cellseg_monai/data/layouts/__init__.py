"""Public datasets in the layouts of their publishers, converted to one plain form.

One published layout a file. Each finds its images and says how to get their labels;
:func:`import_dataset` reads, checks and writes them.
"""

from cellseg_monai.data.layouts.importing import import_dataset
from cellseg_monai.data.layouts.registry import LAYOUTS, find_layout
from cellseg_monai.data.layouts.report import Conflict, ImportReport
from cellseg_monai.data.layouts.samples import Annotation, Failure, Layout, Sample

__all__ = [
    "LAYOUTS",
    "Annotation",
    "Conflict",
    "Failure",
    "ImportReport",
    "Layout",
    "Sample",
    "find_layout",
    "import_dataset",
]
