import numpy as np
import pytest
from scipy import ndimage

from cellseg_monai.data.synthetic.optics import Camera, Haze, degraded, expose

PERFECT = Camera(gain=100, offset=10, gamma=1, shot=0, read=0, blur=0, haze=0, vignette=0)
LIGHT = np.random.default_rng(0).random((60, 80)).astype(np.float32)


def with_(**changes):
    return Camera(**{**PERFECT.__dict__, **changes})


def shoot(camera, light=LIGHT, dtype=np.uint16):
    return expose(light, camera, 10, np.random.default_rng(0), dtype)


def test_a_perfect_camera_counts_light():
    np.testing.assert_array_equal(shoot(PERFECT), np.rint(10 + 100 * LIGHT))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"gain": 300}, lambda light: 10 + 300 * light),
        ({"offset": 50}, lambda light: 50 + 100 * light),
        ({"gamma": 2.0}, lambda light: 10 + 100 * light**2),
        ({"blur": 0.2}, lambda light: 10 + 100 * ndimage.gaussian_filter(light, 2, mode="nearest")),
    ],
    ids=["gain", "offset", "gamma", "blur"],
)
def test_each_property_does_what_it_says(change, expected):
    np.testing.assert_allclose(shoot(with_(**change)), expected(LIGHT), atol=0.51)


def test_noise_has_the_variance_promised():
    noisy = shoot(with_(gain=1000, shot=0.5, read=20), np.full((400, 400), 0.8, np.float32))
    assert noisy.mean() == pytest.approx(810, abs=1)
    assert noisy.var() == pytest.approx(0.5 * 800 + 400, rel=0.05)


def test_vignetting_darkens_the_corners():
    image = shoot(with_(gain=1000, vignette=0.5), np.ones((50, 50), np.float32))
    assert image[21, 27] > 1000
    assert image[[0, 0, -1, -1], [0, -1, 0, -1]].max() < 850


def test_haze_lights_the_surroundings():
    light = np.zeros((80, 80), np.float32)
    light[40, 40] = 1000
    image = shoot(with_(haze=0.2), light)
    assert image[40, 48] > image[40, 75] > 10 + 1


def test_counts_saturate():
    assert shoot(with_(gain=1e6)).max() == 65_535
    assert shoot(with_(offset=-1e6)).max() == 0


def test_strips_do_not_show(monkeypatch):
    camera = with_(gain=10_000, blur=0.3, haze=0.2, vignette=0.4)
    whole = shoot(camera)
    monkeypatch.setattr("cellseg_monai.data.synthetic.optics._PIXELS_PER_STRIP", 7 * 80)
    np.testing.assert_allclose(shoot(camera), whole, atol=1)


def test_channels_do_not_mix():
    light = np.zeros((20, 20, 3), np.float32)
    light[10, 10, 1] = 50
    image = shoot(with_(blur=0.2), light, np.uint8)
    assert image[..., 1].max() > 10
    assert image[..., [0, 2]].max() == 10


def test_no_degradation_leaves_only_the_response():
    spoilt = with_(shot=1, read=5, blur=0.1, haze=0.3, vignette=0.5, gamma=1.5)
    assert degraded(spoilt, 0) == with_(gamma=1.5)
    assert degraded(spoilt, 1) == spoilt


def test_haze_is_a_wide_blur():
    light = ndimage.gaussian_filter(LIGHT, 5)
    wide = Haze(light, sigma=8, strength=1).at(np.arange(60))
    np.testing.assert_allclose(wide, ndimage.gaussian_filter(light, 8, mode="nearest"), atol=0.003)
