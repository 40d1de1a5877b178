"""Cells of planes linked across z, on stacks of nuclei with exact truth."""

import numpy as np
import pytest

from cellseg_monai.instances import Linking, PlaneStitcher, link_planes, plane_grid
from cellseg_monai.label_maps import relabel
from tests.instances.perfect import f1
from tests.instances.volumes import found_planes, nuclei_volume, stitch_threshold


@pytest.fixture(scope="module", params=[1, 5], ids=["1:1 voxels", "1:5 voxels"])
def truth(request: pytest.FixtureRequest) -> np.ndarray:
    return nuclei_volume(request.param, count=80)


@pytest.mark.parametrize(
    ("missed", "empty"), [(0.0, ()), (0.05, ()), (0.0, (3,))], ids=["all found", "5 % missed", "empty plane"]
)
def test_linked_cells_are_as_good_as_the_planes_alone(
    truth: np.ndarray, missed: float, empty: tuple[int, ...]
) -> None:
    planes = found_planes(truth, missed=missed, empty=empty)
    alone = float(np.mean([f1(relabel(one), relabel(two)) for one, two in zip(planes, truth, strict=True)]))
    linked = f1(link_planes(planes), truth)
    assert linked >= 0.95 * alone
    assert linked > f1(stitch_threshold(planes), truth) + 0.05  # the rule of Cellpose, at its default


def test_a_cell_survives_as_many_empty_planes_as_allowed() -> None:
    planes = np.zeros((5, 6, 6), np.int32)
    planes[[0, 3], 2:5, 2:5] = 7
    assert link_planes(planes, Linking(max_gap=2)).max() == 1
    assert link_planes(planes, Linking(max_gap=1)).max() == 2


def test_touching_cells_stay_apart_when_one_plane_has_merged_them() -> None:
    planes = np.zeros((3, 4, 12), np.int32)
    planes[:, :, :6], planes[:, :, 6:] = 1, 2
    planes[1] = 1
    linked = link_planes(planes)
    assert linked.max() == 2
    assert linked[0, 0, 0] == linked[2, 0, 0] != linked[0, 0, 11] == linked[2, 0, 11]


@pytest.mark.parametrize(("waist", "cells"), [(0.6, 2), (0.0, 1)])
def test_cells_on_top_of_each_other_are_parted_at_the_waist(waist: float, cells: int) -> None:
    planes = np.zeros((6, 20, 20), np.int32)
    for place, radius in enumerate([6, 7, 3, 2, 7, 6]):
        planes[place, 10 - radius : 10 + radius, 10 - radius : 10 + radius] = 1
    linked = link_planes(planes, Linking(waist=waist))
    assert linked.max() == cells
    assert linked[2, 10, 10] == linked[0, 10, 10]
    assert linked[3, 10, 10] == linked[5, 10, 10]


def test_overlap_counts_the_smaller_of_the_two() -> None:
    planes = np.zeros((2, 1, 20), np.int32)
    planes[0, 0, :10], planes[1, 0, 8:12] = 1, 1  # half of the smaller one
    assert link_planes(planes, Linking(min_overlap=0.5)).max() == 1
    assert link_planes(planes, Linking(min_overlap=0.51)).max() == 2


def test_nothing_is_linked_to_nothing() -> None:
    planes = np.zeros((3, 4, 4))
    assert not link_planes(planes).any()


def test_what_is_no_stack_is_refused() -> None:
    with pytest.raises(ValueError, match=r"planes, rows and columns, not the shape \(0, 4, 4\)"):
        link_planes(np.zeros((0, 4, 4)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_overlap": 0}, "min_overlap must be above 0 and at most 1, not 0"),
        ({"max_gap": -1}, "max_gap must be 0 or more planes, not -1"),
        ({"waist": 1.0}, "waist must be from 0 to below 1, not 1.0"),
    ],
)
def test_values_out_of_range(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Linking(**options)  # type: ignore[arg-type]


def test_tiles_of_planes_give_the_cells_of_whole_planes(tmp_path: object) -> None:
    truth = nuclei_volume(2, side=70, depth=40, count=20)
    planes = found_planes(truth, missed=0.05)
    pixels = planes.transpose(2, 1, 0)
    tiles = plane_grid(pixels.shape, size=32, halo=24)
    stitcher = PlaneStitcher(tiles, tmp_path)  # type: ignore[arg-type]
    for number in stitcher.missing[::2]:
        stitcher.add(number, pixels[tiles[number].window][..., 0])
    again = PlaneStitcher(tiles, tmp_path)  # type: ignore[arg-type]
    assert again.missing == stitcher.missing
    assert 0 < len(again.missing) < len(tiles)
    for number in again.missing:
        again.add(number, pixels[tiles[number].window][..., 0])
    whole = link_planes(planes)
    assert again.join() == whole.max()
    stitched = again.region(tuple(slice(0, side) for side in pixels.shape)).transpose(2, 1, 0)
    assert f1(stitched, whole) == 1.0
    np.testing.assert_array_equal(stitched > 0, whole > 0)


def test_frames_of_a_movie_keep_their_ids() -> None:
    frames = np.array([[[3, 0, 5]], [[5, 5, 0]]], np.int32)
    stitcher = PlaneStitcher(plane_grid((3, 1, 2), size=8, halo=1), link=False)
    for number, frame in enumerate(frames):
        stitcher.add(number, frame.T)
    assert stitcher.join() == 3
    box = (slice(0, 3), slice(0, 1), slice(0, 2))
    np.testing.assert_array_equal(stitcher.region(box)[:, 0].T, [[1, 0, 2], [1, 1, 0]])


def test_a_plane_is_stitched_as_ever() -> None:
    plane = np.array([[1, 1, 0, 2, 2, 2, 2, 0]])
    tiles = plane_grid(plane.shape, size=4, halo=4)
    stitcher = PlaneStitcher(tiles)
    for number in stitcher.missing:
        stitcher.add(number, plane[tiles[number].window])
    assert stitcher.join() == 2
    np.testing.assert_array_equal(stitcher.region((slice(0, 1), slice(0, 8))), plane)
