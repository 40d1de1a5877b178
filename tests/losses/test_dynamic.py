import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellseg_monai.losses import DynamicPatchLoss, dynamic_patch_loss, patch_regimes

SIDE = 128
PIXELS = SIDE * SIDE


def patch(foreground, side=SIDE):
    """A mask of one patch with so many pixels of foreground."""
    mask = torch.zeros(side * side)
    mask[:foreground] = 1
    return mask.reshape(1, 1, side, side)


def undecided(target):
    """Logits of a network which gives each pixel the probability 1/2."""
    return torch.zeros_like(target)


class TestRegimes:
    @pytest.mark.parametrize(
        ("foreground", "regime"),
        [(0, 0), (1, 1), (1023, 1), (1024, 2), (1025, 2), (PIXELS, 2)],
    )
    def test_of_128_by_128_pixels(self, foreground, regime):
        assert patch_regimes(patch(foreground) > 0).item() == regime

    @settings(max_examples=50, deadline=None)
    @given(st.integers(0, 64), st.floats(0, 1))
    def test_of_any_threshold(self, foreground, small_below):
        expected = 0 if foreground == 0 else 1 if foreground / 64 < small_below else 2
        assert patch_regimes(patch(foreground, side=8) > 0, small_below).item() == expected

    def test_each_channel_has_its_own(self):
        foreground = torch.cat([patch(0), patch(10), patch(5000)], dim=1) > 0
        assert patch_regimes(foreground).tolist() == [[0, 1, 2]]


class TestByHand:
    """An undecided network on patches of 128 × 128 pixels: BCE = log 2 = 0.6931 whatever the target."""

    def test_background(self):
        target = patch(0)
        assert DynamicPatchLoss()(undecided(target), target).item() == pytest.approx(math.log(2))

    def test_small_region(self):
        """512 pixels, 3.125 %: TP = FN = 256, FP = 7936; 1 − 256/(256 + 0.7·7936 + 0.3·256)."""
        target = patch(512)
        distance = 1 - 256 / (256 + 0.7 * 7936 + 0.3 * 256)
        assert distance == pytest.approx(0.9565, abs=5e-5)
        assert DynamicPatchLoss()(undecided(target), target).item() == pytest.approx(math.log(2) + distance)

    def test_large_region(self):
        """4096 pixels, 25 %: TP = FN = 2048, FP = 6144; 1 − 2048/(2048 + 3072 + 1024) = 2/3."""
        target = patch(4096)
        value = DynamicPatchLoss()(undecided(target), target).item()
        assert value == pytest.approx(2 / 3 + (2 / 3) ** 0.75)

    def test_at_the_threshold(self):
        """1,024 pixels are large: TP = FN = 512, FP = 7680; 1 − 512/4608 = 8/9."""
        target = patch(1024)
        value = DynamicPatchLoss()(undecided(target), target).item()
        assert value == pytest.approx(8 / 9 + (8 / 9) ** 0.75)

    def test_every_weight(self):
        """The three patches above in one batch, with weights and prices that are all different."""
        target = torch.cat([patch(0), patch(512), patch(4096)])
        loss = DynamicPatchLoss(
            lambda_background=2,
            lambda_small=[3, 5],
            lambda_large=[7, 11],
            small_alpha=0.9,
            small_beta=0.2,
            large_alpha=0.4,
            large_beta=0.8,
            gamma=2,
            reduction="none",
        )
        small = 1 - 256 / (256 + 0.9 * 7936 + 0.2 * 256)
        large = 1 - 2048 / (2048 + 0.4 * 6144 + 0.8 * 2048)
        expected = [2 * math.log(2), 3 * math.log(2) + 5 * small, 7 * large + 11 * large**2]
        assert loss(undecided(target), target).flatten().tolist() == pytest.approx(expected)


def test_small_regions_make_a_false_positive_dearer_than_a_false_negative():
    target = patch(200)
    more, fewer = (20 * patch(pixels) - 10 for pixels in (250, 150))
    loss = DynamicPatchLoss(lambda_small=(0, 1))
    assert loss(more, target) > loss(fewer, target)


