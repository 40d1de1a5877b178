"""Import of public datasets in the layouts of their publishers.

Each published layout is a function that finds the images and their labels; :func:`import_dataset` reads,
checks and writes them.
"""

from cellseg_monai.data.layouts.importing import LAYOUTS, find_layout, import_dataset
from cellseg_monai.data.layouts.samples import ImportReport

__all__ = ["LAYOUTS", "ImportReport", "find_layout", "import_dataset"]
