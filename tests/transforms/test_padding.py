import numpy as np
import pytest
import torch

from cellseg_monai.transforms import covered_shape, pad_end

COVERED = [
    pytest.param((520, 696), 128, None, (640, 768), id="multiples"),
    pytest.param((128, 256), 128, None, (128, 256), id="an-exact-multiple-stays"),
    pytest.param((1, 129), 128, None, (128, 256), id="one-pixel"),
    pytest.param((10, 20, 30), (8, 20, 16), None, (16, 20, 32), id="volume"),
    pytest.param((9,), 4, 3, (10,), id="overlap"),
    pytest.param((10,), 4, 3, (10,), id="overlap-without-rest"),
    pytest.param((3,), 4, 1, (4,), id="overlap-and-smaller-than-a-patch"),
]


@pytest.mark.parametrize(("shape", "patch_size", "stride", "expected"), COVERED)
def test_the_smallest_shape_that_patches_fill(shape, patch_size, stride, expected):
    assert covered_shape(shape, patch_size, stride) == expected


REFUSED = [
    pytest.param(0, None, r"patch_size must be positive, not 0", id="patch-of-nothing"),
    pytest.param(4, -1, r"stride must be positive, not -1", id="backwards"),
    pytest.param(4, 5, r"a stride of \(5, 5\) skips pixels between patches of \(4, 4\)", id="gaps"),
    pytest.param((4, 4, 4), None, r"patch_size \(4, 4, 4\) has 3 numbers, but the image has 2", id="axes"),
]


@pytest.mark.parametrize(("patch_size", "stride", "message"), REFUSED)
def test_sizes_that_cover_nothing_are_refused(patch_size, stride, message):
    with pytest.raises(ValueError, match=message):
        covered_shape((8, 8), patch_size, stride)


LAYOUTS = [
    pytest.param((2, 2, 3), 0, (2, 4, 5), id="channels-first"),
    pytest.param((2, 3, 2), -1, (4, 5, 2), id="channels-last"),
    pytest.param((2, 2, 3), 1, (4, 2, 5), id="channels-between"),
    pytest.param((2, 3), None, (4, 5), id="no-channels"),
]


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize(("shape", "channel_dim", "expected"), LAYOUTS)
def test_zeros_are_appended_to_the_spatial_axes_alone(shape, channel_dim, expected, kind):
    image = np.arange(1, np.prod(shape) + 1, dtype=np.uint16).reshape(shape)
    padded = pad_end(kind(image), (4, 5), channel_dim)
    assert padded.dtype == kind(image).dtype
    assert tuple(padded.shape) == expected
    padded = np.asarray(padded)
    assert (padded[tuple(map(slice, shape))] == image).all()
    assert padded.sum() == image.sum()


def test_nothing_missing_nothing_copied():
    image = np.ones((1, 4, 5))
    assert pad_end(image, (4, 3)) is image


def test_axes_that_do_not_fit_are_refused():
    with pytest.raises(
        ValueError, match="an array with 2 axes and channel_dim=0 does not have 2 spatial axes"
    ):
        pad_end(np.ones((4, 4)), (8, 8))
