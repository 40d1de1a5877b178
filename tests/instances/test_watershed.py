import numpy as np
import pytest
import torch
from scipy import ndimage

from cellseg_monai.instances import (
    Tidying,
    WatershedFromDistance,
    WatershedFromDistanced,
    watershed_from_distance,
)
from cellseg_monai.label_maps import connected_components
from cellseg_monai.transforms import ForegroundDistanceTargetd, foreground_distance_target
from tests.instances.perfect import f1, packed_ellipses


@pytest.mark.parametrize("elongation", [1, 5], ids=["discs", "rods"])
@pytest.mark.parametrize("radius", [1, 2, 3, 4, 5, 6])
def test_perfect_maps_of_packed_cells(radius, elongation):
    truth = packed_ellipses(radius, elongation)
    assert connected_components(truth > 0).max() == 1
    foreground, distance = foreground_distance_target(truth[None])
    assert f1(watershed_from_distance(foreground, distance), truth) == 1


@pytest.mark.parametrize(
    ("source", "folder", "count"),
    [
        ("real_images", "nuclei/train", 5),
        ("real_images", "nuclei/field", 1),
        ("real_data", "tasks/nuclei/train", 3),
    ],
)
def test_perfect_maps_of_real_masks(request, source, folder, count, real_masks):
    for truth in real_masks(request.getfixturevalue(source) / folder, count):
        foreground, distance = foreground_distance_target(truth[None])
        assert f1(watershed_from_distance(foreground, distance), truth) > 0.98


def test_seed_height_parts_or_joins():
    distance = np.array([[0.5, 1.0, 0.6, 0.9, 0.5]])
    assert watershed_from_distance(distance > 0, distance, seed_height=0.25).max() == 2
    assert watershed_from_distance(distance > 0, distance, seed_height=0.35).max() == 1


def test_smoothing_quiets_noise_and_joins_small_cells():
    truth = packed_ellipses(12, rows=3)
    foreground, distance = foreground_distance_target(truth[None])
    noisy = distance + np.random.default_rng(0).normal(0, 0.15, distance.shape)
    assert watershed_from_distance(foreground, noisy).max() > 20
    assert f1(watershed_from_distance(foreground, noisy, smoothing=1.5), truth) == 1
    small = foreground_distance_target(packed_ellipses(2)[None])
    assert watershed_from_distance(*small).max() == 64
    assert watershed_from_distance(*small, smoothing=2).max() < 64


def test_a_low_hill_that_stands_alone_is_a_cell():
    assert watershed_from_distance(np.array([[1, 1, 0, 1]]), np.array([[0.01, 0.02, 0, -0.3]])).tolist() == [
        [1, 1, 0, 2]
    ]


def test_tidying_reaches_the_mask():
    distance = ndimage.distance_transform_edt(np.pad(np.ones((9, 9)), 2)) / 5
    foreground = (distance > 0).astype(float)
    foreground[6, 6], foreground[0, 0] = 0, 1
    cells = watershed_from_distance(foreground, distance, tidying=Tidying(max_hole=1, min_size=2))
    assert (cells > 0).sum() == 81
    assert watershed_from_distance(foreground, distance).max() == 2
    opening = Tidying(morphology="opening", radius=2)
    opened = watershed_from_distance(foreground, distance, tidying=opening)
    assert opened[2, 2] == 0
    strict = Tidying(threshold=0.8)
    assert watershed_from_distance(foreground * 0.7, distance, tidying=strict).max() == 0


def test_logits_get_a_sigmoid_on_the_foreground_alone():
    target = ForegroundDistanceTargetd("label")({"label": packed_ellipses(4)[None]})["label"]
    logits = torch.as_tensor(target)
    logits[0] = 20 * logits[0] - 10
    found = WatershedFromDistanced("pred")({"pred": logits})["pred"]
    assert found.shape == (1, *logits.shape[1:])
    assert found.dtype == torch.int32
    assert f1(found[0].numpy(), packed_ellipses(4)) == 1
    same = WatershedFromDistance(logits=False)(torch.as_tensor(target).clamp(0, 1))
    assert torch.equal(found, same)


@pytest.mark.parametrize("value", [-9.0, 9.0], ids=["empty", "full"])
def test_degenerate_maps(value):
    logits = torch.full((2, 6, 7), value)
    assert WatershedFromDistance(smoothing=1)(logits).unique().tolist() == [int(value > 0)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed_height": 0}, "seed_height must be above 0 and below 1, not 0"),
        ({"seed_height": 1}, "seed_height must be above 0 and below 1, not 1"),
        ({"smoothing": -1}, "smoothing is a standard deviation in pixels and cannot be negative: -1"),
        ({"radius": 0}, "radius must be at least 1 pixel"),
    ],
    ids=["no height", "whole height", "smoothing", "radius"],
)
def test_options_are_checked_when_made(options, message):
    with pytest.raises(ValueError, match=message):
        WatershedFromDistance(**options)


def test_maps_that_do_not_fit_are_rejected():
    with pytest.raises(ValueError, match="differ in shape"):
        watershed_from_distance(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="the distance contains NaN"):
        watershed_from_distance(np.zeros((1, 1)), np.array([[np.nan]]))
    with pytest.raises(ValueError, match=r"decodes foreground and distance: it needs 2 channel\(s\)"):
        WatershedFromDistance()(np.zeros((1, 4, 4)))
