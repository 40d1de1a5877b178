"""Pairs of label maps that the metrics are compared on, and their objects and IoU by definition."""

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

Map = npt.NDArray[np.int32]


def random_pair(seed: int) -> tuple[Map, Map]:
    """Boxes that touch, cover and miss each other, with gaps in the ids; the prediction is a worse copy."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(6, 22, 2))
    truth = np.zeros(shape, np.int32)
    for number in random.choice(np.arange(1, 40), random.integers(0, 9), replace=False):
        _fill(truth, random, number)
    shifted = np.roll(truth, tuple(random.integers(-1, 2, 2)), axis=(0, 1))
    swapped = np.append(0, random.permutation(40) + 1).astype(np.int32)[shifted]
    if random.random() < 0.5 and swapped.any():
        one, other = random.choice(np.unique(swapped[swapped > 0]), 2)
        swapped[swapped == one] = other
    for number in range(50, 50 + random.integers(0, 4)):
        _fill(swapped, random, number)
    return swapped, truth


def _fill(image: Map, random: np.random.Generator, number: int) -> None:
    top, left = random.integers(0, image.shape)
    height, width = random.integers(1, 7, 2)
    image[top : top + height, left : left + width] = number


def _map(*rows: str) -> Map:
    return np.array([[int(pixel) for pixel in row] for row in rows], np.int32)


DEGENERATE = {
    "both empty": (_map("000", "000"), _map("000", "000")),
    "nothing predicted": (_map("000", "000"), _map("110", "002")),
    "nothing there": (_map("110", "002"), _map("000", "000")),
    "one pixel": (_map("1"), _map("2")),
    "no background": (_map("1122", "1122"), _map("3333", "4444")),
    "equal": (_map("1102", "3300"), _map("1102", "3300")),
    "IoU exactly a half": (_map("1110"), _map("0222")),
    "two halves": (_map("1122"), _map("3333")),
    "a chain of halves": (_map("11223344"), _map("50066007")),
    "one over two": (_map("1111"), _map("1122")),
    "one id in two places": (_map("1010"), _map("1020")),
    "disjoint": (_map("1100"), _map("0022")),
}

CASES = [
    *[pytest.param(*maps, id=name) for name, maps in DEGENERATE.items()],
    *[pytest.param(*random_pair(seed), id=f"random {seed}") for seed in range(200)],
]


def objects(label_map: Map) -> list[npt.NDArray[np.bool_]]:
    """One mask an object, in ascending order of the ids."""
    return [label_map == number for number in np.unique(label_map) if number]


def iou_table(pred: Map, truth: Map) -> npt.NDArray[np.float64]:
    """IoU of each predicted (row) and each true object (column), mask by mask."""
    table = np.zeros((len(objects(pred)), len(objects(truth))))
    for (row, one), (column, other) in product(enumerate(objects(pred)), enumerate(objects(truth))):
        table[row, column] = (one & other).sum() / (one | other).sum()
    return table
