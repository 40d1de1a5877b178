"""What every kind promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellseg_monai.data.synthetic import KINDS, synthesize
from cellseg_monai.label_maps import connected_components

EVERY_KIND = pytest.mark.parametrize("kind", sorted(KINDS))
OBJECT_KINDS = pytest.mark.parametrize("kind", ["nuclei", "phase", "tissue"])
DTYPES = {"nuclei": np.uint16, "phase": np.uint8, "filaments": np.uint16, "tissue": np.uint8}


def background_of(image):
    """The even background of an undegraded picture: its commonest value."""
    values, counts = np.unique(image.reshape(image.shape[0] * image.shape[1], -1), axis=0, return_counts=True)
    return values[counts.argmax()]


@EVERY_KIND
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(kind):
    first, again, other = (synthesize(kind, (96, 80), seed=seed) for seed in (5, 5, 6))
    assert first.image.tobytes() == again.image.tobytes()
    assert first.label.tobytes() == again.label.tobytes()
    assert first.classes == again.classes
    assert not np.array_equal(first.image, other.image)
    assert not np.array_equal(first.label, other.label)


@EVERY_KIND
def test_the_global_random_state_neither_matters_nor_moves(kind):
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    first = synthesize(kind, (48, 48), seed=5)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    np.random.seed(2)
    assert synthesize(kind, (48, 48), seed=5).image.tobytes() == first.image.tobytes()


@EVERY_KIND
@pytest.mark.parametrize("size", [(16, 16), (1, 1), (1, 90), (97, 64), (64, 150)], ids=str)
def test_any_size_has_an_object_and_the_right_types(kind, size):
    sample = synthesize(kind, size, seed=2)
    assert sample.kind == kind
    assert sample.image.shape == size + (3,) * (kind == "tissue")
    assert sample.image.dtype == DTYPES[kind]
    assert sample.label.shape == size
    assert sample.label.dtype == np.int32
    assert sample.label.max() >= 1


@OBJECT_KINDS
@settings(max_examples=15)
@given(
    seed=st.integers(0, 10_000),
    size=st.tuples(st.integers(8, 120), st.integers(8, 120)),
    density=st.floats(0.01, 0.7),
    diameter=st.floats(2, 60),
)
def test_ids_are_consecutive_and_each_is_one_piece(kind, seed, size, density, diameter):
    label = synthesize(kind, size, seed=seed, density=density, diameter=diameter).label
    ids = np.unique(label[label > 0])
    np.testing.assert_array_equal(ids, np.arange(1, label.max() + 1))
    assert len(ids) >= 1
    assert connected_components(label, connectivity=1).max() == label.max()


@EVERY_KIND
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_thresholding_an_undegraded_picture_gives_exactly_the_truth(kind, shift):
    sample = synthesize(kind, (150, 170), seed=4, shift=shift, degradation=0)
    differs = (sample.image.reshape(150, 170, -1) != background_of(sample.image)).any(axis=-1)
    np.testing.assert_array_equal(differs, sample.label > 0)


@EVERY_KIND
def test_the_truth_depends_neither_on_shift_nor_on_degradation(kind):
    one = synthesize(kind, (128, 100), seed=8)
    for knobs in ({"shift": 0.4}, {"shift": 1}, {"degradation": 0}, {"degradation": 2}):
        other = synthesize(kind, (128, 100), seed=8, **knobs)
        assert other.label.tobytes() == one.label.tobytes()
        assert other.classes == one.classes
        assert not np.array_equal(other.image, one.image)


@EVERY_KIND
def test_shift_moves_the_intensities_steadily(kind):
    means = [
        synthesize(kind, (128, 128), seed=8, shift=shift).image[..., None].mean() for shift in (0, 0.5, 1)
    ]
    steps = np.diff(means)
    assert np.all(steps > 0) or np.all(steps < 0)
    assert abs(means[2] - means[0]) > 0.04 * means[0]


@EVERY_KIND
def test_degradation_adds_noise_to_the_background(kind):
    spread = [synthesize(kind, (64, 64), density=0, degradation=amount).image.std() for amount in (0.5, 2)]
    assert 0 < spread[0] < spread[1]


@EVERY_KIND
def test_density_0_is_an_empty_image_with_noise(kind):
    sample = synthesize(kind, (64, 80), seed=1, density=0)
    assert sample.label.max() == 0
    assert sample.image.std() > 0
    assert sample.classes == ({} if kind == "tissue" else None)


@EVERY_KIND
@pytest.mark.parametrize("density", [0.05, 0.15, 0.3])
def test_density_is_the_share_that_objects_cover(kind, density):
    label = synthesize(kind, (512, 512), seed=3, density=density).label
    assert (label > 0).mean() == pytest.approx(density, rel=0.35)


@OBJECT_KINDS
def test_a_larger_diameter_makes_larger_objects_and_finer_pixels(kind):
    small, large = (synthesize(kind, (300, 300), seed=3, diameter=diameter) for diameter in (20, 40))
    area_ratio = np.median(np.bincount(large.label.ravel())[1:]) / np.median(
        np.bincount(small.label.ravel())[1:]
    )
    assert 2.5 < area_ratio < 6
    assert small.pixel_size == pytest.approx(2 * large.pixel_size)


@OBJECT_KINDS
def test_a_crowd_touches_and_never_overlaps(kind):
    label = synthesize(kind, (256, 256), seed=3, density=0.5).label
    assert label.max() > connected_components(label > 0).max()


@EVERY_KIND
def test_images_of_other_seeds_differ_in_density(kind):
    covered = [(synthesize(kind, (200, 200), seed=seed).label > 0).mean() for seed in range(5)]
    assert max(covered) > 1.2 * min(covered)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"size": (0, 5)}, r"size must be rows and columns of at least 1, not \(0, 5\)"),
        ({"size": (4, 4, 4)}, "size must be rows and columns"),
        ({"density": -0.1}, "density must be between 0 and 0.7, not -0.1"),
        ({"density": float("nan")}, "density must be between 0 and 0.7, not nan"),
        ({"diameter": 1.5}, "diameter must be at least 2, not 1.5"),
        ({"shift": 1.1}, "shift must be between 0 and 1, not 1.1"),
        ({"degradation": -1}, "degradation must be at least 0, not -1"),
    ],
    ids=lambda value: str(value)[:30],
)
@EVERY_KIND
def test_knobs_out_of_limits_are_refused(kind, knobs, message):
    with pytest.raises(ValueError, match=message):
        synthesize(kind, **knobs)


def test_an_unknown_kind_is_refused_with_those_there_are():
    with pytest.raises(
        ValueError, match="no synthetic kind 'yeast'; choose one of filaments, nuclei, phase, tissue"
    ):
        synthesize("yeast")
