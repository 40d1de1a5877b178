import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cellseg_monai.transforms import covered_shape, pad_end, patch_cover, patch_locations, reassemble
from tests.strategies import images


def bits(array):
    values = np.asarray(array)
    return values.shape, values.dtype, values.tobytes()


@given(image=images(), kind=st.sampled_from([np.asarray, torch.as_tensor]), data=st.data())
def test_patches_put_together_are_the_padded_image_bit_for_bit(image, kind, data):
    array, dims = kind(image.array), len(image.spatial_shape)
    patch_size = data.draw(st.tuples(*[st.integers(1, 5)] * dims), label="patch_size")
    stride = data.draw(st.none() | st.tuples(*(st.integers(1, side) for side in patch_size)), label="stride")
    cover = list(patch_cover(array, patch_size, stride, channel_dim=image.channel_dim))
    patches, locations = zip(*cover, strict=True)

    padded = pad_end(array, covered_shape(image.spatial_shape, patch_size, stride), image.channel_dim)
    whole = reassemble(patches, locations, channel_dim=image.channel_dim)
    assert type(whole) is type(array)
    assert bits(whole) == bits(padded)
    cropped = reassemble(patches, locations, image.spatial_shape, channel_dim=image.channel_dim)
    assert bits(cropped) == bits(image.array)


@pytest.mark.parametrize(
    ("shape", "patches"), [((520, 696), 30), ((1022, 1024), 64), ((960, 999), 64), ((128, 128), 1)]
)
def test_no_patch_is_discarded(shape, patches):
    image = np.zeros((1, *shape), np.uint8)
    cover = list(patch_cover(image, 128))
    assert len(cover) == len(patch_locations(shape, 128)) == patches
    assert {patch.shape for patch, _ in cover} == {(1, 128, 128)}


def test_patches_follow_row_by_row():
    assert patch_locations((5, 5), 4, stride=2) == [(0, 0), (0, 2), (2, 0), (2, 2)]


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
def test_a_patch_owns_its_memory(kind):
    image = kind(np.zeros((1, 4, 4)))
    for patch, _ in patch_cover(image, 4):
        patch += 1
    assert image.sum() == 0


def test_the_order_of_patches_does_not_matter():
    image = np.arange(20).reshape(1, 4, 5)
    cover = list(patch_cover(image, 2))[::-1]
    patches, locations = zip(*cover, strict=True)
    assert (reassemble(patches, locations, (4, 5)) == image).all()


ONE, OTHER = np.zeros((1, 2, 2)), np.zeros((1, 2, 3))
INCOMPLETE = [
    pytest.param([], [], "0 patches, 0 locations", id="none"),
    pytest.param([ONE], [(0, 0), (0, 2)], "1 patches, 2 locations", id="too-few"),
    pytest.param([ONE, OTHER], [(0, 0), (0, 2)], "differ in shape or dtype", id="shapes"),
    pytest.param([ONE, ONE.astype(int)], [(0, 0), (0, 2)], "differ in shape or dtype", id="dtypes"),
    pytest.param([ONE] * 3, [(0, 0), (0, 2), (2, 0)], r"no patch covers pixel \(2, 2\)", id="corner"),
    pytest.param([ONE] * 2, [(0, 0), (0, 4)], r"no patch covers pixel \(0, 2\)", id="column"),
    pytest.param([ONE], [(1, 0)], r"no patch covers pixel \(0, 0\)", id="first-row"),
]


@pytest.mark.parametrize(("patches", "locations", "message"), INCOMPLETE)
def test_an_incomplete_cover_is_refused(patches, locations, message):
    with pytest.raises(ValueError, match=message):
        reassemble(patches, locations)
