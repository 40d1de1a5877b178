"""Numbers of cells in images: listed in ``counts.csv``, and summed up with a remedy where there is none."""

import csv
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fastremap
import numpy as np
import numpy.typing as npt

from cellseg_monai.outputs.counting import counted
from cellseg_monai.outputs.failures import add_row

logger = logging.getLogger(__name__)

COUNTS = "counts.csv"

SEGMENTATION = (
    "lower the threshold (--set threshold=0.3), see what the network finds with --save-probability, or use "
    "weights for such images (cellseg models, cellseg train)"
)
"""Remedy for images in which a network found nothing."""

LABEL_MAPS = (
    "check that these are the label maps, and segment such images with a lower threshold or other weights"
)
"""Remedy for label maps without cells."""

UNSURE = 2.0
"""An image of which a network is so many times more unsure than of any that it was judged on is told."""

_SHOWN = 5


class Counts:
    """Number of cells in each image.

    With a folder, each number is logged and written to ``counts.csv`` immediately, so that an interrupted run
    has the table too.

    Args:
        remedy: what to do about images without cells.
        folder: folder of the table; None keeps the numbers in memory.
        noun: what is counted, which is the name of the column too: its plural.
        kind: what the cells are counted in.

    Attributes:
        rows: name and number of cells of each image.

    Example:
        >>> counts = Counts("lower the threshold")
        >>> for name, number in {"a.tif": 12, "b.tif": 0, "c.tif": 1}.items():
        ...     counts.add(name, number)
        >>> print(counts)
        13 cells: a.tif 12, b.tif 0, c.tif 1
        no cell in 1 of 3 images (b.tif); if there are cells: lower the threshold
    """

    def __init__(
        self, remedy: str, folder: Path | None = None, noun: str = "cell", kind: str = "image"
    ) -> None:
        self.rows: list[tuple[str, int]] = []
        self._unsure: dict[str, float | None] = {}
        self._diameters: dict[str, float | None] = {}
        self._remedy, self._noun, self._kind = remedy, noun, kind
        self._file = None if folder is None else folder / COUNTS

    @classmethod
    def read(cls, remedy: str, folder: Path) -> "Counts":
        """Read the table that an earlier run wrote.

        Args:
            remedy: what to do about images without cells.
            folder: folder of the table.
        """
        with (folder / COUNTS).open(newline="", encoding="utf-8") as file:
            (kind, nouns, *columns), *rows = csv.reader(file)
        counts = cls(remedy, noun=nouns.removesuffix("s"), kind=kind)
        for name, number, *more in rows:
            known = {column: float(value) for column, value in zip(columns, more, strict=True) if value}
            counts.add(name, int(number), known.get("diameter"), known.get("unsure"))
        return counts

    def start(self) -> None:
        """Begin the table."""
        if self._file is not None:
            add_row(self._file, [self._kind, f"{self._noun}s", "diameter", "unsure"], new=True)

    def add(self, name: str, number: int, diameter: float | None = None, unsure: float | None = None) -> None:
        """Add an image.

        Args:
            name: name of the image.
            number: number of its cells.
            diameter: diameter of the typical cell in pixels.
            unsure: how unsure the network is; 1 for the most difficult image that it was judged on.
        """
        self.rows.append((name, number))
        self._diameters[name], self._unsure[name] = diameter, unsure
        if self._file is not None:
            self._write(name, number)
            logger.info("%s: %s", name, counted(number, self._noun))

    @property
    def unsure(self) -> list[str]:
        """Names of images with cells of which the network is unsure."""
        return [name for name, number in self.rows if number and (self._unsure.get(name) or 0) > UNSURE]

    def _write(self, name: str, number: int) -> None:
        assert self._file is not None
        diameter, unsure = self._diameters[name], self._unsure[name]
        more = ("" if diameter is None else f"{diameter:.1f}", "" if unsure is None else f"{unsure:.2f}")
        add_row(self._file, [name, str(number), *more])

    def sort(self, order: Mapping[str, int]) -> None:
        """Put the table into another order.

        Args:
            order: place by name of the image.
        """
        self.rows.sort(key=lambda row: order[row[0]])
        if self._file is not None:
            self.start()
            for name, number in self.rows:
                self._write(name, number)

    def warn(self) -> None:
        """Log warnings about images without cells, and about those of which the network is unsure."""
        for sentence in filter(None, (self.empty(), self.doubtful())):
            logger.warning(sentence)

    def doubtful(self) -> str:
        """Sentence about images of which the network is unsure; empty if there are none."""
        unsure = self.unsure
        if not unsure:
            return ""
        images = f"{len(unsure)} of {counted(len(self.rows), self._kind)}"
        return (
            f"the network is unsure of {images} ({_listed([Path(name).name for name in unsure])}), more "
            "than twice as much as of any that it was judged on; look at the result (--overlay), or train "
            "with such images (cellseg train)"
        )

    def empty(self) -> str:
        """Sentence about images without cells; empty if there are none."""
        without = [Path(name).name for name, number in self.rows if number == 0]
        if not without:
            return ""
        images = f"{len(without)} of {counted(len(self.rows), self._kind)}"
        if len(without) == len(self.rows):
            images = f"any of {counted(len(self.rows), self._kind)}" if len(without) > 1 else "the only image"
        return f"no {self._noun} in {images} ({_listed(without)}); if there are {self._noun}s: {self._remedy}"

    def __str__(self) -> str:
        """Total and number of each image, and what to do about images without cells."""
        total = counted(sum(number for _, number in self.rows), self._noun)
        each = [f"{Path(name).name} {number:,}" for name, number in self.rows]
        lines = [f"{total}: {_listed(each)}" if each else total, self.empty(), self.doubtful()]
        return "\n".join(filter(None, lines))


def number_of_cells(label_map: npt.NDArray[np.integer[Any]]) -> int:
    """Number of different ids.

    Example:
        >>> number_of_cells(np.array([[0, 7, 7, 9]], np.int32))
        2
    """
    return int((fastremap.unique(label_map) > 0).sum())


def _listed(names: Sequence[str]) -> str:
    more = f", … and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
