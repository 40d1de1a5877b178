"""Files of microscopes, which need their vendor's library: known by name, to say what to export instead."""

from pathlib import Path

SUFFIXES = (
    ".czi", ".nd2", ".lif", ".lof", ".xlef", ".oib", ".oif", ".oir", ".vsi", ".ims", ".stk", ".dv", ".sld",
    ".mrxs", ".bif", ".zvi", ".lei", ".flex", ".c01", ".mvd2", ".nd", ".tf8", ".tf2", ".nef",
)  # fmt: skip
"""File name endings of microscopes."""


def advice_for(path: Path) -> str:
    """Return what to do with a file of a microscope; empty for any other file.

    Example:
        >>> advice_for(Path("day1.CZI"))
        'is a file of a microscope (.czi), which is not read; open it in Fiji and save it as TIFF'
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        return ""
    return f"is a file of a microscope ({suffix}), which is not read; open it in Fiji and save it as TIFF"
