"""The layouts by the name that a user types."""

from collections.abc import Mapping

from cellseg_monai.data.layouts.bcss import BCSS
from cellseg_monai.data.layouts.bcss512 import BCSS512
from cellseg_monai.data.layouts.cellpose import CELLPOSE
from cellseg_monai.data.layouts.ctc import CTC
from cellseg_monai.data.layouts.dsb2018 import DSB2018
from cellseg_monai.data.layouts.livecell import LIVECELL
from cellseg_monai.data.layouts.monuseg import MONUSEG
from cellseg_monai.data.layouts.neurips_cellseg import NEURIPS_CELLSEG
from cellseg_monai.data.layouts.samples import Layout
from cellseg_monai.data.layouts.stardist import STARDIST

LAYOUTS: Mapping[str, Layout] = {
    "bcss": BCSS,
    "bcss512": BCSS512,
    "cellpose": CELLPOSE,
    "ctc": CTC,
    "dsb2018": DSB2018,
    "livecell": LIVECELL,
    "monuseg": MONUSEG,
    "neurips-cellseg": NEURIPS_CELLSEG,
    "stardist": STARDIST,
}
"""Layouts by name."""


def find_layout(name: str) -> Layout:
    """Look a layout up by name.

    Raises:
        ValueError: there is none of that name; the message lists those that there are.

    Example:
        >>> find_layout("dsb2018").licence
        'CC0-1.0'
    """
    if name not in LAYOUTS:
        known = "\n".join(f"  {key}: {layout.description}" for key, layout in LAYOUTS.items())
        raise ValueError(f"there is no layout {name!r}; choose one of\n{known}")
    return LAYOUTS[name]
