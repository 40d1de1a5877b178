import numpy as np
import pytest

from cellseg_monai.data.synthetic import SyntheticImage, synthesize
from cellseg_monai.label_maps import connected_components


def nuclei(
    size: tuple[int, int], density: float = 0.2, diameter: float = 28, **more: float
) -> SyntheticImage:
    return synthesize("nuclei", size, density=density, diameter=diameter, **more)


def test_more_nuclei_than_uint8_holds():
    label = nuclei((400, 400), diameter=10).label
    assert label.max() > 255
    assert len(np.unique(label)) == label.max() + 1


def test_more_nuclei_than_uint16_holds():
    label = nuclei((1024, 1024), diameter=2.5, density=0.4).label
    assert label.max() > 65_535
    assert len(np.unique(label)) == label.max() + 1
    assert connected_components(label, connectivity=1).max() == label.max()


def test_nuclei_are_brighter_than_the_background_that_lies_between_them():
    sample = nuclei((256, 256), seed=3)
    inside, outside = sample.image[sample.label > 0], sample.image[sample.label == 0]
    assert np.median(inside) > 2 * np.percentile(outside, 90)


def test_some_nuclei_are_cut_by_the_edge():
    label = nuclei((256, 256), seed=3).label
    edge = np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]])
    assert len(np.unique(edge)) > 4


def test_a_wide_strip_is_as_noisy_across_the_seams_of_the_strips_that_draw_it():
    """Pictures are taken in strips of about two million pixels; no seam may show."""
    image = nuclei((1200, 4000), density=0, degradation=1).image.astype(float)
    steps = np.abs(np.diff(image, axis=0)).mean(axis=1)
    assert steps.max() < 1.15 * np.median(steps)


def test_brightness_and_chromatin_vary():
    sample = nuclei((400, 400), seed=3, degradation=0)
    light = sample.image - 145.0
    means = np.array([light[sample.label == number].mean() for number in range(1, 40)])
    assert means.std() / means.mean() > 0.1
    one = light[sample.label == 1]
    assert one.std() / one.mean() > 0.03


def test_pixel_size_follows_the_diameter():
    assert nuclei((32, 32), diameter=36).pixel_size == pytest.approx(0.5)
