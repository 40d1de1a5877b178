import numpy as np
import pytest

from cellseg_monai.cell_size import cell_diameter


def discs(*radii, side=100):
    """Discs in a row, none of which the edge cuts."""
    ids, column = np.zeros((side, side * len(radii)), np.int32), side // 2
    rows, columns = np.indices(ids.shape)
    for number, radius in enumerate(radii, start=1):
        ids[(rows - side // 2) ** 2 + (columns - column) ** 2 <= radius**2] = number
        column += side
    return ids


def test_the_diameter_is_that_of_the_cell_with_the_median_pixel():
    assert cell_diameter(discs(10, 20, 20)) == pytest.approx(40, abs=0.5)


def test_specks_do_not_change_it():
    assert cell_diameter(discs(*[2] * 30, 20, 20)) == pytest.approx(40, abs=0.5)


def test_cells_that_the_edge_cuts_count_only_without_others():
    ids = discs(10)
    ids[:40, :10] = 2
    assert cell_diameter(ids) == pytest.approx(20, abs=0.5)
    assert cell_diameter(ids[:, :20]) == pytest.approx(2 * np.sqrt(400 / np.pi))


def test_ids_with_gaps_are_no_cells_of_size_0():
    ids = discs(10)
    ids[ids == 1] = 5000
    assert cell_diameter(ids) == pytest.approx(20, abs=0.5)


def test_no_cell_has_no_diameter():
    assert cell_diameter(np.zeros((4, 4), np.int32)) is None
