import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cellseg_monai.instances import (
    ClassMap,
    ClassMapd,
    class_votes,
    components,
)
from tests.strategies import label_maps

#                    background  class 1  class 2: one cell of three pixels, one of one pixel
PIXELS = np.array([[0.1, 0.5, 0.4], [0.1, 0.2, 0.7], [0.3, 0.0, 0.7], [0.9, 0.1, 0.0], [0.2, 0.8, 0.0]])
PROBABILITY = PIXELS.T[:, None]


def one_by_one(ids, probability):
    """The same, object by object."""
    classes, shares = np.zeros(ids.max() + 1, int), np.zeros(ids.max() + 1)
    for number in set(np.unique(ids)) - {0}:
        votes = 1 + probability[1:, ids == number].argmax(axis=0)
        kinds, counts = np.unique(votes, return_counts=True)
        classes[number], shares[number] = kinds[counts.argmax()], counts.max() / counts.sum()
    return classes, shares


@given(label_maps(), st.integers(2, 5), st.integers(0, 99))
def test_votes_equal_those_counted_one_by_one(ids, kinds, seed):
    probability = np.random.default_rng(seed).random((kinds, *ids.shape[1:]))
    votes = class_votes(ids[0], probability)
    classes, shares = one_by_one(ids[0], probability)
    assert votes.classes.dtype == np.int32
    np.testing.assert_array_equal(votes.classes, classes)
    np.testing.assert_allclose(votes.shares, shares)


def test_by_hand():
    labels = components(1 - PROBABILITY[0])
    votes = class_votes(labels, PROBABILITY)
    assert labels.tolist() == [[1, 1, 1, 0, 2]]
    assert votes.classes[labels].tolist() == [[2, 2, 2, 0, 1]]
    assert votes.classes.tolist() == [0, 2, 1]
    assert votes.shares == pytest.approx([0, 2 / 3, 1])


def test_of_equal_shares_the_lower_class_wins():
    assert class_votes([[1, 1]], np.array([[[0, 0]], [[0.1, 0.9]], [[0.9, 0.1]]])).classes[1] == 1


def test_no_cells():
    votes = class_votes(np.zeros((3, 4), int), np.stack([np.ones((3, 4)), np.zeros((3, 4))]))
    assert votes.classes.tolist() == [0]


def test_class_map_takes_the_likeliest():
    assert ClassMap(logits=False)(PROBABILITY).tolist() == [[[1, 2, 2, 0, 1]]]
    assert ClassMapd("pred")({"pred": torch.as_tensor(10 * PROBABILITY)})["pred"].tolist() == [
        [[1, 2, 2, 0, 1]]
    ]
    with pytest.raises(ValueError, match="logits=False expects"):
        ClassMap(logits=False)(10 * PROBABILITY)


def test_what_does_not_fit_is_rejected():
    with pytest.raises(ValueError, match="do not match labels of shape"):
        class_votes([[1, 1]], np.zeros((3, 2, 2)))
    with pytest.raises(ValueError, match="background first"):
        class_votes([[1, 1]], np.zeros((1, 1, 2)))
    with pytest.raises(ValueError, match="contains NaN"):
        class_votes([[1]], np.full((2, 1, 1), np.nan))


def test_more_than_65535_objects():
    ids = np.arange(90_000).reshape(300, 300)
    probability = np.stack([np.zeros((300, 300)), ids % 2, 1 - ids % 2])
    votes = class_votes(ids, probability)
    assert votes.classes[1:].tolist() == [1, 2] * 44_999 + [1]
