"""Pictures of the images that a network does worst on, small enough for a repository."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from cellseg_monai.jobs.files.companions import drawable
from cellseg_monai.jobs.reporting.pictures import KINDS, compared
from cellseg_monai.jobs.reporting.runs import Run
from cellseg_monai.label_maps import LabelMap, boundaries
from cellseg_monai.outputs import write_bytes

BUDGET = 200_000
"""Bytes of all pictures of a bundle."""

_SIDES, _QUALITIES = (640, 512, 400, 300, 220), (85, 70, 50)
_GAP = 4


def draw_failures(run: Run, images: Sequence[str], folder: Path) -> list[str]:
    """Draw images beside what became of their cells, as ``failure_1.jpg``, …; earlier ones are removed.

    Found cells are outlined in green, missed ones in orange, added ones in blue, split ones in yellow, merged
    ones in purple; of binary masks likewise what both have, what is missed and what is added.

    Args:
        run: an evaluation, whose ``files.csv`` tells where the images are.
        images: names.
        folder: to write to. All pictures together take at most 200 kB.

    Returns:
        Names of the files.

    Raises:
        ValueError: the evaluation does not tell where an image is, or it is no longer there.
    """
    for old in folder.glob("failure_*.jpg"):
        old.unlink()
    names = []
    for number, image in enumerate(images, start=1):
        names.append(f"failure_{number}.jpg")
        write_bytes(folder / names[-1], _small(_drawn(run, image), BUDGET // len(images)))
    return names


def _drawn(run: Run, image: str) -> list[Image.Image]:
    """The picture in several sizes, the largest first."""
    rows = [] if run.files is None else [row for _, row in run.files.iterrows() if row["image"] == image]
    if not rows or not isinstance(rows[0]["picture"], str):
        raise ValueError(
            f"{run.folder}: files.csv does not tell where the image {image} is; leave --pictures out"
        )
    pixels = drawable(rows[0]["picture"])
    fates = compared(image, rows[0], run.summary).fates._asdict()
    return [_pair(pixels, fates, side) for side in _SIDES]


def _pair(pixels: npt.NDArray[Any], fates: dict[str, LabelMap], side: int) -> Image.Image:
    """Image and outlines side by side, each of at most so many pixels a side; drawn after they are shrunk."""
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


def _small(pictures: Sequence[Image.Image], budget: int) -> bytes:
    """The largest and best JPEG within a budget; at last the smallest of all."""
    for picture in pictures:
        for quality in _QUALITIES:
            buffer = BytesIO()
            picture.save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
            if buffer.tell() <= budget:
                return buffer.getvalue()
    raise ValueError(f"a picture of {pictures[-1].size} pixels takes more than {budget} bytes")
