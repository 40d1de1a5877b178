import numpy as np
import pytest
from hypothesis import given
from scipy import ndimage
from skimage import morphology, segmentation
from skimage.draw import disk
from skimage.io import imread

from cellseg_monai.label_maps import connected_components
from cellseg_monai.transforms import BoundaryTarget, boundary_target
from tests.strategies import label_maps


def packed_discs(radius, across=5):
    """Discs in rows, each touching its neighbours."""
    side = 2 * radius + 1
    ids = np.zeros((across * side, across * side), np.int32)
    for number in range(across**2):
        centre = (side * (number // across) + radius, side * (number % across) + radius)
        ids[disk(centre, radius + 0.5)] = number + 1
    return ids[None]


def interiors(ids, target):
    """The objects in each piece of interior."""
    pieces = connected_components(target[0] == 1)
    return [set(np.unique(ids[0][pieces == number])) for number in range(1, pieces.max() + 1)]


BY_HAND = [
    pytest.param([[1]], [[1]], id="one-pixel-fills-the-image"),
    pytest.param([[0, 0, 0], [0, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 0], [0, 0, 0]], id="one-pixel"),
    pytest.param([[0, 1, 1, 0]], [[0, 1, 1, 0]], id="thin-without-neighbour"),
    pytest.param([[0, 1, 1, 2, 2, 0]], [[0, 1, 2, 2, 1, 0]], id="thin-with-neighbour"),
    pytest.param([[1, 1, 1, 1], [2, 2, 2, 2]], [[1, 2, 2, 2], [1, 2, 2, 2]], id="nothing-but-contact"),
    pytest.param(
        [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]],
        [[0, 0, 0, 0, 0], [0, 2, 2, 2, 0], [0, 2, 1, 2, 0], [0, 2, 2, 2, 0], [0, 0, 0, 0, 0]],
        id="a-rim-of-one-pixel",
    ),
    pytest.param([[1, 1, 1, 0], [1, 1, 1, 0]], [[1, 1, 2, 0], [1, 1, 2, 0]], id="image-edge-is-no-boundary"),
    pytest.param(
        [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 2, 2], [1, 1, 2, 2]],
        [[1, 1, 1, 1], [1, 2, 2, 2], [1, 2, 2, 2], [1, 2, 2, 1]],
        id="contact-across-a-corner",
    ),
]


@pytest.mark.parametrize(("ids", "expected"), BY_HAND)
def test_by_hand(ids, expected):
    assert boundary_target(np.array([ids])).tolist() == [expected]


@pytest.mark.parametrize("radius", range(1, 11))
def test_packed_discs_come_apart_and_none_is_lost(radius):
    ids = packed_discs(radius)
    found = interiors(ids, boundary_target(ids))
    assert sorted(found, key=min) == [{number} for number in range(1, 26)]


@pytest.mark.parametrize(("radius", "left"), [(1, 0), (3, 0), (4, 25), (10, 25)])
def test_the_published_form_loses_small_discs(radius, left):
    ids = packed_discs(radius)
    assert len(interiors(ids, boundary_target(ids, form="neurips"))) == left


@given(label_maps())
def test_every_object_keeps_an_interior_and_only_the_smallest_may_meet(ids):
    target = boundary_target(ids)
    objects = set(np.unique(ids)) - {0}
    assert set(np.unique(ids[target == 1])) == objects
    assert np.array_equal(target > 0, ids > 0)
    highest = ndimage.maximum_filter(ids[0], 3)
    lowest = ndimage.minimum_filter(np.where(ids[0] > 0, ids[0], 99), 3)
    separable = set(np.unique(ids[0][(ids[0] > 0) & (highest == lowest)]))
    for together in interiors(ids, target):
        assert len(together) == 1 or not together & separable


def baseline(ids):
    """The three classes as the NeurIPS 2022 baseline makes them, by scikit-image."""
    rim = segmentation.find_boundaries(ids, mode="inner")
    rim = morphology.dilation(rim, morphology.disk(1))
    pieces = ndimage.label((ids > 0) & ~rim)[0]
    large = np.bincount(pieces.ravel()) >= 16
    large[0] = False
    return np.where(large[pieces], 1, 2 * rim)


@pytest.mark.parametrize("seed", range(3))
def test_the_published_form_is_that_of_the_baseline(seed):
    points = np.zeros((60, 70), int)
    rng = np.random.default_rng(seed)
    points[rng.integers(0, 60, 30), rng.integers(0, 70, 30)] = np.arange(1, 31)
    ids = segmentation.expand_labels(points, distance=7)
    target = boundary_target(ids[None], form="neurips")[0]
    assert np.array_equal(target, baseline(ids))
    assert set(np.unique(target)) == {0, 1, 2}


def test_ids_beyond_the_pixels():
    assert boundary_target(np.array([[[2_000_000_000, 0, 7]]])).tolist() == [[[1, 0, 1]]]


@pytest.mark.parametrize("make", [BoundaryTarget, lambda form: boundary_target(np.zeros((1, 2, 2)), form)])
def test_an_unknown_form_is_refused(make):
    with pytest.raises(ValueError, match=r"form must be one of \('every_object', 'neurips'\), not 'thick'"):
        make("thick")


@pytest.mark.parametrize(
    ("source", "folder"), [("real_images", "nuclei/train"), ("real_data", "tasks/phase/train")]
)
def test_real_cells_all_keep_an_interior(request, source, folder):
    masks = sorted((request.getfixturevalue(source) / folder / "masks").iterdir())[:3]
    assert len(masks) == 3
    for mask in masks:
        ids = imread(mask)[None]
        target = boundary_target(ids)
        assert set(np.unique(ids[target == 1])) == set(np.unique(ids)) - {0}
        assert all(len(together) == 1 for together in interiors(ids, target))
