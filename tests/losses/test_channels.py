import math

import pytest
import torch
from monai.data import MetaTensor

from cellseg_monai.losses.channels import binary_problems


@pytest.fixture
def logits():
    return torch.randn(2, 4, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def classes():
    return torch.randint(0, 4, (2, 1, 5, 6), generator=torch.Generator().manual_seed(1))


def test_sigmoid_channels_pass_unchanged(logits):
    target = torch.rand(logits.shape, dtype=torch.float64)
    alone, same_target = binary_problems(logits, target)
    assert torch.equal(alone, logits)
    assert torch.equal(same_target, target)


def test_softmax_probabilities_are_the_sigmoid_of_the_logits_alone(logits, classes):
    alone, _ = binary_problems(logits, classes, to_onehot_y=True, softmax=True)
    torch.testing.assert_close(alone.sigmoid(), logits.softmax(dim=1))


def test_the_background_takes_part_in_the_softmax_before_it_is_dropped(logits, classes):
    alone, target = binary_problems(logits, classes, include_background=False, to_onehot_y=True, softmax=True)
    torch.testing.assert_close(alone.sigmoid(), logits.softmax(dim=1)[:, 1:])
    assert torch.equal(target, torch.cat([classes == c for c in (1, 2, 3)], dim=1).double())


def test_two_softmax_channels_are_one_sigmoid_channel():
    logits = torch.tensor([[[1.0], [3.5]]])
    alone, _ = binary_problems(logits, torch.tensor([[[1]]]), to_onehot_y=True, softmax=True)
    assert torch.equal(alone, torch.tensor([[[-2.5], [2.5]]]))


def test_softmax_of_large_logits_keeps_its_order_of_size():
    logits = torch.tensor([[[1e4], [-1e4], [0.0]]], requires_grad=True)
    alone, _ = binary_problems(logits, torch.tensor([[[0]]]), to_onehot_y=True, softmax=True)
    assert alone.flatten().tolist() == [1e4, -2e4, -1e4]
    alone.sum().backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(
    ("given", "computed"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
    ids=str,
)
def test_precision(given, computed):
    logits, target = binary_problems(torch.zeros(1, 1, 3, dtype=given), torch.ones(1, 1, 3, dtype=torch.bool))
    assert logits.dtype == target.dtype == computed


def test_metadata_is_left_behind():
    logits, target = binary_problems(MetaTensor(torch.zeros(1, 1, 3)), MetaTensor(torch.ones(1, 1, 3)))
    assert type(logits) is type(target) is torch.Tensor


@pytest.mark.parametrize("value", [255.0, -0.01, 1.01, math.nan])
def test_a_target_outside_its_range_becomes_nan(value):
    _, target = binary_problems(torch.zeros(1, 1, 3), torch.tensor([[[0.0, 1.0, value]]]))
    assert target.isnan().tolist() == [[[False, False, True]]]


@pytest.mark.parametrize("number", [-1.0, 3.0, 0.5], ids=["negative", "beyond", "interpolated"])
def test_a_class_number_that_is_none_becomes_nan(number):
    _, target = binary_problems(torch.zeros(1, 3, 2), torch.tensor([[[2.0, number]]]), to_onehot_y=True)
    assert target[..., 0].tolist() == [[0, 0, 1]]
    assert target[..., 1].isnan().all()


def test_logits_must_be_floating_point():
    with pytest.raises(TypeError, match=r"not torch\.int64; pass the raw network output"):
        binary_problems(torch.zeros(1, 1, 3, dtype=torch.long), torch.zeros(1, 1, 3))


def test_logits_must_have_batch_channels_and_pixels():
    with pytest.raises(ValueError, match=r"\(batch, channels, spatial…\), not \(4, 4\)"):
        binary_problems(torch.zeros(4, 4), torch.zeros(4, 4))


@pytest.mark.parametrize(
    ("target", "to_onehot_y", "needed"),
    [
        ((2, 1, 4), False, r"\(2, 3, 4\)"),
        ((2, 3, 5), False, r"\(2, 3, 4\)"),
        ((2, 3, 4), True, r"\(2, 1, 4\)"),
    ],
    ids=["channels", "pixels", "one-hot already"],
)
def test_shapes_must_fit(target, to_onehot_y, needed):
    with pytest.raises(ValueError, match=rf"logits of shape \(2, 3, 4\) need {needed}; set to_onehot_y=True"):
        binary_problems(torch.zeros(2, 3, 4), torch.zeros(target), to_onehot_y=to_onehot_y)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"softmax": True}, "softmax=True"),
        ({"to_onehot_y": True}, "to_onehot_y=True"),
        ({"include_background": False}, "include_background=False"),
        ({"softmax": True, "to_onehot_y": True}, "to_onehot_y=True and softmax=True"),
    ],
    ids=str,
)
def test_one_channel_takes_no_option_for_several(options, named):
    with pytest.raises(ValueError, match=f"{named} needs several channels, but the logits have one"):
        binary_problems(torch.zeros(1, 1, 3), torch.zeros(1, 1, 3), **options)
