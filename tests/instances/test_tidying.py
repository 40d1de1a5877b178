import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.morphology import remove_small_objects
from skimage.segmentation import relabel_sequential

from cellseg_monai.instances import Tidying, drop_small, fill_holes
from cellseg_monai.instances.tidying import object_sizes
from tests.strategies import label_maps


@given(label_maps(), st.integers(0, 9))
def test_small_objects_are_dropped_as_by_scikit_image(ids, min_size):
    pytest.importorskip("skimage", "0.26", reason="before 0.26 it names its sizes otherwise")
    padded = np.concatenate([ids[0], np.full_like(ids[0], 99)])  # one label alone makes scikit-image warn
    kept = remove_small_objects(padded, max_size=min_size - 1)[: ids.shape[1]] if min_size > 1 else ids[0]
    found = drop_small(ids[0], min_size)
    np.testing.assert_array_equal(found, relabel_sequential(kept)[0])
    assert found.dtype == np.int32


@given(label_maps())
def test_sizes_equal_those_of_numpy(ids):
    np.testing.assert_array_equal(object_sizes(ids[0]), np.bincount(ids[0].ravel()))


def test_no_pixels_and_no_objects():
    assert drop_small(np.zeros((0, 3), int), 5).shape == (0, 3)
    assert drop_small(np.zeros((2, 3), int), 5).tolist() == [[0, 0, 0]] * 2
    assert not fill_holes(np.zeros((3, 3), bool), 9).any()


@pytest.mark.parametrize(("max_hole", "filled"), [(1, 1), (3, 4), (4, 4)])
def test_holes_by_hand(max_hole, filled):
    mask = np.ones((5, 9), bool)
    mask[2, 2] = mask[2, 4:7] = mask[0, 8] = False
    assert (fill_holes(mask, max_hole) & ~mask).sum() == filled


@pytest.mark.parametrize("name", ["threshold", "radius", "max_hole", "min_size"])
def test_text_instead_of_a_number_is_rejected(name: str) -> None:
    """As a form of a viewer may send it."""
    with pytest.raises(TypeError, match=f"{name} must be a number, not 'high'"):
        Tidying(**{name: "high"})
