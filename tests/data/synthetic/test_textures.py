import numpy as np
import pytest

from cellseg_monai.data.synthetic.textures import grain, smooth_field


@pytest.mark.parametrize("scale", [1, 5, 40])
def test_clouds_have_mean_0_and_spread_1(scale):
    clouds = smooth_field((500, 700), scale, np.random.default_rng(0))
    assert clouds.mean() == pytest.approx(0, abs=0.2)
    assert clouds.std() == pytest.approx(1, abs=0.25)


def test_a_wider_scale_is_smoother():
    rough, smooth = (smooth_field((300, 300), scale, np.random.default_rng(0)) for scale in (5, 40))
    assert np.abs(np.diff(smooth)).mean() < 0.3 * np.abs(np.diff(rough)).mean()


def test_a_tile_repeats_without_a_seam():
    tile = grain(12, np.random.default_rng(0))
    seam = np.abs(tile[0] - tile[-1]).mean()
    assert seam < 1.5 * np.abs(np.diff(tile, axis=0)).mean()
