"""Splits: k folds, hold-out and first n. They are deterministic and stratified, and keep groups together."""

import logging
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from cellseg_monai.data.datalist import Item, group_of
from cellseg_monai.data.readers.formats import read_label_map

logger = logging.getLogger(__name__)

Split = tuple[list[Item], list[Item]]
"""Training items, validation items."""


def k_folds(items: Sequence[Item], folds: int = 5, seed: int = 0) -> list[Split]:
    """Split a dataset for cross-validation; each image is a validation image once.

    Images of one ``group`` (patient, slide, well) stay in one fold. Folds are similar in ``modality`` and in
    foreground fraction.

    Args:
        items: items of the dataset.
        folds: number of folds. If there are fewer groups than folds, each group is a fold and a warning is
            logged.
        seed: seed that chooses among equally good splits.

    Returns:
        Training and validation items of each fold, in the order of ``items``.

    Raises:
        ValueError: fewer than two folds, or a single group.

    Example:
        >>> items = [{"image": f"{i}.tif", "group": "ab"[i // 3]} for i in range(6)]
        >>> [[item["image"] for item in validation] for _, validation in k_folds(items, 2)]
        [['0.tif', '1.tif', '2.tif'], ['3.tif', '4.tif', '5.tif']]
    """
    if folds < 2:
        raise ValueError(f"cross-validation needs at least 2 folds, not {folds}")
    groups = len({group_of(item) for item in items})
    if 2 <= groups < folds:
        logger.warning("%d folds instead of %d, because there are only %d groups", groups, folds, groups)
        folds = groups
    part = assign(items, [1 / folds] * folds, seed)
    return [_select(items, part, fold) for fold in range(folds)]


def one_fold(items: Sequence[Item], fold: int = 0, *, folds: int = 5, seed: int = 0) -> Split:
    """Return one split of :func:`k_folds`.

    Args:
        items: items of the dataset.
        fold: index of the validation fold, from 0.
        folds: number of folds.
        seed: seed that chooses among equally good splits.

    Raises:
        ValueError: there is no such fold. The message lists the valid ones.

    Example:
        >>> training, validation = one_fold([{"image": f"{i}.tif"} for i in range(10)], fold=4)
        >>> len(training), len(validation)
        (8, 2)
    """
    splits = k_folds(items, folds, seed)
    if not 0 <= fold < len(splits):
        raise ValueError(
            f"fold={fold}: there are {len(splits)} folds; choose --fold 0 to {len(splits) - 1}, "
            "or choose validation images with --val_fraction or --validation_dir"
        )
    return splits[fold]


def hold_out(items: Sequence[Item], fraction: float = 0.2, seed: int = 0) -> Split:
    """Set a fraction of the images aside for validation, stratified by the rules of :func:`k_folds`.

    Example:
        >>> training, validation = hold_out([{"image": f"{i}.tif"} for i in range(10)], 0.2)
        >>> len(training), len(validation)
        (8, 2)
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must be between 0 and 1, not {fraction}")
    return _select(items, assign(items, [1 - fraction, fraction], seed), 1)


def first_n(items: Sequence[Item], count: int) -> Split:
    """Return the first images and the rest, in the order of the list, for example for a learning curve.

    Example:
        >>> first, rest = first_n([{"image": "a.tif"}, {"image": "b.tif"}, {"image": "c.tif"}], 1)
        >>> [item["image"] for item in rest]
        ['b.tif', 'c.tif']
    """
    if not 0 < count < len(items):
        raise ValueError(f"count must be from 1 to {len(items) - 1} for {len(items)} images, not {count}")
    first, rest = list(items[:count]), list(items[count:])
    if divided := groups_in_common(first, rest):
        raise ValueError(f"the first {count} images would divide group {divided[0]}; choose another count")
    return first, rest


def foreground_fraction(item: Item) -> float:
    """Return the fraction of foreground pixels: the item's ``foreground``, or that of its label, or 0.

    Example:
        >>> foreground_fraction({"image": "a.tif", "foreground": 0.25})
        0.25
    """
    if "foreground" in item:
        return float(item["foreground"])
    return float(np.mean(read_label_map(item["label"]) > 0)) if "label" in item else 0.0


def _select(items: Sequence[Item], part: Sequence[int], chosen: int) -> Split:
    return (
        [item for item, place in zip(items, part, strict=True) if place != chosen],
        [item for item, place in zip(items, part, strict=True) if place == chosen],
    )


def assign(items: Sequence[Item], shares: Sequence[float], seed: int) -> list[int]:
    """Assign each item to a part: large groups first, each where it brings the mix closest to the shares."""
    traits = _traits(items, neighbours=round(1 / min(shares)))
    members = defaultdict(list)
    for index, item in enumerate(items):
        members[group_of(item)].append(index)
    if len(members) < 2:
        raise ValueError(
            f"{len(items)} images of {len(members)} group cannot be split, because a group (patient, slide, "
            "dish) stays together; choose images of another group with --validation_dir"
        )
    order = sorted(members)
    random.Random(seed).shuffle(order)
    order.sort(key=lambda group: len(members[group]), reverse=True)
    totals = Counter(trait for of_item in traits for trait in of_item)
    filled = [Counter[str]() for _ in shares]
    part = [0] * len(items)
    for placed, group in enumerate(order):
        arriving = Counter(trait for index in members[group] for trait in traits[index])
        empty = [place for place, content in enumerate(filled) if not content]
        allowed = empty if len(empty) == len(order) - placed else range(len(shares))
        costs = {place: _cost(filled[place], arriving, totals, shares[place]) for place in allowed}
        target = min(costs, key=costs.__getitem__)
        filled[target] += arriving
        for index in members[group]:
            part[index] = target
    return part


def _cost(filled: Counter[str], arriving: Counter[str], totals: Counter[str], share: float) -> float:
    """Increase of the squared distance to the desired counts, summed over the traits of a group."""
    growth = 0.0
    for trait, count in arriving.items():
        wanted = share * totals[trait]
        missing = wanted - filled[trait]
        growth += (count - missing) ** 2 - missing**2
    return growth


def _traits(items: Sequence[Item], neighbours: int) -> list[tuple[str, str, str]]:
    """Traits to spread evenly: the images, their modality, and bins of similar foreground fraction.

    A bin has as many images as there are folds, one for each.
    """
    modalities = [str(item.get("modality", "")) for item in items]
    fractions = pd.Series([foreground_fraction(item) for item in items], dtype=float)
    ranks = fractions.groupby(modalities).rank(method="first").astype(int) - 1
    return [
        ("image", f"modality {modality}", f"bin {modality} {rank // neighbours}")
        for modality, rank in zip(modalities, ranks, strict=True)
    ]


def groups_in_common(one: Iterable[Item], other: Iterable[Item]) -> list[str]:
    """Return the groups that are on both sides of a split; there should be none.

    Example:
        >>> groups_in_common([{"image": "a", "group": "p1"}], [{"image": "b", "group": "p1"}])
        ['p1']
    """
    return sorted({group_of(item) for item in one} & {group_of(item) for item in other})
