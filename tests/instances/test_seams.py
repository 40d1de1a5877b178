import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellseg_monai.instances import same_cells
from cellseg_monai.instances.seams import merged_ids

UPPER, LOWER = (slice(0, 4), slice(0, 6)), (slice(4, 8), slice(0, 6))
"""The cores of two tiles that both see all of 8 by 6 pixels."""


def drawn(*cells: tuple[int, int, int, int, int]) -> np.ndarray:
    """Rectangles of (label, first row, last row, first column, last column)."""
    labels = np.zeros((8, 6), int)
    for label, top, bottom, left, right in cells:
        labels[top : bottom + 1, left : right + 1] = label
    return labels


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (drawn((3, 2, 5, 1, 4)), drawn((7, 2, 5, 1, 4)), [[3, 7]]),
        (drawn((3, 2, 5, 0, 2), (4, 2, 5, 3, 5)), drawn((8, 2, 5, 0, 2), (7, 2, 5, 3, 5)), [[3, 8], [4, 7]]),
        (drawn((3, 2, 3, 1, 4)), drawn((7, 4, 5, 1, 4)), []),
        (drawn((3, 2, 5, 1, 4)), drawn((7, 1, 6, 1, 4)), [[3, 7]]),
        (drawn((3, 1, 6, 0, 5)), drawn((7, 1, 6, 0, 2), (8, 1, 6, 3, 5)), [[3, 7], [3, 8]]),
        (drawn((3, 0, 7, 0, 5)), drawn((7, 6, 7, 5, 5)), []),
        (drawn((3, 1, 4, 0, 5)), drawn((7, 4, 7, 0, 5)), []),
        (drawn((3, 0, 1, 0, 1), (3, 6, 7, 4, 5)), drawn((7, 0, 1, 0, 1), (7, 6, 7, 4, 5)), [[3, 7]]),
        (
            drawn((3, 3, 4, 2, 2), (3, 0, 2, 3, 5), (4, 5, 7, 3, 5)),
            drawn((7, 3, 4, 2, 2), (7, 5, 7, 3, 5), (8, 0, 2, 3, 5)),
            [[3, 7], [3, 8], [4, 7]],
        ),
        (drawn(), drawn((7, 4, 7, 0, 5)), []),
        (drawn((2**31 - 1, 2, 5, 1, 4)), drawn((2**31 - 2, 2, 5, 1, 4)), [[2**31 - 1, 2**31 - 2]]),
    ],
    ids=[
        "one cell seen alike",
        "two cells that touch beside each other",
        "two cells that touch at the seam",
        "one cell drawn larger",
        "one cell split by the second tile",
        "sliver far from the seam",
        "two cells whose edge is disputed",
        "one cell of two pieces on two sides",
        "a bridge over the seam, with large parts that only one tile sees as its own",
        "seen by one tile alone",
        "highest ids",
    ],
)
def test_worked_by_hand(first: np.ndarray, second: np.ndarray, expected: list[list[int]]) -> None:
    assert same_cells(first, second, UPPER, LOWER).tolist() == expected
    assert same_cells(second, first, LOWER, UPPER).tolist() == sorted(pair[::-1] for pair in expected)


def test_tiles_must_see_the_same_pixels() -> None:
    with pytest.raises(ValueError, match=r"same shape, not \(8, 6\) and \(8, 5\)"):
        same_cells(drawn(), drawn()[:, :5], UPPER, LOWER)


def test_the_seam_decides_only_between_the_cores() -> None:
    """Split pieces are joined by contact; with cores elsewhere there is none."""
    first, second = drawn((3, 1, 6, 0, 5)), drawn((7, 1, 6, 0, 2), (8, 1, 6, 3, 5))
    none = (slice(0, 0), slice(0, 6))
    assert same_cells(first, second, none, none).tolist() == []


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=12))
def test_merging_equals_painting_over(labels: int, pairs: list[tuple[int, int]]) -> None:
    pairs = [pair for pair in pairs if max(pair) <= labels]
    cells = list(range(labels + 1))
    for one, other in pairs:
        low, high = sorted((cells[one], cells[other]))
        cells = [low if cell == high else cell for cell in cells]
    numbers = {cell: number for number, cell in enumerate(sorted(set(cells)))}
    merged = merged_ids(labels, np.array(pairs).reshape(-1, 2))
    assert merged.tolist() == [numbers[cell] for cell in cells]
    assert merged.dtype == np.int32


def test_more_labels_than_numbers_are_refused_before_memory_is_spent() -> None:
    with pytest.raises(ValueError, match="2,147,483,647 labels are too many for int32, at most"):
        merged_ids(2**31 - 1, np.empty((0, 2), int))
