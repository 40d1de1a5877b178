"""How many annotations that are made wrong are among the first doubts of a review.

    cellseg predict patch_attention_unet nuclei/test --save-probability --out predicted
    python benchmarks/annotations/wrong_labels.py --data nuclei/test --pred predicted

In turn, a random cell is deleted, merged with a touching cell, moved by half its width, or copied to the
background. Cells below a quarter of the median size are left alone. What is wrong counts as found if the
centre of a doubt of that kind lies in its box. The review of the unchanged annotations is printed first: its
doubts compete with these.
"""

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd
import tifffile

from cellseg_monai import review
from cellseg_monai.data import labelled, list_items, read_label_map
from cellseg_monai.label_maps import LabelMap, touching_pairs


class Wrong(NamedTuple):
    """Wrong annotation: what was done, the image, and the box as x, y, right and bottom."""

    kind: str
    image: str
    box: tuple[int, int, int, int]


EXPECTED = {
    "delete": ["missing"],
    "merge": ["merged"],
    "move": ["shifted", "missing", "extra"],
    "add": ["extra"],
}
"""Kinds of doubts that show what is wrong; a cell that was moved far has two without a partner."""

Change = Callable[[LabelMap, int, np.random.Generator], np.ndarray | None]
"""Changes a label map at one cell; returns the pixels concerned, or None if it is not possible."""


def delete(cells: LabelMap, number: int, _: np.random.Generator) -> np.ndarray | None:
    """Delete a cell."""
    pixels = cells == number
    cells[pixels] = 0
    return pixels


def merge(cells: LabelMap, number: int, _: np.random.Generator, small: float) -> np.ndarray | None:
    """Merge a cell with one that touches it."""
    near = [
        other
        for pair in touching_pairs(cells).tolist()
        if number in pair
        for other in pair
        if other != number
    ]
    near = [other for other in near if (cells == other).sum() >= small]
    if not near:
        return None
    cells[cells == near[0]] = number
    return cells == number


def move(cells: LabelMap, number: int, _: np.random.Generator) -> np.ndarray | None:
    """Move a cell by half its width; it covers no other cell."""
    rows, columns = np.nonzero(cells == number)
    step = (np.ptp(columns) + 1) // 2
    if columns.max() + step >= cells.shape[1]:
        return None
    before = cells == number
    cells[before] = 0
    free = cells[rows, columns + step] == 0
    cells[rows[free], columns[free] + step] = number
    return before | (cells == number)


def add(cells: LabelMap, number: int, random: np.random.Generator) -> np.ndarray | None:
    """Copy a cell to the background."""
    rows, columns = (places - places.min() for places in np.nonzero(cells == number))
    for _ in range(1000):
        top, left = (
            random.integers(size - extent.max())
            for size, extent in zip(cells.shape, (rows, columns), strict=True)
        )
        if not cells[rows + top, columns + left].any():
            cells[rows + top, columns + left] = new = cells.max() + 1
            return cells == new
    return None


def make_wrong(maps: Mapping[str, LabelMap], count: int, seed: int) -> list[Wrong]:
    """Change random cells of the label maps in place; no pixel is changed twice."""
    random = np.random.default_rng(seed)
    cells = [
        (name, number, size)
        for name, cells in sorted(maps.items())
        for number, size in zip(
            *(part[1:].tolist() for part in np.unique(cells, return_counts=True)), strict=True
        )
    ]
    small = float(np.median([size for *_, size in cells])) / 4
    changes: dict[str, Change] = {
        "delete": delete,
        "merge": partial(merge, small=small),
        "move": move,
        "add": add,
    }
    touched = {name: np.zeros(cells.shape, bool) for name, cells in maps.items()}
    wrong: list[Wrong] = []
    kinds = cycle(changes)
    kind = next(kinds)
    for place in random.permutation(len(cells)).tolist():
        name, number, size = cells[place]
        changed = maps[name].copy()
        if size < small or not (changed == number).any():
            continue
        pixels = changes[kind](changed, number, random)
        if pixels is None or (pixels & touched[name]).any():
            continue
        maps[name][:] = changed
        touched[name] |= pixels
        rows, columns = np.nonzero(pixels)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        wrong.append(Wrong(kind, name, box))
        kind = next(kinds)
        if len(wrong) == count:
            return wrong
    raise SystemExit(f"only {len(wrong)} cells could be made wrong; ask for fewer with --wrong")


def is_found(wrong: Wrong, doubts: pd.DataFrame) -> bool:
    """Whether the centre of a doubt of the expected kind lies in the box."""
    left, top, right, bottom = wrong.box
    here = doubts[(doubts["image"] == wrong.image) & doubts["kind"].isin(EXPECTED[wrong.kind])]
    return bool((here["centre_x"].between(left, right) & here["centre_y"].between(top, bottom)).any())


def main() -> None:
    """Print how many were found for each seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="labelled images that the network was not trained with")
    parser.add_argument("--pred", required=True, help="result of cellseg predict --save-probability")
    parser.add_argument("--wrong", type=int, default=20, help="number of annotations to make wrong")
    parser.add_argument("--first", type=int, default=30, help="number of doubts to look at")
    parser.add_argument("--seeds", type=int, default=5, help="number of repetitions")
    options = parser.parse_args()
    items = labelled(list_items(options.data))
    clean = {item["name"]: read_label_map(item["label"]) for item in items}
    with TemporaryDirectory() as folder:
        print("unchanged:", review(options.pred, options.data, Path(folder) / "unchanged"))
        for seed in range(options.seeds):
            maps = {name: cells.copy() for name, cells in clean.items()}
            wrong = make_wrong(maps, options.wrong, seed)
            truth = Path(folder) / f"truth{seed}"
            truth.mkdir()
            for name, cells in maps.items():
                tifffile.imwrite(truth / f"{name}.tif", cells)
            first = review(options.pred, truth, Path(folder) / f"out{seed}", shown=1).doubts[: options.first]
            found = [each.kind for each in wrong if is_found(each, first)]
            kinds = ", ".join(
                f"{kind} {found.count(kind)} of {[each.kind for each in wrong].count(kind)}"
                for kind in dict.fromkeys(each.kind for each in wrong)
            )
            print(
                f"seed {seed}: {len(found)} of {len(wrong)} among the first {options.first} doubts ({kinds})"
            )


if __name__ == "__main__":
    main()
