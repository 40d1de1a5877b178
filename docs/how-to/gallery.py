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

REAL = Path("tests/data/real")
SEGMENTED = {
    "nuclei": (REAL / "nuclei/test/images/IXMtest_B12_s2.tif", "patch_attention_unet"),
    "tissue": (REAL / "tissue/images/histology_00.png", "skip_unet"),
    "mixed": (REAL / "large_nuclei/images/03_5c235b94.png", "attention_unetpp"),
}
"""Real images, and the model that finds their cells."""

DRAWN = {"phase": "phase", "thin": "filaments", "classes": "tissue"}
"""Synthetic kinds, beside their true cells: for these a network is trained first."""

SIDE = 288


def main(folder: Path) -> None:
    """Write all pictures into a folder."""
    for name, (file, model) in SEGMENTED.items():
        with TemporaryDirectory() as out:
            (found,) = cs.predict(model, [file], Path(out))
            labels = read_label_map(found)
        large = magnified(drawable(str(file)), labels.shape)
        save(folder / f"which_{name}.png", large, outline(large, repeated(labels)))
    for name, kind in DRAWN.items():
        drawn = synthesize(kind, (SIDE, SIDE), seed=2)
        channels = np.moveaxis(np.atleast_3d(drawn.image), -1, 0).astype(np.float32)
        picture = np.moveaxis(displayed(channels), 0, -1).squeeze()
        cells = class_picture(picture, drawn.class_map) if drawn.classes else outline(picture, drawn.label)
        save(folder / f"which_{name}.png", picture, cells)


def magnified(picture: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Picture in whole multiples of its pixels, about as large as the others, without steps."""
    rows, columns = (factor(shape) * length for length in shape)
    pixels = Image.fromarray((picture * 255).round().astype(np.uint8))
    return np.asarray(pixels.resize((columns, rows), Image.Resampling.BICUBIC)) / 255


def repeated(labels: np.ndarray) -> np.ndarray:
    """Label map with each pixel as often as in the magnified picture."""
    return labels.repeat(factor(labels.shape), 0).repeat(factor(labels.shape), 1)


def factor(shape: tuple[int, ...]) -> int:
    """How many times larger a picture is drawn."""
    return max(1, round(SIDE / max(shape)))


def save(file: Path, picture: np.ndarray, cells: np.ndarray) -> None:
    """Write image and cells side by side."""
    left = np.asarray(Image.fromarray((picture * 255).round().astype(np.uint8)).convert("RGB"))
    gap = np.full((len(left), 6, 3), 255, np.uint8)
    Image.fromarray(np.concatenate([left, gap, cells], axis=1)).save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