def test_regime_from_the_prediction():
    """An empty mask, and a network that sees 100 or 5000 pixels; exactly 1/2 is not foreground."""
    target, logits = (
        patch(0).repeat(3, 1, 1, 1),
        torch.cat([undecided(patch(0)), patch(100) - 0.5, patch(5000) - 0.5]),
    )
    loss = DynamicPatchLoss(regime_from="prediction", reduction="none")
    expected = dynamic_patch_loss(logits, target, torch.tensor([[0], [1], [2]]))
    assert torch.equal(loss(logits, target), expected)
    assert loss.regime_counts() == {"background": 1, "small": 1, "large": 1}


def test_soft_masks_count_where_they_exceed_one_half():
    loss = DynamicPatchLoss()
    loss(torch.zeros(2, 1, 8, 8), torch.stack([patch(64, 8)[0] * 0.5, patch(64, 8)[0] * 0.6]))
    assert loss.regime_counts() == {"background": 1, "small": 0, "large": 1}


@pytest.mark.parametrize("small_below", [0, 1], ids=["never small", "small unless full"])
def test_threshold_at_its_limits(small_below):
    loss = DynamicPatchLoss(small_below=small_below)
    target = torch.cat([patch(0), patch(1), patch(PIXELS - 1), patch(PIXELS)])
    loss(undecided(target), target)
    small = 2 * small_below
    assert loss.regime_counts() == {"background": 1, "small": small, "large": 3 - small}


class TestCounter:
    target = torch.cat([patch(0), patch(0), patch(10), patch(5000)])

    def test_it_adds_up_and_starts_again(self):
        loss = DynamicPatchLoss()
        for _ in range(3):
            loss(undecided(self.target), self.target)
        assert loss.regime_counts() == {"background": 6, "small": 3, "large": 3}
        loss.reset_regime_counts()
        assert loss.regime_counts() == {"background": 0, "small": 0, "large": 0}

    def test_channels_count_singly(self):
        loss = DynamicPatchLoss(include_background=False, softmax=True)
        target = torch.cat([self.target, self.target, 1 - self.target], dim=1)
        loss(torch.randn(target.shape), target)
        assert loss.regime_counts() == {"background": 2, "small": 1, "large": 5}

    def test_it_does_not_travel_with_the_weights(self):
        assert DynamicPatchLoss().state_dict() == {}

    def test_validation_in_inference_mode_does_not_spoil_it(self):
        loss = DynamicPatchLoss()
        with torch.inference_mode():
            loss(undecided(self.target), self.target)
        loss(undecided(self.target).requires_grad_(), self.target).backward()
        assert loss.regime_counts() == {"background": 4, "small": 2, "large": 2}

    def test_it_follows_the_input_to_its_device(self):
        loss = DynamicPatchLoss()
        loss(undecided(self.target).to("meta"), self.target.to("meta"))
        assert loss.get_buffer("_seen").device.type == "meta"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"small_below": 6.25}, r"small_below must be a fraction from 0 to 1, not 6\.25"),
        ({"regime_from": "mask"}, r"regime_from must be one of \('target', 'prediction'\), not 'mask'"),
        ({"lambda_small": 1.0}, r"lambda_small needs two weights, one for each of its terms, not 1\.0"),
        ({"lambda_large": [1, 1, 1]}, r"lambda_large needs two weights"),
        (
            {"lambda_large": [1, -1]},
            r"no weight may be negative, .*'lambda_large': \[1, -1\]",
        ),
        ({"lambda_background": -1}, r"'lambda_background': -1"),
        ({"small_alpha": -1}, r"small_alpha=-1 and small_beta=0\.3 must not be negative"),
        ({"large_alpha": 0, "large_beta": 0}, r"large_alpha=0 and large_beta=0 must not be"),
        ({"gamma": 0}, r"gamma must be above 0, not 0"),
        ({"smooth_nr": 1}, r"smooth_nr=1 and smooth_dr=1e-05 must satisfy"),
    ],
    ids=str,
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        DynamicPatchLoss(**arguments)
