"""Lists of the images that generalist_nuclei learned from, and of those that chose its best epoch.

    python benchmarks/models/nuclei_lists.py nuclei_many/table.csv nuclei/train shift/dataset1 \
        shift/dataset2 multimodal/train --without "cytology|phase|dic" --tests nuclei/test multimodal/test \
        --out lists

An image that is in a test folder, or twice, is left out. Of each kind (``group`` of a table, else the
folder), every twelfth image is for validation, and at least one. Rare kinds are drawn more often: the weight
of an image is one over the square root of the number of images of its kind. ``--leave-out SOURCE`` puts all
images of a source into a third list, ``left.json``.
"""

import argparse
import json
import math
import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

from cellseg_monai.data import labelled, list_items, read_pixels
from cellseg_monai.data.datalist import Item, file_of

IN_TESTS, TWICE = 0.98, 0.995
"""Correlations from which on two images of one size are the same."""


def thumbnail(item: Item) -> tuple[tuple[int, ...], np.ndarray]:
    """Size of an image, and a normalised small copy."""
    pixels = read_pixels(file_of(item)).astype(np.float32)
    grey = pixels[..., :3].mean(-1) if pixels.ndim == 3 else pixels
    grey -= grey.min()
    levels = (grey / (grey.max() or 1) * 200).round().astype(np.uint8)
    small = np.asarray(Image.fromarray(levels).resize((32, 32)), float).ravel()
    small -= small.mean()
    return grey.shape, small / (np.linalg.norm(small) + 1e-9)


def without_twins(items: list[Item], tests: list[Item]) -> list[Item]:
    """Leave out images of the tests, and all but the first of equal images."""
    hidden, seen, kept = [thumbnail(test) for test in tests], [], []
    for item in items:
        shape, small = thumbnail(item)
        known = [(hidden, IN_TESTS), (seen, TWICE)]
        if not any(shape == each[0] and small @ each[1] > limit for some, limit in known for each in some):
            seen.append((shape, small))
            kept.append(item)
    return kept


def main() -> None:
    """Write the lists."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--tests", nargs="*", default=[])
    parser.add_argument("--without", metavar="REGEX", help="names of images to leave out")
    parser.add_argument("--leave-out", metavar="SOURCE", help="source in a table to put into left.json")
    parser.add_argument("--out", required=True, metavar="DIR")
    given = parser.parse_args()
    items = [
        {"group": Path(source).name if Path(source).is_dir() else "", "source": "", **item}
        for source in given.datasets
        for item in labelled(list_items(source))
        if not (given.without and re.search(given.without, Path(file_of(item)).stem))
    ]
    tests = [item for source in given.tests for item in labelled(list_items(source))]
    kinds: dict[str, list[Item]] = defaultdict(list)
    for item in without_twins(items, tests):
        kinds[item["group"]].append(item)
    lists: dict[str, list[Item]] = {"train": [], "validation": [], "left": []}
    for kind in kinds.values():
        held = {*range(5, len(kind), 12), *([1] if len(kind) < 12 else [])}
        for number, item in enumerate(sorted(kind, key=lambda item: Path(file_of(item)).name)):
            left = given.leave_out and item["source"] == given.leave_out
            lists["left" if left else "validation" if number in held else "train"].append(item)
    count = Counter(item["group"] for item in lists["train"])
    weighted = [item | {"weight": round(1 / math.sqrt(count[item["group"]]), 4)} for item in lists["train"]]
    for name, found in (lists | {"train": weighted}).items():
        paths = [
            {
                key: str(Path(value).resolve()) if key in ("image", "label") else value
                for key, value in item.items()
            }
            for item in found
        ]
        if paths:
            Path(given.out).mkdir(parents=True, exist_ok=True)
            Path(given.out, f"{name}.json").write_text(json.dumps({"training": paths}, indent=1))
            print(f"{name}.json: {len(paths)} images of {len({item['group'] for item in found})} kinds")


if __name__ == "__main__":
    main()
