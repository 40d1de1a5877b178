import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellseg_monai.instances import Stitcher, Tile, tile_grid

SIDES = st.integers(1, 20)


@given(st.lists(st.tuples(SIDES, SIDES, SIDES), min_size=2, max_size=3))
def test_cores_cover_each_pixel_once_and_windows_are_cores_grown(axes: list[tuple[int, int, int]]) -> None:
    shape, sizes, halos = zip(*axes, strict=True)
    covered = np.zeros(shape, int)
    for tile in tile_grid(shape, sizes, halos):
        covered[tile.core] += 1
        for core, window, side, size, halo in zip(*tile, shape, sizes, halos, strict=True):
            assert core.start % size == 0
            assert core.stop == min(core.start + size, side)
            assert (window.start, window.stop) == (max(core.start - halo, 0), min(core.stop + halo, side))
    assert (covered == 1).all()


def test_one_number_serves_every_axis() -> None:
    assert tile_grid((5, 9), 4, 2) == tile_grid((5, 9), (4, 4), [2, 2])


def box(*edges: int) -> tuple[slice, ...]:
    return tuple(slice(*pair) for pair in zip(edges[::2], edges[1::2], strict=True))


@pytest.mark.parametrize(
    ("shape", "size", "halo", "message"),
    [
        ((4, 4), 0, 1, "size needs one number above 0, .*, not 0"),
        ((4, 4), 2, 0, "halo needs one number above 0, .*, not 0"),
        ((4, 4), (2, 2, 2), 1, r"each of 2 axes, not \(2, 2, 2\)"),
        ((4,), 2, 1, "2 or 3 axes, without channels, not 1"),
        ((2, 2, 2, 2), 2, 1, "2 or 3 axes, without channels, not 4"),
        ((4, 0), 2, 1, "there are no tiles"),
    ],
    ids=["size", "halo", "axes", "line", "channels", "no pixels"],
)
def test_grid_refuses(shape: tuple[int, ...], size: int, halo: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tile_grid(shape, size, halo)


@pytest.mark.parametrize(
    ("tiles", "message"),
    [
        ([], "there are no tiles"),
        ([Tile(box(0, 4, 0, 4), box(0, 4, 0, 4, 0, 4))], "have different numbers of axes"),
        ([Tile((slice(4), slice(4)), (slice(4), slice(4)))], "need start and stop"),
        ([Tile(box(0, 4, 0, 4), box(0, 5, 0, 4))], "tile 0, .* leaves the image"),
        ([Tile(box(0, 4, 2, 2), box(0, 4, 0, 4))], "tile 0, .* has an empty core"),
        (
            [Tile(box(0, 4, 0, 4), box(0, 4, 0, 4)), Tile(box(0, 4, 4, 8), box(0, 4, 3, 8))],
            "tile 0, .* needs a halo as wide",
        ),
        (
            [Tile(box(0, 4, 0, 5), box(0, 4, 0, 6)), Tile(box(0, 4, 4, 8), box(0, 4, 3, 8))],
            "tile 0, .* shares pixels of its core",
        ),
        (
            [Tile(box(0, 4, 0, 3), box(0, 4, 0, 6)), Tile(box(0, 4, 4, 8), box(0, 4, 3, 8))],
            r"leave gaps in the image of shape \(4, 8\)",
        ),
    ],
    ids=["none", "axes", "open slices", "outside", "empty core", "no halo", "overlap", "gap"],
)
def test_plans_that_make_up_no_image_are_refused(tiles: list[Tile], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Stitcher(tiles)
