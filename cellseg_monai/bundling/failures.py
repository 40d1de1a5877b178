"""Pictures of the images with the lowest scores, small enough for a repository."""

from collections.abc import Sequence
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from cellseg_monai.jobs.files.planes import drawable
from cellseg_monai.jobs.reporting.pictures import KINDS, compared
from cellseg_monai.jobs.reporting.run_folder import RunFolder
from cellseg_monai.label_maps import LabelMap, boundaries
from cellseg_monai.outputs import write_bytes

BUDGET = 200_000
"""Largest size of all pictures of a bundle together, in bytes."""

_SIDES, _QUALITIES = (640, 512, 400, 300, 220), (85, 70, 50)
_GAP = 4


def draw_failures(run: RunFolder, images: Sequence[str], folder: Path) -> list[str]:
    """Draw images next to their results as ``failure_1.jpg``, …, and delete earlier pictures.

    Outlines of found cells are green, of missed ones orange, added ones blue, split ones yellow and merged
    ones purple. For binary masks, the shared, missed and added areas have these colours.

    Args:
        run: evaluation with a ``files.csv``, which names the image files.
        images: names of the images.
        folder: folder to write to. All pictures together take at most 200 kB.

    Returns:
        Names of the files.

    Raises:
        ValueError: If the file of an image is unknown or missing.
    """
    for old in folder.glob("failure_*.jpg"):
        old.unlink()
    names = [f"failure_{number}.jpg" for number in range(1, len(images) + 1)]
    for name, image in zip(names, images, strict=True):
        write_bytes(folder / name, _picture(run, image, BUDGET // len(images)))
    return names


def _picture(run: RunFolder, image: str, budget: int) -> bytes:
    """The largest and best JPEG within a number of bytes."""
    rows = [] if run.files is None else [row for _, row in run.files[run.files["image"] == image].iterrows()]
    if not rows or not isinstance(rows[0]["picture"], str):
        raise ValueError(f"{run.folder}: files.csv does not name the file of {image}; leave out --pictures")
    pixels = drawable(rows[0]["picture"])
    fates = compared(image, rows[0], run.summary).fates._asdict()
    for side, quality in product(_SIDES, _QUALITIES):
        buffer = BytesIO()
        _pair(pixels, fates, side).save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
        if buffer.tell() <= budget:
            return buffer.getvalue()
    raise ValueError(f"{image}: even a picture of {_SIDES[-1]} pixels takes more than {budget} bytes")


def _pair(pixels: npt.NDArray[Any], fates: dict[str, LabelMap], side: int) -> Image.Image:
    """Image and outlines side by side, each with sides of at most so many pixels."""
    plain = Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8).squeeze()).convert("RGB")
    plain.thumbnail((side, side))
    drawn = np.array(plain)
    for kind, label_map in fates.items():
        small = np.asarray(Image.fromarray(label_map).resize(plain.size, Image.Resampling.NEAREST))
        drawn[boundaries(small)] = KINDS[kind][1]
    both = Image.new("RGB", (2 * plain.width + _GAP, plain.height), "white")
    both.paste(plain, (0, 0))
    both.paste(Image.fromarray(drawn), (plain.width + _GAP, 0))
    return both
