import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from cellseg_monai.transforms import binary_target, distance_target, foreground_distance_target
from tests.strategies import label_maps


def one_by_one(ids, image_edge):
    """The same, object by object, by SciPy."""
    target = np.zeros(ids.shape, np.float32)
    for number in set(np.unique(ids)) - {0}:
        inside = ids[0] == number
        if inside.all() and not image_edge:
            return np.ones(ids.shape, np.float32)
        margin = int(image_edge)
        distance = ndimage.distance_transform_edt(np.pad(inside, margin))
        distance = distance[margin : margin + inside.shape[0], margin : margin + inside.shape[1]]
        target[0][inside] = (distance / distance.max())[inside]
    return target


@given(label_maps(), st.booleans())
def test_one_pass_gives_what_each_object_alone_gives(ids, image_edge):
    assert distance_target(ids, image_edge) == pytest.approx(one_by_one(ids, image_edge), abs=1e-6)


@given(label_maps())
def test_each_object_has_a_top_of_one_and_no_zero(ids):
    target = distance_target(ids)
    assert target.dtype == np.float32
    assert np.array_equal(target > 0, ids > 0)
    for number in set(np.unique(ids)) - {0}:
        assert target[ids == number].max() == 1


def test_by_hand():
    ids = np.array([[[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]])
    assert distance_target(ids)[0].tolist() == [
        [0, 0, 0, 0, 0],
        [0, 0.5, 0.5, 0.5, 0],
        [0, 0.5, 1, 0.5, 0],
        [0, 0.5, 0.5, 0.5, 0],
        [0, 0, 0, 0, 0],
    ]


def test_touching_objects_do_not_see_through_each_other():
    assert distance_target(np.array([[[1, 1, 2, 2, 2, 2]]])).tolist() == [[[1, 0.5, 0.25, 0.5, 0.75, 1]]]


@pytest.mark.parametrize(("image_edge", "corner"), [(False, 1.0), (True, 0.5)])
def test_an_object_that_fills_the_image(image_edge, corner):
    target = distance_target(np.full((1, 3, 3), 9), image_edge)
    assert target[0, 1, 1] == 1
    assert target[0, 0, 0] == corner


def test_far_apart_ids():
    assert distance_target(np.array([[[2_000_000_000, 0, 5]]])).tolist() == [[[1, 0, 1]]]


@pytest.mark.parametrize("image_edge", [False, True])
def test_two_channels_foreground_and_distance(image_edge):
    ids = np.array([[[1, 1, 1, 0, 2], [1, 1, 1, 0, 2]]])
    target = foreground_distance_target(ids, image_edge)
    assert target.shape == (2, 2, 5)
    assert np.array_equal(target[:1], binary_target(ids))
    assert np.array_equal(target[1:], distance_target(ids, image_edge))
