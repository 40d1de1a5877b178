import numpy as np
import pytest
import torch
from scipy import ndimage

from cellseg_monai.instances import RegrownInteriors, RegrownInteriorsd, Tidying, regrown_interiors
from cellseg_monai.label_maps import connected_components
from cellseg_monai.transforms import boundary_target
from tests.instances.perfect import f1, packed_ellipses


def one_hot(truth: np.ndarray) -> np.ndarray:
    return np.moveaxis(np.eye(3)[boundary_target(truth[None])[0]], -1, 0)


def neurips_decoding(interior: np.ndarray) -> np.ndarray:
    """As published: interior above one half, pieces of 16 pixels and more, no regrowth."""
    pieces, _ = ndimage.label(interior > 0.5, np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel())
    return np.where(sizes[pieces] >= 16, pieces, 0).astype(np.int32)


@pytest.mark.parametrize("elongation", [1, 5], ids=["discs", "rods"])
@pytest.mark.parametrize("radius", [1, 2, 3, 4, 5, 6])
def test_perfect_maps_of_packed_cells(radius, elongation):
    truth = packed_ellipses(radius, elongation)
    _, interior, boundary = one_hot(truth)
    found = regrown_interiors(interior, boundary)
    assert f1(found, truth) == 1
    np.testing.assert_array_equal(found > 0, truth > 0)


@pytest.mark.parametrize("radius", [1, 2])
def test_what_the_published_decoding_loses_of_the_same_maps(radius):
    _, interior, _ = one_hot(packed_ellipses(radius))
    assert neurips_decoding(interior).max() == 0


@pytest.mark.parametrize(
    ("source", "folder", "count"),
    [
        ("real_images", "nuclei/train", 5),
        ("real_images", "nuclei/field", 1),
        ("real_data", "tasks/nuclei/train", 3),
    ],
)
def test_perfect_maps_of_real_masks(request, source, folder, count, real_masks):
    for truth in real_masks(request.getfixturevalue(source) / folder, count):
        _, interior, boundary = one_hot(truth)
        assert f1(regrown_interiors(interior, boundary), truth) > 0.99


def test_an_interior_less_likely_than_its_boundary_is_found():
    interior, boundary = np.array([[0.0, 0.45, 0.0]]), np.array([[0.9, 0.5, 0.9]])
    assert regrown_interiors(interior, boundary).tolist() == [[1, 1, 1]]


def test_a_cell_of_boundary_alone_is_not_lost():
    assert regrown_interiors(np.zeros((1, 4)), np.array([[0.9, 0.9, 0.0, 0.8]])).tolist() == [[1, 1, 0, 2]]


def test_seed_height_parts_or_joins():
    interior, boundary = np.array([[0.9, 0.6, 0.9]]), np.array([[0.1, 0.4, 0.1]])
    assert regrown_interiors(interior, boundary, seed_height=0.2).max() == 2
    assert regrown_interiors(interior, boundary, seed_height=0.4).max() == 1


def test_tidying_reaches_the_mask():
    interior = np.pad(np.ones((7, 7)), 2)
    interior[5, 5], interior[0, 0] = 0, 1

    def decoded(interior, **options):
        return regrown_interiors(interior, 0 * interior, tidying=Tidying(**options))

    found = decoded(interior, max_hole=1, min_size=2)
    assert (found > 0).sum() == 49
    assert decoded(interior).max() == 2
    assert decoded(interior, morphology="opening", radius=2)[2, 2] == 0
    assert decoded(interior * 0.7, threshold=0.8).max() == 0


def test_transform_takes_logits_or_probabilities():
    truth = packed_ellipses(3)
    probability = one_hot(truth)
    found = RegrownInteriorsd("pred")({"pred": torch.as_tensor(20 * probability)})["pred"]
    assert found.dtype == torch.int32
    assert f1(found[0].numpy(), truth) == 1
    np.testing.assert_array_equal(found, RegrownInteriors(logits=False)(probability))


@pytest.mark.parametrize("channel", [0, 1, 2], ids=["background", "interior", "boundary"])
def test_degenerate_maps(channel):
    logits = torch.zeros(3, 5, 6)
    logits[channel] = 20
    assert RegrownInteriors()(logits).unique().tolist() == [int(channel > 0)]


def test_options_and_maps_are_checked():
    with pytest.raises(ValueError, match="seed_height must be above 0 and below 1, not 1"):
        RegrownInteriors(seed_height=1)
    with pytest.raises(ValueError, match="differ in shape"):
        regrown_interiors(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="interior and boundary: it needs 3"):
        RegrownInteriors()(np.zeros((2, 4, 4)))


def test_more_than_65535_cells():
    truth = np.zeros((800, 800), np.int32)
    truth[::3, ::3] = 1
    found = regrown_interiors(truth.astype(float), 0.0 * truth)
    assert found.max() == connected_components(truth).max() == 267 * 267
