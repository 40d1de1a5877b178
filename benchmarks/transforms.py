"""Patches and targets compared with MONAI and SciPy: `python benchmarks/transforms.py`."""

import numpy as np
import torch
from harness import compare
from monai.data import MetaTensor
from monai.transforms import GridPatchd, RandCropByPosNegLabeld
from scipy import ndimage

from cellseg_monai.transforms import PatchCoverd, RandBalancedPatchesd, distance_target

SIDE, SPACING, RADIUS = 2048, 32, 12
PATCH = 128


def scattered_cells() -> np.ndarray:
    """Make a square label map of 4,096 separate discs."""
    y, x = np.indices((SIDE, SIDE)) % SPACING - SPACING // 2
    row, column = np.indices((SIDE, SIDE)) // SPACING
    return np.where(x**2 + y**2 <= RADIUS**2, row * (SIDE // SPACING) + column + 1, 0).astype(np.int32)


def distance_object_by_object(cells: np.ndarray) -> np.ndarray:
    """Compute the normalised distance in a loop over bounding boxes."""
    target = np.zeros(cells.shape, np.float32)
    for number, box in enumerate(ndimage.find_objects(cells), start=1):
        inside = np.pad(cells[box] == number, 1)
        distance = ndimage.distance_transform_edt(inside)[1:-1, 1:-1]
        target[box] += distance / distance.max()
    return target


def split_into_samples(grid: GridPatchd, sample: dict[str, MetaTensor]) -> list[dict[str, MetaTensor]]:
    """Split the one tensor that GridPatchd makes for each key into samples that a loader can shuffle."""
    stacks = grid(sample)
    return [{key: stacks[key][number] for key in stacks} for number in range(len(stacks["image"]))]


def main() -> None:
    """Print the three tables."""
    torch.set_num_threads(1)
    cells = scattered_cells()
    image = MetaTensor(torch.rand(1, SIDE, SIDE))
    sample = {"image": image, "label": MetaTensor(torch.from_numpy(cells[None]))}
    keys = ["image", "label"]

    balanced = RandBalancedPatchesd(keys, "label", PATCH, num_samples=8)
    centred = RandCropByPosNegLabeld(keys, "label", PATCH, num_samples=8)
    compare(
        f"8 random patches of {PATCH}² from {SIDE}²",
        {"RandBalancedPatchesd": lambda: balanced(sample), "RandCropByPosNegLabeld": lambda: centred(sample)},
        repeats=15,
    )

    cover, grid = PatchCoverd(keys, PATCH), GridPatchd(keys, (PATCH, PATCH), pad_mode="constant")
    uneven = {key: array[:, :-28, :-28] for key, array in sample.items()}
    compare(
        f"all patches of {PATCH}² from {SIDE - 28}², image and label",
        {
            "PatchCoverd": lambda: cover(uneven),
            "GridPatchd, one tensor per key": lambda: grid(uneven),
            "GridPatchd, split into samples": lambda: split_into_samples(grid, uneven),
        },
        repeats=5,
    )

    compare(
        f"normalised distance of {cells.max():,} objects in {SIDE}²",
        {
            "distance_target": lambda: distance_target(cells[None]),
            "SciPy, object by object": lambda: distance_object_by_object(cells),
        },
        repeats=7,
    )


if __name__ == "__main__":
    main()
