"""A single finding, and the table of all checks with their severity and remedy."""

from dataclasses import dataclass
from enum import Enum
from functools import partial


class Severity(str, Enum):
    """How serious a finding is."""

    ERROR = "error"
    """Training would fail or learn something wrong."""
    WARNING = "warning"
    """Probably unintended."""
    NOTE = "note"
    """Good to know."""


@dataclass(frozen=True)
class Finding:
    """A problem, where it is, and what to do about it.

    Attributes:
        severity: how serious the problem is.
        check: short name of the check.
        file: file, folder or group of files with the problem.
        message: description of the problem, with values.
        remedy: what to do about the problem.

    Example:
        >>> print(error("blank image", "a.tif", "every pixel is 7", "remove it"))
        error: a.tif: every pixel is 7; remove it
    """

    severity: Severity
    check: str
    file: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.severity.value}: {self.file}: {self.message}; {self.remedy}"


error = partial(Finding, Severity.ERROR)
warning = partial(Finding, Severity.WARNING)
note = partial(Finding, Severity.NOTE)

REMEDIES: dict[Severity, dict[str, str]] = {
    Severity.ERROR: {
        "no images": "put images in images/ beside masks/, or x.tif beside x_mask.tif",
        "datalist": "correct this entry of the list",
        "unreadable": "export the file again from the original",
        "size mismatch": "export both at the same size",
        "lossy mask": "save masks as PNG or TIFF",
        "interpolated mask": "resize masks with nearest-neighbour interpolation",
        "blank image": "remove the image",
        "not finite": "replace them, for example with the median of the image",
        "leakage": "keep copies, and images of one group (patient, slide, well), in one section",
    },
    Severity.WARNING: {
        "microscope file": "open it in Fiji and save it as TIFF",
        "no mask": "save masks as PNG or TIFF",
        "unknown format": "save images as PNG or TIFF",
        "duplicate": "remove one of them; otherwise a split may put one on each side",
        "blank mask": "keep it only if the image shows no objects",
        "full mask": "check that 0 is the background",
        "binary mask": "this is fine for structures without instances, but touching cells are not separated",
        "objects in pieces": "if the pieces are separate cells, give each its own id",
        "nearly constant": "check the exposure, and whether the image was reduced to fewer bits",
        "saturated": "lower the exposure; intensities above the limit are lost",
    },
    Severity.NOTE: {
        "specks": "remove them if they were drawn by mistake",
        "indexed colours": "some programs read the colours instead; save the mask as grey PNG or TIFF",
        "class map": "cellseg train learns them as classes; if they are cells, number them 1, 2, …",
        "mixed channels": "convert all images to one number of channels when loading them",
        "mixed dtype": "rescale by percentiles, not by the range of the data type",
        "mixed pixel size": "resample the images if cells should have the same size in pixels",
    },
}
"""Remedy of each check, by severity."""


def found(check: str, file: str, message: str) -> Finding:
    """Return the finding of a check, with its severity and remedy.

    Example:
        >>> print(found("blank mask", "a.tif", "it has no objects"))
        warning: a.tif: it has no objects; keep it only if the image shows no objects
    """
    severity = next(severity for severity, checks in REMEDIES.items() if check in checks)
    return Finding(severity, check, file, message, REMEDIES[severity][check])
