"""One image to segment, what came of it, and ways to work through many."""

import os
import platform
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from monai.utils import ensure_tuple

from cellseg_monai.outputs.causes import cause_of, in_one_line
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.outputs.whole import OutputError

STAGES = ("read", "network", "postprocessing", "write")
"""Columns of ``timing.csv``, in seconds."""


class Segmented(NamedTuple):
    """An image that was segmented.

    Attributes:
        seconds: seconds of each stage.
        found: number of cells, None if the result is not a label map.
        diameter: diameter of the typical cell in pixels; None if there is no cell, or none was measured.
        unsure: how unsure the network is, 1 for the most difficult image that it was judged on; None if that
            is not known.
    """

    seconds: Mapping[str, float]
    found: int | None = None
    diameter: float | None = None
    unsure: float | None = None


class OneImage(NamedTuple):
    """An image to segment.

    Attributes:
        source: file of the image, or files of its channels.
        results: files that will be written.
        segment: function that writes them.
    """

    source: Any
    results: Sequence[Path]
    segment: Callable[[], Segmented]

    @property
    def name(self) -> str:
        """Text that the tables name it by."""
        return str(self.source)

    @property
    def files(self) -> list[str]:
        """Absolute paths of the files that are read."""
        return [os.path.abspath(file) for file in ensure_tuple(self.source)]


class Outcome(NamedTuple):
    """What came of an image.

    Attributes:
        segmented: times and number of cells; None if it failed.
        reason: why it failed.
        digests: SHA-256 of its files before they were read; None for a file that cannot be read.
        worker: process that did it.

    Example:
        >>> Outcome(None, "ValueError: 2 channels").segmented is None
        True
    """

    segmented: Segmented | None
    reason: str = ""
    digests: Sequence[str | None] = ()
    worker: str | None = None


Outcomes = Generator[tuple[OneImage, Outcome], None, None]
Perform = Callable[[Sequence[OneImage], Callable[[OneImage], None]], Outcomes]
"""Way to work through images: it calls a function when an image begins, and yields each with its outcome."""


def attempt(source: Any, segment: Callable[[], Segmented]) -> Outcome:
    """Segment an image; an error is its outcome.

    Args:
        source: file of the image, or files of its channels.
        segment: function that segments it.

    Raises:
        OutputError: a result cannot be written because the disk is full or read-only, which would stop the
            other images as well.

    Example:
        >>> attempt("absent.tif", lambda: 1 / 0).reason
        'ZeroDivisionError: division by zero'
    """
    worker = f"process {os.getpid()} on {platform.node()}"
    digests = [digest_if_readable(file) for file in ensure_tuple(source)]
    try:
        return Outcome(segment(), digests=digests, worker=worker)
    except Exception as error:
        if isinstance(cause_of(error), OutputError):
            raise
        return Outcome(None, in_one_line(error), digests, worker)


def in_turn(images: Iterable[OneImage], begin: Callable[[OneImage], None]) -> Outcomes:
    """Segment images one after another in this process."""
    for image in images:
        begin(image)
        yield image, attempt(image.source, image.segment)


def digest_if_readable(file: Any) -> str | None:
    """SHA-256 of a file or folder; None if it cannot be read.

    Example:
        >>> digest_if_readable("absent.tif") is None
        True
    """
    try:
        return digest_of(file)
    except OSError:
        return None


def stamp_of(source: Any) -> list[list[int]]:
    """Sizes and times of the files of an image, which show a change; for OME-Zarr those of the metadata.

    Example:
        >>> stamp_of("absent.tif")
        []
    """
    files: list[Path] = []
    for path in map(Path, ensure_tuple(source)):
        files += sorted(path.glob(".z*")) + sorted(path.glob("zarr.json")) if path.is_dir() else [path]
    return [[stat.st_size, stat.st_mtime_ns] for stat in (file.stat() for file in files if file.exists())]
