import numpy as np
import pytest

from cellseg_monai.data.synthetic.shapes import blobs, discs, spindles

RANDOM = 7


def test_roughness_disturbs_the_outline_and_keeps_the_area():
    one = np.ones(1)
    rough = blobs(np.array([[40.0, 40.0]]), 40 * one, one, 0.2 * one, np.random.default_rng(RANDOM))
    assert rough.radii.std() > 1
    assert rough.areas[0] == pytest.approx(np.pi * 20**2, rel=1e-5)


def test_spindles_reach_further_than_their_discs():
    cells = spindles(np.zeros((50, 2)), np.full(50, 60.0), np.random.default_rng(RANDOM))
    assert np.median(cells.radii.max(axis=1)) > 1.6 * 30
    assert cells.radii.min() > 0


def test_elongation_is_the_ratio_of_the_axes():
    one = np.ones(1)
    radii = blobs(np.zeros((1, 2)), 40 * one, 4 * one, 0 * one, np.random.default_rng(RANDOM)).radii
    assert radii.max() / radii.min() == pytest.approx(4, rel=1e-5)


def test_discs_are_round():
    outlines = discs(np.zeros((2, 2)), np.array([3.0, 8.0]))
    assert np.unique(outlines.radii[0]).tolist() == [1.5]
    np.testing.assert_allclose(outlines.areas, np.pi * np.array([1.5, 4]) ** 2)
