import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis.extra import numpy as hnp
from monai.data import MetaTensor
from scipy import ndimage
from skimage.morphology import disk, remove_small_holes, remove_small_objects

from cellseg_monai.instances import Components, Componentsd, Tidying, components


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14)))
def test_size_filter_and_holes_equal_scikit_image(mask: np.ndarray) -> None:
    pytest.importorskip("skimage", "0.26", reason="before 0.26 it names its sizes otherwise")
    filled = remove_small_holes(np.pad(mask, 1, mode="edge"), max_size=3, connectivity=1)[1:-1, 1:-1]
    expected, count = ndimage.label(remove_small_objects(filled, max_size=2, connectivity=2), np.ones((3, 3)))
    found = components(mask.astype(float), Tidying(max_hole=3, min_size=3))
    assume(not _hole_at_edge(mask))  # what lies beyond the edge is padding there, and unknown here
    np.testing.assert_array_equal(found > 0, expected > 0)
    assert found.max() == count


def _hole_at_edge(mask: np.ndarray) -> bool:
    pieces, _ = ndimage.label(~mask)
    border = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    sizes = np.bincount(pieces.ravel())
    return bool((sizes[border[border > 0]] <= 3).any())


@pytest.mark.parametrize("radius", [1, 2])
@pytest.mark.parametrize("morphology", ["opening", "closing", "both"])
def test_morphology_equals_scipy_inside(morphology: str, radius: int) -> None:
    mask = np.pad(np.random.default_rng(0).random((30, 40)) > 0.4, 10)
    expected = mask
    if morphology != "closing":
        expected = ndimage.binary_opening(expected, disk(radius))
    if morphology != "opening":
        expected = ndimage.binary_closing(expected, disk(radius))
    found = components(mask.astype(float), Tidying(morphology=morphology, radius=radius)) > 0
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("morphology", ["opening", "closing", "both"])
def test_a_cell_at_the_edge_is_not_eaten(morphology: str) -> None:
    mask = np.zeros((20, 20))
    mask[:8, :8] = 1
    assert components(mask, Tidying(morphology=morphology, radius=3))[0, 0] == 1


def test_threshold_is_exclusive() -> None:
    assert components(np.array([[0.5, 0.51]])).tolist() == [[0, 1]]
    assert components(np.array([[0.5, 0.51]]), Tidying(threshold=0.4)).tolist() == [[1, 1]]


def test_only_small_enclosed_holes_are_filled() -> None:
    ring = np.ones((5, 9))
    ring[2, 2] = ring[1:4, 5:8] = 0
    filled = components(ring, Tidying(max_hole=1))
    assert filled[2, 2] == 1
    assert filled[2, 6] == 0


@pytest.mark.parametrize("value", [0.0, 1.0], ids=["empty", "full"])
def test_degenerate_maps(value: float) -> None:
    found = components(np.full((4, 5), value), Tidying(morphology="both", max_hole=3, min_size=2))
    assert found.tolist() == np.full((4, 5), int(value)).tolist()


def test_more_than_65535_objects() -> None:
    grid = np.zeros((600, 600))
    grid[::2, ::2] = 1
    assert components(grid).max() == 90_000


def test_transform_keeps_library_and_meta() -> None:
    image = MetaTensor(torch.tensor([[[0.9, 0.1], [0.1, 0.9]]]), meta={"filename_or_obj": "a.tif"})
    decoded = Componentsd("pred", threshold=0.3, logits=False)({"pred": image})["pred"]
    assert decoded.dtype == torch.int32
    assert decoded.meta["filename_or_obj"] == "a.tif"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"morphology": "dilation"}, "morphology must be one of none, opening, closing, both"),
        ({"threshold": 1.5}, "threshold must be a probability from 0 to below 1, not 1.5"),
        ({"radius": 0}, "radius must be at least 1 pixel, not 0"),
        ({"min_size": -1}, "min_size is a number of pixels and cannot be negative: -1"),
    ],
    ids=["morphology", "threshold", "radius", "size"],
)
def test_options_are_checked_when_made(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Components(**options)


def test_nan_and_several_channels_are_rejected() -> None:
    with pytest.raises(ValueError, match="the probability contains NaN or infinite"):
        components(np.array([[np.nan]]))
    with pytest.raises(ValueError, match=r"not shape \(2, 4, 4\)"):
        Components()(np.zeros((2, 4, 4)))
