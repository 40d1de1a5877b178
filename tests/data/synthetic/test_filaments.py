import numpy as np
import pytest
from scipy import ndimage

from cellseg_monai.data.synthetic import synthesize
from cellseg_monai.data.synthetic.filaments import grow


def test_the_truth_is_binary_and_thin():
    label = synthesize("filaments", (300, 300), seed=2, density=0.08, diameter=6).label
    assert np.unique(label).tolist() == [0, 1]
    depth = ndimage.distance_transform_edt(label)
    assert np.percentile(depth[label > 0], 95) <= 3.5


def test_filaments_are_long():
    label = synthesize("filaments", (400, 400), seed=2, density=0.05, diameter=5).label
    _, pieces = ndimage.label(label, np.ones((3, 3)))
    assert label.sum() / pieces > 50 * 5


def test_filaments_taper_and_branch():
    threads = grow(4, (600, 600), diameter=6, random=np.random.default_rng(1))
    assert threads.widths.max() <= 6
    assert threads.widths.min() >= 1.5
    assert len(np.unique(threads.brightness)) > 8
    single = grow(4, (600, 600), diameter=6, random=np.random.default_rng(1)).points
    np.testing.assert_array_equal(single, threads.points)


@pytest.mark.parametrize("diameter", [2, 3.5, 12])
def test_any_width_can_be_drawn(diameter):
    label = synthesize("filaments", (128, 96), seed=1, density=0.08, diameter=diameter).label
    assert 0.03 < label.mean() < 0.3
