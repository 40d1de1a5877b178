"""Write a dataset as several lists: training, validation and test images."""

import json
import os
import random
from collections.abc import Sequence
from itertools import accumulate, pairwise
from os import PathLike
from pathlib import Path

from cellseg_monai.data.datalist import PATHS, Item, as_list, items_of_all_sections, labelled
from cellseg_monai.data.folds import assign
from cellseg_monai.outputs import claim_outputs, write_text

PARTS = ("training", "validation", "test")


def split_parts(
    items: Sequence[Item], shares: Sequence[float], *, seed: int = 0, divide_groups: bool = False
) -> list[list[Item]]:
    """Split labelled images into training, validation and test images.

    Args:
        items: items of the dataset.
        shares: share of each part, in any unit, for two or three parts.
        seed: random seed of the split.
        divide_groups: deal the items out at random, regardless of their ``group``. Tiles of one image, or
            images of one patient, are then in several parts, and the scores are too good. By default groups
            stay together, and the parts have similar modalities and fractions of foreground, as in
            :func:`k_folds`.

    Returns:
        Items of each part, in the order of ``items``.

    Raises:
        ValueError: a share is not positive, there are not two or three of them, or a part would be empty.

    Example:
        >>> tiles = [{"image": f"{n}.tif", "group": n // 16} for n in range(704)]
        >>> [len(part) for part in split_parts(tiles, [70, 20, 10], divide_groups=True)]
        [493, 141, 70]
        >>> [len(part) / 16 for part in split_parts(tiles, [70, 20, 10])]
        [31.0, 9.0, 4.0]
    """
    if len(shares) not in (2, 3) or min(shares) <= 0:
        raise ValueError(f"parts must be two or three positive numbers, such as 70 20 10, not {list(shares)}")
    total = sum(shares)
    if divide_groups:
        ends = [round(len(items) * end / total) for end in accumulate(shares, initial=0)]
        order = random.Random(seed).sample(range(len(items)), len(items))
        chosen = [sorted(order[first:last]) for first, last in pairwise(ends)]
    else:
        part = assign(items, [share / total for share in shares], seed)
        chosen = [[place for place, own in enumerate(part) if own == number] for number in range(len(shares))]
    if not all(chosen):
        raise ValueError(f"{len(items)} images are too few for the parts {list(shares)}; give more images")
    return [[items[place] for place in places] for places in chosen]


def write_parts(
    source: str | PathLike[str],
    out: str | PathLike[str],
    parts: Sequence[float],
    *,
    seed: int = 0,
    divide_groups: bool = False,
) -> list[Path]:
    """Write ``training.json``, ``validation.json`` and, for three parts, ``test.json``.

    Each is a dataset of its own, for ``--dataset_dir`` and ``--validation_dir``. The parts are those of
    :func:`split_parts`, from the labelled images of all sections of the source.

    Args:
        source: folder, ``dataset.json`` or table.
        out: folder of the lists, which refer to the images where they are.
        parts: share of each part, such as 70, 20 and 10.
        seed: random seed of the split.
        divide_groups: let images of one group be in several parts.

    Returns:
        The lists.

    Raises:
        ValueError: no image has a label, or they cannot be split like this.
        FileExistsError: a list exists that no earlier split has written.

    Example:
        >>> from cellseg_monai.data import list_items, write_synthetic_dataset
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = write_synthetic_dataset("nuclei", folder, count=6, size=(32, 48))
        ...     [len(list_items(path)) for path in write_parts(folder, folder, [4, 2])]
        [4, 2]
    """
    folder = Path(out)
    split = split_parts(
        labelled(items_of_all_sections(source)), parts, seed=seed, divide_groups=divide_groups
    )
    names = [f"{name}.json" for name in PARTS[: len(split)]]
    with claim_outputs(folder, "split", names, complete=True):
        for name, items in zip(names, split, strict=True):
            listed = [_relative(item, folder) for item in items]
            write_text(folder / name, json.dumps({"training": listed}, indent=2) + "\n")
    return [folder / name for name in names]


def _relative(item: Item, folder: Path) -> Item:
    """Return an item with paths relative to the folder of its list."""

    def relative(file: str) -> str:
        return Path(os.path.relpath(file, folder)).as_posix()

    files = {key: item[key] for key in PATHS if key in item}
    return item | {
        key: [relative(file) for file in as_list(value)] if isinstance(value, list) else relative(value)
        for key, value in files.items()
    }
