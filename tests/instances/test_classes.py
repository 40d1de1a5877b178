import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor

from cellseg_monai.instances import (
    ClassMap,
    ClassMapd,
    VotedComponents,
    VotedComponentsd,
    class_votes,
    voted_components,
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
    labels, votes = voted_components(PROBABILITY)
    assert labels.tolist() == [[1, 1, 1, 0, 2]]
    assert votes.classes.tolist() == [0, 2, 1]
    assert votes.shares == pytest.approx([0, 2 / 3, 1])


def test_of_equal_shares_the_lower_class_wins():
    assert class_votes([[1, 1]], np.array([[[0, 0]], [[0.1, 0.9]], [[0.9, 0.1]]])).classes[1] == 1


def test_tidying_reaches_the_mask():
    assert voted_components(PROBABILITY, min_size=2)[0].max() == 1
    assert voted_components(PROBABILITY, threshold=0.85)[0].tolist() == [[1, 1, 0, 0, 0]]
    assert voted_components(PROBABILITY, morphology="closing")[0].max() == 1
    ring = np.ones((2, 3, 3))
    ring[0], ring[1, 1, 1] = 0, 0
    ring[0, 1, 1] = 1
    assert voted_components(ring, max_hole=1)[0].min() == 1


@pytest.mark.parametrize("logits", [True, False])
def test_cells_and_their_classes_under_two_keys(logits):
    values = np.log(PROBABILITY + 1e-9) if logits else PROBABILITY
    sample = {"pred": MetaTensor(torch.as_tensor(values), meta={"filename_or_obj": "a.tif"}), "id": 7}
    decoded = VotedComponentsd("pred", class_postfix="kinds", logits=logits)(sample)
    assert decoded["pred"].tolist() == [[[1, 1, 1, 0, 2]]]
    assert decoded["pred_kinds"].tolist() == [[[2, 2, 2, 0, 1]]]
    assert decoded["pred"].dtype == decoded["pred_kinds"].dtype == torch.int32
    assert decoded["pred_kinds"].meta["filename_or_obj"] == "a.tif"
    assert decoded["pred"].meta["instance_classes"] == [0, 2, 1]
    assert decoded["pred"].meta["instance_class_shares"] == pytest.approx([0, 2 / 3, 1])
    assert "instance_classes" not in sample["pred"].meta
    assert decoded["id"] == 7


def test_array_transform_gives_two_channels():
    assert VotedComponents(logits=False)(PROBABILITY).tolist() == [[[1, 1, 1, 0, 2]], [[2, 2, 2, 0, 1]]]


def test_no_cells():
    empty = np.stack([np.ones((3, 4)), np.zeros((3, 4))])
    labels, votes = voted_components(empty)
    assert labels.max() == 0
    assert votes.classes.tolist() == [0]
    assert VotedComponents(logits=False)(empty).max() == 0


def test_class_map_takes_the_likeliest():
    assert ClassMap(logits=False)(PROBABILITY).tolist() == [[[1, 2, 2, 0, 1]]]
    assert ClassMapd("pred")({"pred": torch.as_tensor(10 * PROBABILITY)})["pred"].tolist() == [
        [[1, 2, 2, 0, 1]]
    ]
    with pytest.raises(ValueError, match="logits=False says"):
        ClassMap(logits=False)(10 * PROBABILITY)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="do not fit labels of shape"):
        class_votes([[1, 1]], np.zeros((3, 2, 2)))
    with pytest.raises(ValueError, match="one has 1 channel"):
        voted_components(np.zeros((1, 2, 2)))
    with pytest.raises(ValueError, match="holds NaN"):
        class_votes([[1]], np.full((2, 1, 1), np.nan))
    with pytest.raises(ValueError, match="class_postfix is empty"):
        VotedComponentsd("pred", class_postfix="")


def test_more_than_65535_objects():
    ids = np.arange(90_000).reshape(300, 300)
    probability = np.stack([np.zeros((300, 300)), ids % 2, 1 - ids % 2])
    votes = class_votes(ids, probability)
    assert votes.classes[1:].tolist() == [1, 2] * 44_999 + [1]
