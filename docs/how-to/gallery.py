"""Draws the pictures of the page "Which model, which command": an image, and beside it its cells.

Run it in the root of a clone; it writes one PNG for each kind of image:

    python docs/how-to/gallery.py docs/assets
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

import cellseg_monai as cs
from cellseg_monai.data import read_label_map, synthesize
from cellseg_monai.export import class_picture, outline
from cellseg_monai.jobs.files.planes import displayed, drawable

REAL = Path("docs/assets/gallery")
SEGMENTED = {
    "nuclei": (REAL / "fluorescence.tif", "generalist_nuclei"),
    "tissue": (REAL / "tissue.png", "generalist_nuclei"),
    "mixed": (REAL / "cytology.png", "attention_unetpp"),
}
"""Real images, and the model that finds their cells."""

DRAWN = {"phase": "phase", "thin": "filaments", "classes": "tissue"}
"""Synthetic kinds, beside their true cells: for these a network is trained first."""

SIDE = 256
LARGER = 2
"""Each pixel of a real image is drawn so many times, for finer outlines."""


def main(folder: Path) -> None:
    """Write all pictures into a folder."""
    for name, (file, model) in SEGMENTED.items():
        with TemporaryDirectory() as out:
            (found,) = cs.predict(model, [file], Path(out))
            labels = read_label_map(found).repeat(LARGER, 0).repeat(LARGER, 1)
        picture = magnified(drawable(str(file)).squeeze())
        save(folder / f"which_{name}.png", picture, outline(picture, labels))
    for name, kind in DRAWN.items():
        drawn = synthesize(kind, (SIDE, SIDE), seed=4)
        channels = np.moveaxis(np.atleast_3d(drawn.image), -1, 0).astype(np.float32)
        picture = np.moveaxis(displayed(channels), 0, -1).squeeze()
        cells = outline(picture, drawn.label)
        if drawn.classes:
            cells = class_picture(picture, drawn.class_map)[:SIDE]  # without its legend
        save(folder / f"which_{name}.png", picture, cells)


def magnified(picture: np.ndarray) -> np.ndarray:
    """Picture with more pixels, without steps."""
    pixels = Image.fromarray((picture * 255).round().astype(np.uint8))
    large = pixels.resize([LARGER * length for length in pixels.size], Image.Resampling.BICUBIC)
    return np.asarray(large) / 255


def save(file: Path, picture: np.ndarray, cells: np.ndarray) -> None:
    """Write image and cells side by side."""
    left = np.asarray(Image.fromarray((picture * 255).round().astype(np.uint8)).convert("RGB"))
    gap = np.full((len(left), 6, 3), 255, np.uint8)
    pair = Image.fromarray(np.hstack([left, gap, cells]))
    pair.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
