"""Inputs that fail without stopping the others: logged, and listed in ``failures.csv`` with the reasons."""

import csv
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from cellseg_monai.outputs.causes import cause_of, in_one_line
from cellseg_monai.outputs.whole import OutputError, in_plain_words

logger = logging.getLogger(__name__)

FAILURES = "failures.csv"


class Failures:
    """Inputs that failed, and the reasons.

    With a folder, each failure is logged and written to ``failures.csv`` immediately, so that an interrupted
    run has the table too.

    Args:
        folder: folder of the table; None keeps the failures in memory.
        kind: kind of input and name of the first column, such as ``"image"``; the second is ``error``.

    Attributes:
        rows: name and reason of each failure.

    Example:
        >>> failures = Failures()
        >>> for name in ("0.tif", "5.tif"):
        ...     with failures.collect(name):
        ...         _ = 1 / int(name[0])
        >>> failures.rows
        [('0.tif', 'ZeroDivisionError: division by zero')]
    """

    def __init__(self, folder: Path | None = None, kind: str = "image") -> None:
        self.rows: list[tuple[str, str]] = []
        self._file = None if folder is None else folder / FAILURES
        self._columns = [kind, "error"]

    def start(self) -> None:
        """Begin the table; otherwise the first failure does."""
        if self._file is not None:
            add_row(self._file, self._columns, new=True)

    @contextmanager
    def collect(self, name: str) -> Iterator[None]:
        """Record an error of the block as the failure of an input, and continue.

        Args:
            name: name of the input.

        Raises:
            OutputError: a result cannot be written because the disk is full or read-only, which would stop
                the other inputs as well.
        """
        try:
            yield
        except Exception as error:
            if isinstance(cause_of(error), OutputError):
                raise
            self.add(name, in_one_line(error))

    def sort(self, order: Mapping[str, int]) -> None:
        """Put the table into another order.

        Args:
            order: place by name of the input.
        """
        self.rows.sort(key=lambda row: order[row[0]])
        if self._file is not None:
            self.start()
            for row in self.rows:
                add_row(self._file, row)

    @property
    def table(self) -> pd.DataFrame:
        """All failures as a table."""
        return pd.DataFrame(self.rows, columns=self._columns)

    def add(self, name: str, reason: str) -> None:
        """Add an input that failed.

        Args:
            name: name of the input.
            reason: why it failed.
        """
        if self._file is not None:
            logger.error("%s: %s", name, reason)
            if not self.rows:
                self.start()
            add_row(self._file, [name, reason])
        self.rows.append((name, reason))


def read_failures(folder: Path) -> list[str]:
    """Reasons in ``failures.csv`` of a folder; empty if there is no such file."""
    file = folder / FAILURES
    return pd.read_csv(file)["error"].tolist() if file.is_file() else []


def add_row(file: Path, values: Sequence[str], *, new: bool = False) -> None:
    """Add a row to a CSV file.

    Args:
        file: CSV file.
        values: values of the row.
        new: whether to replace the file.

    Raises:
        OutputError: the disk is full or read-only, or the permission is missing.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "timing.csv"
        >>> add_row(file, ["image", "read"], new=True)
        >>> add_row(file, ["a.tif", "0.1"])
        >>> file.read_text().splitlines()
        ['image,read', 'a.tif,0.1']
    """
    with in_plain_words(file), file.open("w" if new else "a", newline="", encoding="utf-8") as opened:
        csv.writer(opened, lineterminator="\n").writerow(values)
