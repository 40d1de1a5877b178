"""Segment image after image; an image that fails is reported, and the others are still segmented."""

import csv
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from monai.utils import ensure_tuple
from tqdm import tqdm

from cellseg_monai.outputs import OutputError, claim_outputs, in_plain_words, require_apart
from cellseg_monai.outputs.causes import cause_of, in_one_line

logger = logging.getLogger(__name__)

STAGES = ("read", "network", "postprocessing", "write")
"""Columns of ``timing.csv``, in seconds."""


class OneImage(NamedTuple):
    """An image to segment.

    Attributes:
        source: file of the image, or files of its channels.
        results: files that will be written.
        segment: function that writes them and returns the seconds of each stage.
    """

    source: Any
    results: Sequence[Path]
    segment: Callable[[], Mapping[str, float]]

    @property
    def files(self) -> list[str]:
        """Absolute paths of the files that are read."""
        return [os.path.abspath(file) for file in ensure_tuple(self.source)]


def report_each(images: Sequence[OneImage], output_dir: Path, progress: bool = False) -> None:
    """Segment each image, and write two tables line by line, so that an interrupted run has them too.

    ``failures.csv`` lists the images that could not be read, segmented or written, with the reason.
    ``timing.csv`` lists the time of each stage for all other images.

    Args:
        images: images to segment; their results are in the output folder.
        output_dir: folder of the two tables, created if necessary.
        progress: show a bar.

    Raises:
        RuntimeError: at the end, if an image failed.
        FileExistsError, ValueError: before the first image, if a result would replace a file that is not the
            result of an earlier run, or would be outside the output folder or among the images.
        OutputError: a result cannot be written because the disk is full or read-only; the run stops.

    Example:
        >>> import tempfile
        >>> report_each([OneImage("a.tif", [], lambda: 1 / 0)], Path(tempfile.mkdtemp()))
        Traceback (most recent call last):
        ...
        RuntimeError: 1 of 1 images failed; see /.../failures.csv for the reasons
    """
    failures, timing = output_dir / "failures.csv", output_dir / "timing.csv"
    inputs = [file for image in images for file in image.files]
    failed = 0
    require_apart(output_dir, inputs, below=True)
    with claim_outputs(output_dir, "predict", [failures.name, timing.name], inputs) as claim:
        targets = [[path.relative_to(output_dir).as_posix() for path in image.results] for image in images]
        pairs = list(zip(images, targets, strict=True))
        sources = {name: image.files[0] for image, names in pairs for name in names}
        claim.add(sources, sources, begin=False)
        with (
            _table(failures, ("image", "error")) as add_failure,
            _table(timing, ("image", *STAGES)) as add_timing,
        ):
            for image, names in tqdm(pairs, unit="image", disable=not progress):
                try:
                    with claim.writing(names):
                        seconds = image.segment()
                except Exception as error:
                    if isinstance(cause_of(error), OutputError):
                        raise
                    reason = in_one_line(error)
                    logger.error("%s: %s", image.source, reason)
                    add_failure([str(image.source), reason])
                    failed += 1
                else:
                    add_timing([str(image.source), *(f"{seconds[stage]:.4f}" for stage in STAGES)])
    if failed:
        raise RuntimeError(f"{failed} of {len(images)} images failed; see {failures} for the reasons")


@contextmanager
def _table(path: Path, columns: Sequence[str]) -> Iterator[Callable[[Sequence[str]], None]]:
    """Start a table and yield the function that adds a row, which is written to the file immediately."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")

        def add(row: Sequence[str]) -> None:
            with in_plain_words(path):
                writer.writerow(row)
                file.flush()

        add(columns)
        yield add
