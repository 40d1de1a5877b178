"""Image after image: one that fails is reported, and the others are done."""

import csv
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from cellseg_monai.causes import in_one_line

logger = logging.getLogger(__name__)

STAGES = ("read", "network", "postprocessing", "write")
"""Columns of ``timing.csv``, in seconds."""


def report_each(images: Iterable[tuple[str, Callable[[], Mapping[str, float]]]], output_dir: Path) -> None:
    """Segment each image, and write two tables line by line, true also of a run that was cut short.

    ``failures.csv`` lists the images that could not be read, segmented or written, with the reason;
    ``timing.csv`` tells for each other one how long each stage took.

    Args:
        images: the name of each, and what segments it and returns the seconds of each stage.
        output_dir: folder of the two tables; it is made if need be.

    Raises:
        RuntimeError: at the end, if an image failed.

    Example:
        >>> import tempfile
        >>> report_each([("a.tif", lambda: 1 / 0)], Path(tempfile.mkdtemp()))
        Traceback (most recent call last):
        ...
        RuntimeError: 1 of 1 images failed; /.../failures.csv says which and why
    """
    output_dir.mkdir(parents=True, exist_ok=True)
    failures, timing = output_dir / "failures.csv", output_dir / "timing.csv"
    count = failed = 0
    with (
        _table(failures, ("image", "error")) as add_failure,
        _table(timing, ("image", *STAGES)) as add_timing,
    ):
        for name, segment in images:
            count += 1
            try:
                seconds = segment()
            except Exception as error:  # noqa: BLE001  whatever is wrong with one image, the others are done
                reason = in_one_line(error)
                logger.error("%s: %s", name, reason)
                add_failure([name, reason])
                failed += 1
            else:
                add_timing([name, *(f"{seconds[stage]:.4f}" for stage in STAGES)])
    if failed:
        raise RuntimeError(f"{failed} of {count} images failed; {failures} says which and why")


@contextmanager
def _table(path: Path, columns: Sequence[str]) -> Iterator[Callable[[Sequence[str]], None]]:
    """Start a table and give the function that adds a row to it, which is in the file at once."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")

        def add(row: Sequence[str]) -> None:
            writer.writerow(row)
            file.flush()

        add(columns)
        yield add
