"""Draws the figure of README.md: images, their annotations, and the cells before and after a training.

`DATA` has a dataset with `train/` and `test/` for each kind, `RESULT` the bundle trained on the former:

    python docs/before_after.py DATA RESULT docs/assets/before_after.png
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

import cellseg_monai as cs
from cellseg_monai.data import labelled, list_items, read_label_map
from cellseg_monai.data.datalist import file_of
from cellseg_monai.export import outline
from cellseg_monai.jobs.files.planes import drawable


class Kind(NamedTuple):
    """A row of the figure."""

    title: str
    dataset: str
    before: str
    metric: str
    side: int


KINDS = (
    Kind("Fluorescent nuclei", "shift", "patch_attention_unet", "f1@0.5", 256),
    Kind("Stained tissue", "stained", "skip_unet", "f1@0.5", 256),
    Kind("Grey cytology", "cytology", "attention_unetpp", "f1@0.5", 280),
    Kind("Neurites", "neurites", "patch_attention_unet", "dice", 900),
)
"""Kinds of images, and the model that is tried before the training; images of CC0 collections only."""

WORDS = {"f1@0.5": "F1", "dice": "Dice"}
COLUMNS = ("annotated by a person", "before: {}", "after cellseg train")

WIDTH, GAP, LINE = 300, 8, 26
"""Pixels of a picture, between two, and of a line of text."""


def main(data: Path, result: Path, file: Path) -> None:
    """Draw the figure."""
    with TemporaryDirectory() as scratch:
        rows = [
            row(kind, data / kind.dataset / "test", result / kind.dataset, Path(scratch, kind.dataset))
            for kind in KINDS
        ]
    figure = Image.fromarray(np.vstack(rows))
    figure.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)


def row(kind: Kind, test: Path, bundle: Path, scratch: Path) -> np.ndarray:
    """A title with the mean scores, and pictures of the image with the median score after training."""
    items = labelled(list_items(test))
    before = segmented(kind.before, items, test, kind, scratch / "before")
    after = segmented(str(bundle), items, test, kind, scratch / "after")
    scores = after[kind.metric]
    chosen = int(scores.sub(scores.quantile(interpolation="lower")).abs().argmin())
    truth = read_label_map(items[chosen]["label"])
    maps = (None, truth, *(read_label_map(found.file[chosen]) for found in (before, after)))
    titles = [kind.title, *COLUMNS]
    for column, found in ((2, before), (3, after)):
        titles[column] += f", {WORDS[kind.metric]} {found[kind.metric].mean():.2f}"
    titles[2] = titles[2].format(kind.before)
    picture = np.atleast_3d(drawable(str(file_of(items[chosen]))).squeeze())
    cut = fullest(truth, kind.side)
    gap = np.full((WIDTH + LINE + GAP, GAP, 3), 255, np.uint8)
    panels = [
        panel(title, picture[cut], cells if cells is None else cells[cut])
        for title, cells in zip(titles, maps, strict=True)
    ]
    return np.hstack([part for each in panels for part in (each, gap)][:-1])


def segmented(model: str, items: list, test: Path, kind: Kind, out: Path) -> pd.DataFrame:
    """Label map and score of each test image."""
    found = cs.predict(model, [file_of(item) for item in items], out / "cells")
    scores = cs.evaluate(out / "cells/labels", test, out / "scores", metrics=[kind.metric]).scores
    names = [Path(file_of(item)).stem for item in items]
    return scores.set_index("image").loc[names].assign(file=found).reset_index()


def fullest(truth: np.ndarray, side: int) -> tuple[slice, slice]:
    """The square with the most annotated pixels."""
    density = ndimage.uniform_filter((truth > 0).astype(np.float32), side, mode="constant")
    inner = density[side // 2 : truth.shape[0] - side // 2 + 1, side // 2 : truth.shape[1] - side // 2 + 1]
    top, left = np.unravel_index(inner.argmax(), inner.shape)
    return slice(top, top + side), slice(left, left + side)


def panel(title: str, picture: np.ndarray, cells: np.ndarray | None) -> np.ndarray:
    """A picture with the outlines of its cells, below its title."""
    pixels = Image.fromarray((picture.squeeze() * 255).round().astype(np.uint8)).convert("RGB")
    shown = np.asarray(pixels.resize((WIDTH, WIDTH), Image.Resampling.BICUBIC))
    if cells is not None:
        drawn = Image.fromarray(cells.astype(np.int32)).resize((WIDTH, WIDTH), Image.Resampling.NEAREST)
        shown = outline(shown / 255, np.asarray(drawn))
    page = Image.new("RGB", (WIDTH, WIDTH + LINE + GAP), "white")
    ImageDraw.Draw(page).text((0, 6), title, "black", ImageFont.load_default(13))
    page.paste(Image.fromarray(shown), (0, LINE))
    return np.asarray(page)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
