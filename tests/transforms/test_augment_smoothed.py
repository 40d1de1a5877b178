import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from cellseg_monai.transforms import RandElasticSmoothed, RandElasticSmoothedd
from tests.transforms.test_augment import BOTH, MODES, cells
from tests.transforms.test_warping import jacobian_determinant

FRAME = torch.zeros(1, 180, 240)  # blocks of 60 x 80 pixels


def field(seed=0, **settings):
    """The drawn displacements of the control points, and the field that they make."""
    deform = RandElasticSmoothed("bilinear", prob=1.0, **settings).set_random_state(seed)
    deform.randomize(1)
    return deform.control[0], deform.displacement_for(FRAME)[0].numpy()


def test_control_points_move_by_what_was_drawn():
    """Far from its edges a block moves as a whole, by at most α / (2·√π·σ)."""
    control, moved = field(alpha=100.0, sigma=5.0)
    np.testing.assert_allclose(moved[:, 30::60, 40::80], control, atol=1e-4)
    largest = 100 / (2 * math.sqrt(math.pi) * 5)  # 5.64
    assert 0.8 * largest < np.abs(control).max() <= largest


def test_alpha_is_that_of_smoothed_pixel_noise():
    """Simard et al.: α · Gaussian ∗ uniform noise from -1 to 1, one value for each pixel."""
    noise = np.random.default_rng(0).uniform(-1, 1, (400, 400))
    points = np.stack([field(seed, alpha=500.0, sigma=4.0)[0] for seed in range(50)])
    assert points.std() == pytest.approx(500 * gaussian_filter(noise, 4.0, mode="wrap").std(), rel=0.1)


def test_the_field_is_blocks_under_a_gaussian():
    control, moved = field(alpha=300.0, sigma=7.0)
    blocks = np.repeat(np.repeat(control, 60, axis=1), 80, axis=2)
    smoothed = [gaussian_filter(axis, 7.0, mode="nearest", truncate=8) for axis in blocks]
    np.testing.assert_allclose(moved, smoothed, atol=0.02)


def test_alpha_scales_the_field_and_zero_leaves_the_image():
    one, three = (field(alpha=alpha)[1] for alpha in (200.0, 600.0))
    np.testing.assert_allclose(three, 3 * one, atol=1e-4)
    assert not field(alpha=0.0)[1].any()
    item = RandElasticSmoothedd(BOTH, MODES, alpha=0.0, prob=1.0)(cells())
    assert torch.equal(item["label"].as_tensor(), cells()["label"])
    torch.testing.assert_close(item["image"].as_tensor(), cells()["image"])


def test_a_larger_sigma_is_smoother():
    """Also relative to the displacements, which it makes smaller."""
    slopes = []
    for sigma in (5.0, 10.0, 20.0):
        control, moved = field(sigma=sigma)
        slopes.append(np.abs(np.diff(moved)).max() / np.abs(control).max())
    assert slopes[0] > 1.9 * slopes[1] > 3.6 * slopes[2]


@pytest.mark.parametrize(
    ("alpha", "sigma", "folds"), [(1000, 30, False), (2000, 30, False), (1000, 10, True)]
)
def test_what_folds(alpha, sigma, folds):
    """The published faults, tears and folds, came from α above 1000 with σ below 30."""
    fields = [torch.tensor(field(seed, alpha=float(alpha), sigma=float(sigma))[1]) for seed in range(20)]
    assert bool(jacobian_determinant(torch.stack(fields)).min() < 0) == folds


def test_no_draw_folds_below_the_limit():
    """Neighbouring blocks that move against each other by the largest shift."""
    limit = math.pi / math.sqrt(2) * 9**2
    for alpha, folds in ((limit, False), (2.5 * limit, True)):
        deform = RandElasticSmoothed("bilinear", alpha=alpha, sigma=9.0)
        signs = np.indices((3, 3)).sum(axis=0) % 2 * 2 - 1.0
        deform.control = deform.largest_shift * np.stack([signs, signs])[None]
        assert bool(jacobian_determinant(deform.displacement_for(FRAME)).min() < 0) == folds


@pytest.mark.parametrize(
    "change",
    [{"sigma": 8.0}, {"alpha": 500.0}, {"points": 4}, {"padding_mode": "zeros"}, {"mode": "bicubic"}],
    ids=lambda change: next(iter(change)),
)
def test_every_argument_has_an_effect(change):
    image = cells()["image"] + 1
    usual = {"mode": "bilinear", "sigma": 6.0, "alpha": 100.0, "padding_mode": "border", "prob": 1.0}
    one, other = (
        RandElasticSmoothed(**settings).set_random_state(0)(image) for settings in (usual, usual | change)
    )
    assert not torch.allclose(one, other)


def test_same_seed_same_result_and_array_equals_dictionary():
    item = cells()
    deform, again = (RandElasticSmoothedd(BOTH, MODES, sigma=8.0, prob=0.7).set_random_state(3) for _ in "12")
    alone = RandElasticSmoothed("nearest", sigma=8.0, prob=0.7).set_random_state(3)
    changed = 0
    for _ in range(5):
        label = deform(item)["label"]
        assert torch.equal(label, again(item)["label"])
        assert torch.equal(label, alone(item["label"]))
        changed += not torch.equal(label.as_tensor(), item["label"])
    assert 0 < changed < 5


def test_label_follows_image():
    item = RandElasticSmoothedd(BOTH, MODES, alpha=100.0, sigma=6.0, prob=1.0).set_random_state(0)(cells())
    assert not torch.equal(item["label"].as_tensor(), cells()["label"])
    assert ((item["image"] > 0.5) == (item["label"] > 0)).float().mean() > 0.98
    assert set(item["label"].unique().tolist()) <= set(cells()["label"].unique().tolist())


def test_volumes():
    deform = RandElasticSmoothed("nearest", sigma=3.0, alpha=50.0, prob=1.0, spatial_dims=3)
    assert deform.largest_shift == pytest.approx(50 / (2 * math.sqrt(math.pi) * 3) ** 1.5)
    label = torch.arange(16**3, dtype=torch.int32).reshape(1, 16, 16, 16)
    assert deform.set_random_state(0)(label).shape == label.shape


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"sigma": 0}, "sigma must be above 0 pixels, not 0"),
        ({"sigma": -1}, "not -1"),
        ({"alpha": -1}, "alpha must be 0 or more, not -1"),
        ({"alpha": np.inf}, "alpha must be 0 or more, not inf"),
        ({"points": 1}, "points must be at least 2"),
    ],
)
def test_settings_are_checked_at_construction(setting, message):
    with pytest.raises(ValueError, match=message):
        RandElasticSmoothed("nearest", **setting)
