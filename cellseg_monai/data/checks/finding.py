"""One thing worth knowing about a dataset."""

from dataclasses import dataclass
from enum import Enum
from functools import partial


class Severity(str, Enum):
    """How much it matters."""

    ERROR = "error"
    """Training would fail or learn something wrong."""
    WARNING = "warning"
    """Probably not what was meant."""
    NOTE = "note"
    """Good to know."""


@dataclass(frozen=True)
class Finding:
    """What was found, where, and what to do about it.

    Attributes:
        severity: how much it matters.
        check: short name of the check.
        file: the file, folder or pair of files it is about.
        message: what was found, with the value.
        remedy: what to do.

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
