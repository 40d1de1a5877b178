"""How far the scores of a model change when the same images are enlarged or shrunk, without telling it.

    python benchmarks/models/scale.py generalist_nuclei nuclei/test

Prints the mean Dice and F1 at an IoU of 0.5 of all images at each size. Label maps are resized by their
nearest pixel. Images whose longer side would exceed 4,096 pixels are left out at all sizes.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tifffile
import torch
from torch.nn import functional as F

from cellseg_monai.data import labelled, list_items, read_label_map, read_pixels
from cellseg_monai.data.datalist import file_of
from cellseg_monai.jobs import predict
from cellseg_monai.metrics import instance_counts, instance_scores, pixel_counts, pixel_scores

LARGEST = 4096


def resized(pixels: np.ndarray, factor: float, mode: str) -> np.ndarray:
    """Resize the first two axes; the values keep their type."""
    planes = torch.from_numpy(np.atleast_3d(pixels).astype(np.float64)).movedim(-1, 0)[None]
    sides = [max(8, round(side * factor)) for side in pixels.shape[:2]]
    options = {"antialias": True} if mode == "bilinear" else {}
    found = F.interpolate(planes, sides, mode=mode, **options)[0].movedim(0, -1).numpy()
    found = np.rint(found) if np.issubdtype(pixels.dtype, np.integer) else found
    return found.reshape(*sides, *pixels.shape[2:]).astype(pixels.dtype)


def scores_at(factor: float, model: str, items: list, folder: Path) -> tuple[float, float]:
    """Mean Dice and F1 of resized images."""
    images, truths = [], []
    for number, item in enumerate(items):
        images.append(folder / f"{number}.tif")
        tifffile.imwrite(images[-1], resized(read_pixels(file_of(item)), factor, "bilinear"))
        truths.append(resized(read_label_map(item["label"]), factor, "nearest-exact"))
    found = [tifffile.imread(file) for file in predict(model, images, folder / "found")]
    pairs = list(zip(found, truths, strict=True))
    dice = [float(pixel_scores(pixel_counts(*pair)).dice[0]) for pair in pairs]
    f1 = [float(instance_scores(instance_counts(*pair, 0.5)).f1[0]) for pair in pairs]
    return float(np.mean(dice)), float(np.mean(f1))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("dataset")
    parser.add_argument("--factors", type=float, nargs="+", default=[0.25, 0.5, 1, 2, 4])
    given = parser.parse_args()
    items = [
        item
        for item in labelled(list_items(given.dataset))
        if max(read_pixels(file_of(item)).shape[:2]) * max(given.factors) <= LARGEST
    ]
    print(f"{len(items)} images\n\n| size | Dice | F1 at IoU 0.5 |\n|---|---|---|")
    for factor in given.factors:
        with TemporaryDirectory() as folder:
            dice, f1 = scores_at(factor, given.model, items, Path(folder))
        print(f"| {factor:g} | {dice:.3f} | {f1:.3f} |", flush=True)


if __name__ == "__main__":
    main()
