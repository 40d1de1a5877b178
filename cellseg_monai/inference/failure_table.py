"""Segment image after image; an image that fails is reported, and the others are still segmented."""

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import starmap
from pathlib import Path
from typing import Any, NamedTuple

from monai.utils import ensure_tuple

from cellseg_monai.inference.progress_bar import with_progress
from cellseg_monai.outputs import claim_outputs, require_apart
from cellseg_monai.outputs.counts import COUNTS, SEGMENTATION, Counts
from cellseg_monai.outputs.failures import FAILURES, Failures, add_row

STAGES = ("read", "network", "postprocessing", "write")
"""Columns of ``timing.csv``, in seconds."""


class Segmented(NamedTuple):
    """An image that was segmented.

    Attributes:
        seconds: seconds of each stage.
        found: number of cells, None if the result is not a label map.
    """

    seconds: Mapping[str, float]
    found: int | None = None


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
    def files(self) -> list[str]:
        """Absolute paths of the files that are read."""
        return [os.path.abspath(file) for file in ensure_tuple(self.source)]


def report_each(
    images: Sequence[OneImage], output_dir: Path, progress: bool = False, noun: str = "cell"
) -> None:
    """Segment each image, and write three tables line by line, so that an interrupted run has them too.

    ``failures.csv`` lists the images that could not be read, segmented or written, with the reason.
    ``timing.csv`` lists the time of each stage for all other images, ``counts.csv`` their number of cells. A
    warning names the images without any.

    Args:
        images: images to segment; their results are in the output folder.
        output_dir: folder of the tables, created if necessary.
        progress: show a bar on a terminal if it takes long; elsewhere, log a line every minute.
        noun: what is counted.

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
    failures, timing = Failures(output_dir), output_dir / "timing.csv"
    counts = Counts(SEGMENTATION, output_dir, noun)
    inputs = [file for image in images for file in image.files]
    require_apart(output_dir, inputs, below=True)
    with claim_outputs(output_dir, "predict", [FAILURES, timing.name, COUNTS], inputs) as claim:
        targets = [[path.relative_to(output_dir).as_posix() for path in image.results] for image in images]
        pairs = list(zip(images, targets, strict=True))
        sources = {name: image.files[0] for image, names in pairs for name in names}
        claim.add(sources, sources, begin=False)
        failures.start()
        counts.start()
        add_row(timing, ["image", *STAGES], new=True)

        def segment(image: OneImage, names: Sequence[str]) -> None:
            with failures.collect(str(image.source)):
                with claim.writing(names):
                    seconds, found = image.segment()
                add_row(timing, [str(image.source), *(f"{seconds[stage]:.4f}" for stage in STAGES)])
                if found is not None:
                    counts.add(str(image.source), found)

        done = starmap(segment, pairs)
        for _ in with_progress(done, len(images), shown=progress, unit="image", size=lambda _: 1):
            pass
    counts.warn()
    if failures.rows:
        failed = f"{len(failures.rows)} of {len(images)} images failed"
        raise RuntimeError(f"{failed}; see {output_dir / FAILURES} for the reasons")
