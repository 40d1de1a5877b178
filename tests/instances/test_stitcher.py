import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import zarr
from scipy import ndimage, spatial
from skimage.io import imread
from skimage.measure import label, regionprops
from skimage.segmentation import watershed

from cellseg_monai.instances import (
    Stitcher,
    Tidying,
    Tile,
    components,
    stitch,
    tile_grid,
    watershed_from_distance,
)
from cellseg_monai.transforms import distance_target

Decoding = Callable[[tuple[slice, ...]], np.ndarray]


def assert_same_cells(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal up to numbering: pairs of ids at the same pixels are one to one, background to background."""
    span = int(expected.max()) + 1
    pairs = np.divmod(np.unique(found.astype(np.int64) * span + expected), span)
    for ids in pairs:
        assert len(np.unique(ids)) == len(pairs[0]), "a cell was cut, or two were joined"
    assert ((pairs[0] == 0) == (pairs[1] == 0)).all()
    assert set(pairs[0].tolist()) - {0} == set(range(1, int(found.max()) + 1))


def in_any_order(decode: Decoding, tiles: Sequence[Tile], seed: int) -> np.ndarray:
    order = np.random.default_rng(seed).permutation(len(tiles))
    return stitch((tiles[number], decode(tiles[number].window)) for number in order)


def cut_from(whole: np.ndarray, seed: int) -> Decoding:
    """A decoding without fault, whose ids differ from tile to tile and are in no order."""
    random = np.random.default_rng(seed)

    def decode(window: tuple[slice, ...]) -> np.ndarray:
        ids, numbers = np.unique(whole[window], return_inverse=True)
        names = random.choice(10 * len(ids) + 10, len(ids), replace=False) + 1
        return np.where(ids > 0, names, 0)[numbers].reshape(whole[window].shape)

    return decode


def random_cells(seed: int) -> np.ndarray:
    """Cells in one piece, many of which touch: from single pixels to longer than several tiles."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 70, 2)) if seed % 5 else tuple(random.integers(1, 22, 3))
    field = ndimage.gaussian_filter(random.standard_normal(shape), random.uniform(0.3, 4))
    bands = np.digitize(field / (field.std() or 1), [-0.7, 0.2, 0.8])
    return label(bands, connectivity=random.integers(1, len(shape) + 1))


def random_grid(shape: tuple[int, ...], seed: int) -> list[Tile]:
    random = np.random.default_rng(seed)
    return tile_grid(
        shape, random.integers(3, 40, len(shape)).tolist(), random.integers(1, 9, len(shape)).tolist()
    )


@pytest.mark.parametrize("seed", range(200))
def test_faultless_tiles_equal_the_whole(seed: int) -> None:
    whole = random_cells(seed)
    assert_same_cells(in_any_order(cut_from(whole, seed), random_grid(whole.shape, seed), seed), whole)


@pytest.mark.parametrize("seed", range(60))
def test_components_equal_the_whole_with_a_halo_of_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 80, 2)) if seed % 4 else tuple(random.integers(1, 22, 3))
    probability = ndimage.gaussian_filter(random.random(shape), random.uniform(0, 2))
    level = float(np.quantile(probability, random.uniform(0.3, 0.8)))
    tidying = Tidying(threshold=level)
    whole = components(probability, tidying)
    tiles = tile_grid(shape, random.integers(2, 30, len(shape)).tolist(), 1)
    assert_same_cells(in_any_order(lambda box: components(probability[box], tidying), tiles, seed), whole)


@pytest.mark.parametrize("seed", range(20))
def test_components_joined_by_sides_equal_the_whole(seed: int) -> None:
    mask = np.random.default_rng(seed).random((40, 50)) > 0.42
    tiles = tile_grid(mask.shape, 9, 1)
    assert_same_cells(
        in_any_order(lambda box: ndimage.label(mask[box])[0], tiles, seed), ndimage.label(mask)[0]
    )


@pytest.mark.parametrize("seed", range(15))
def test_cleaned_components_equal_the_whole_with_a_halo_over_cell_and_disc(seed: int) -> None:
    random = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(random.random((150, 170)), 2)
    level = float(np.quantile(image, 0.8))
    tidying = Tidying(threshold=level, morphology="both", max_hole=5, min_size=12)

    def decode(box: tuple[slice, ...]) -> np.ndarray:
        return components(image[box], tidying)

    whole = decode((slice(None), slice(None)))
    tiles = tile_grid(image.shape, 40, longest(whole) + 8)
    assert_same_cells(in_any_order(decode, tiles, seed), whole)


def longest(cells: np.ndarray) -> int:
    return max(max(np.ptp(np.stack(region.coords), axis=0)) for region in regionprops(cells)) + 1


@pytest.mark.parametrize("seed", range(15))
def test_seeded_watershed_equals_the_whole_with_a_halo_over_a_clump(seed: int) -> None:
    random = np.random.default_rng(seed)
    centres = random.uniform(0, 160, (90, 2))
    distance, _ = spatial.KDTree(centres).query(np.moveaxis(np.indices((160, 160)), 0, -1))
    height = 7 - distance + ndimage.gaussian_filter(random.standard_normal((160, 160)), 2)

    def decode(box: tuple[slice, ...]) -> np.ndarray:
        seeds, _ = ndimage.label(height[box] > 4, np.ones((3, 3)))
        return watershed(-height[box], seeds, mask=height[box] > 1)

    whole = decode((slice(None), slice(None)))
    clumps, _ = ndimage.label(height > 1, np.ones((3, 3)))
    assert whole.max() > clumps.max()  # cells do touch
    tiles = tile_grid(height.shape, 50, longest(clumps) + 1)
    assert_same_cells(in_any_order(decode, tiles, seed), whole)


@pytest.mark.parametrize(
    ("source", "folder"),
    [
        ("real_images", "nuclei/field/masks"),
        ("real_data", "tasks/nuclei/train/masks"),
        ("real_data", "tasks/phase/train/masks"),
        ("real_data", "shift/dataset1/masks"),
        ("real_data", "multimodal/train/masks"),
        ("real_data", "multiclass/white_blood_cells/train/masks"),
    ],
)
@pytest.mark.parametrize(("size", "halo"), [(128, 1), (100, 24)])
def test_real_masks(request: pytest.FixtureRequest, source: str, folder: str, size: int, halo: int) -> None:
    masks = request.getfixturevalue(source) / folder
    paths = sorted(path for path in masks.iterdir() if path.suffix in {".png", ".bmp", ".tif"})
    assert paths
    for number, path in enumerate(paths[:3]):
        mask = imread(path)
        whole = label(mask, connectivity=2)  # some masks have an id in several pieces
        assert_same_cells(
            in_any_order(cut_from(whole, number), tile_grid(whole.shape, size, halo), number), whole
        )


def test_real_image_decoded_in_tiles(real_images: Path) -> None:
    path = sorted((real_images / "nuclei/train/images").iterdir())[0]
    image = ndimage.gaussian_filter(imread(path).astype(float), 1)
    bright = image > np.quantile(image, 0.85)
    found = in_any_order(lambda box: components(bright[box]), tile_grid(image.shape, 20, 1), 0)
    assert_same_cells(found, components(bright))


def test_real_cells_parted_by_watershed_in_tiles(real_images: Path) -> None:
    (mask,) = map(imread, (real_images / "nuclei/field/masks").iterdir())
    distance = distance_target(mask[None])[0]

    def decode(box: tuple[slice, ...]) -> np.ndarray:
        return watershed_from_distance(mask[box] > 0, distance[box])

    whole = decode((slice(None), slice(None)))
    assert whole.max() > components(mask > 0).max()
    tiles = tile_grid(mask.shape, 160, longest(components(mask > 0)) + 1)
    assert_same_cells(in_any_order(decode, tiles, 0), whole)


def test_ids_in_several_pieces_need_a_halo_over_them_all() -> None:
    whole = np.zeros((20, 20), int)
    whole[2, 2] = whole[2, 9] = whole[12, 2] = 5
    whole[2, 5] = 6
    for size in (3, 4, 7):
        assert_same_cells(in_any_order(cut_from(whole, 0), tile_grid(whole.shape, size, 11), 0), whole)


@pytest.mark.parametrize("dims", [2, 3])
def test_a_cell_over_a_corner_is_one_and_its_neighbours_stay_their_own(dims: int) -> None:
    whole = np.zeros((12,) * dims, int)
    whole[(slice(4, 8),) * dims] = 1
    whole[(slice(4, 8), slice(8, 10)) + (slice(4, 8),) * (dims - 2)] = 2
    whole[(slice(2, 4),) * dims] = 3
    assert_same_cells(in_any_order(cut_from(whole, 0), tile_grid(whole.shape, 6, 1), 1), whole)


def test_cells_that_touch_at_the_seam_stay_two() -> None:
    whole = np.ones((8, 12), int)
    whole[:, 6:] = 2
    for halo in (1, 3):
        assert_same_cells(in_any_order(cut_from(whole, 0), tile_grid(whole.shape, 6, halo), 0), whole)


def test_diagonal_over_a_four_tile_corner() -> None:
    whole = np.eye(10, dtype=int)
    assert_same_cells(in_any_order(lambda box: components(whole[box]), tile_grid((10, 10), 5, 1), 0), whole)


def test_a_spiral_over_all_tiles() -> None:
    rows, columns = np.indices((90, 90)) - 45
    radius = np.hypot(rows, columns)
    turns = radius / 12 - np.arctan2(rows, columns) / (2 * np.pi)
    spiral = ((turns % 1 < 0.5) & (radius < 42)).astype(float)
    found = in_any_order(lambda box: components(spiral[box]), tile_grid(spiral.shape, 10, 1), 0)
    assert_same_cells(found, components(spiral))
    assert np.bincount(found[found > 0]).max() > 2700


def test_a_cell_that_one_tile_splits_is_not_cut() -> None:
    tiles = tile_grid((8, 12), (8, 6), 2)
    left = np.ones((8, 8), int)
    right = np.repeat([[1], [2]], 4, axis=0) * np.ones((8, 8), int)
    assert (stitch(zip(tiles, [left, right], strict=True)) == 1).all()


def test_a_halo_too_narrow_neither_repeats_nor_loses_an_id() -> None:
    """Watershed with a halo far below the size of clumps: no equality, but a label map all the same."""
    random = np.random.default_rng(0)
    height = ndimage.gaussian_filter(random.standard_normal((120, 120)), 4)
    whole = watershed(-height, ndimage.label(height > 0.06)[0], mask=height > 0)

    def decode(box: tuple[slice, ...]) -> np.ndarray:
        return watershed(-height[box], ndimage.label(height[box] > 0.06)[0], mask=height[box] > 0)

    found = in_any_order(decode, tile_grid(height.shape, 40, 8), 0)
    assert np.unique(found).tolist() == list(range(found.max() + 1))
    assert len(np.unique(label(found, connectivity=2))) == found.max() + 1  # nothing far apart was joined
    assert abs(int(found.max()) - len(np.unique(whole)) + 1) <= 2


@pytest.mark.parametrize("value", [0, 1], ids=["empty", "full"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 9), (4, 5, 6)], ids=["pixel", "plane", "volume"])
def test_degenerate_images(shape: tuple[int, ...], value: int) -> None:
    whole = np.full(shape, value)
    found = in_any_order(cut_from(whole, 0), tile_grid(shape, 3, 1), 0)
    assert found.dtype == np.int32
    assert (found == value).all()


def test_empty_tiles_among_others() -> None:
    whole = np.zeros((30, 30), int)
    whole[14:16, 14:16] = 1
    whole[28, 28] = 2
    assert_same_cells(in_any_order(cut_from(whole, 0), tile_grid((30, 30), 10, 4), 0), whole)


def test_tiles_of_any_form() -> None:
    """No grid: one tile beside two, of unequal halos."""
    tiles = [
        Tile((slice(0, 9), slice(0, 4)), (slice(0, 9), slice(0, 5))),
        Tile((slice(0, 3), slice(4, 9)), (slice(0, 7), slice(1, 9))),
        Tile((slice(3, 9), slice(4, 9)), (slice(2, 9), slice(3, 9))),
    ]
    whole = random_cells(7)[:9, :9]
    whole = label(whole)
    assert_same_cells(in_any_order(cut_from(whole, 0), tiles, 3), whole)


def test_order_changes_nothing_at_all() -> None:
    whole = random_cells(3)
    tiles = tile_grid(whole.shape, 12, 3)
    labels = [cut_from(whole, number)(tile.window) for number, tile in enumerate(tiles)]
    results = []
    for seed in range(3):
        stitcher = Stitcher(tiles)
        for number in np.random.default_rng(seed).permutation(len(tiles)).tolist():
            stitcher.add(number, labels[number])
        results.append(written(stitcher))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def written(stitcher: Stitcher) -> np.ndarray:
    target = np.zeros(stitcher.shape, np.int32)
    cells = stitcher.write(target)
    assert cells == target.max()
    return target


def test_more_than_65535_cells_and_a_target_too_narrow() -> None:
    whole = np.zeros((600, 600), int)
    whole[::2, ::2] = np.arange(1, 90_001).reshape(300, 300)
    stitcher = Stitcher(tile_grid(whole.shape, 200, 3))
    for number, tile in enumerate(stitcher.tiles):
        stitcher.add(number, whole[tile.window])
    target = np.full(whole.shape, 7, np.uint16)
    with pytest.raises(ValueError, match="id 90000 does not fit into uint16"):
        stitcher.write(target)
    assert (target == 7).all()
    assert_same_cells(written(stitcher), whole)


@pytest.mark.parametrize("dtype", ["uint16", "int64", "uint32"])
def test_targets(tmp_path: Path, dtype: str) -> None:
    whole = random_cells(11)
    stitcher = Stitcher(tile_grid(whole.shape, 16, 2))
    for number, tile in enumerate(stitcher.tiles):
        stitcher.add(number, whole[tile.window])
    in_zarr = zarr.create(whole.shape, store=str(tmp_path / "labels.zarr"), chunks=(16, 16), dtype=dtype)
    mapped = np.memmap(tmp_path / "labels.raw", dtype, "w+", shape=whole.shape)
    for target in (in_zarr, mapped):
        stitcher.write(target)
        assert target.dtype == dtype
        assert_same_cells(np.asarray(target[...]), whole)
    for tile in stitcher.tiles:
        np.testing.assert_array_equal(stitcher.region(tile.core), mapped[tile.core])


RUN = """
import os, sys
import numpy as np
from cellseg_monai.instances import Stitcher, components, tile_grid
folder, image, tiles_until_killed = sys.argv[1], np.load(sys.argv[2]), 5
stitcher = Stitcher(tile_grid(image.shape, 16, 2), folder)
for number in stitcher.missing[::-1]:
    if tiles_until_killed == 0:
        os.kill(os.getpid(), 9)
    stitcher.add(number, components(image[stitcher.tiles[number].window]))
    tiles_until_killed -= 1
"""


def test_killed_and_started_again_it_goes_on(tmp_path: Path) -> None:
    image = ndimage.gaussian_filter(np.random.default_rng(0).random((60, 50)), 1) + 0.02
    np.save(tmp_path / "image.npy", image)
    run = [sys.executable, "-c", RUN, str(tmp_path / "tiles"), str(tmp_path / "image.npy")]
    assert subprocess.run(run, check=False).returncode == -9
    stitcher = Stitcher(tile_grid(image.shape, 16, 2), tmp_path / "tiles")
    assert stitcher.missing == list(range(11))
    with pytest.raises(ValueError, match="11 of 16 tiles are missing, first 0"):
        stitcher.join()
    (tmp_path / "tiles" / "0.npy.99.part").write_bytes(b"cut short")
    for number in stitcher.missing:
        stitcher.add(number, components(image[stitcher.tiles[number].window]))
    assert stitcher.missing == []
    assert_same_cells(written(stitcher), components(image))


@pytest.mark.parametrize("folder", [False, True], ids=["in memory", "in a folder"])
@pytest.mark.parametrize("shape", [(37, 52), (11, 13, 17)], ids=["plane", "volume"])
def test_any_part_can_be_read(shape: tuple[int, ...], folder: bool, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    whole = components(random.random(shape) > 0.6)
    stitcher = Stitcher(tile_grid(shape, 8, 2), tmp_path if folder else None)
    for number in stitcher.missing:
        stitcher.add(number, whole[stitcher.tiles[number].window])
    written = np.zeros(shape, np.int32)
    stitcher.write(written)
    for _ in range(20):
        box = tuple(slice(*sorted(random.integers(0, side + 1, 2).tolist())) for side in shape)
        np.testing.assert_array_equal(stitcher.region(box), written[box])
    for box in [(slice(0, side + 1) for side in shape), (slice(-1, side) for side in shape)]:
        with pytest.raises(ValueError, match="is not inside the image of shape"):
            stitcher.region(tuple(box))


def test_a_tile_added_again_is_replaced(tmp_path: Path) -> None:
    tiles = tile_grid((4, 8), 4, 1)
    for folder in (None, tmp_path / "tiles"):
        stitcher = Stitcher(tiles, folder)
        stitcher.add(0, np.zeros((4, 5), int))
        stitcher.add(1, np.zeros((4, 5), int))
        assert stitcher.join() == 0
        stitcher.add(1, np.ones((4, 5), int))
        assert stitcher.region(stitcher.tiles[1].core).tolist() == [[1] * 4] * 4


def test_folders_of_something_else_are_refused(tmp_path: Path) -> None:
    Stitcher(tile_grid((8, 8), 4, 1), tmp_path / "tiles")
    with pytest.raises(ValueError, match="tiles holds the labels of other tiles; delete it"):
        Stitcher(tile_grid((8, 8), 4, 2), tmp_path / "tiles")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.tif").touch()
    with pytest.raises(ValueError, match=r"images holds a\.tif but no plan\.json"):
        Stitcher(tile_grid((8, 8), 4, 1), tmp_path / "images")


def test_memory_follows_the_tile(tmp_path: Path) -> None:
    def peak(side: int) -> int:
        stitcher = Stitcher(tile_grid((side, side), 256, 16), tmp_path / f"tiles{side}")
        target = np.memmap(tmp_path / f"labels{side}", np.int32, "w+", shape=stitcher.shape)
        cell = np.zeros((288, 288), np.int32)
        cell[100:110, 100:110] = 1
        tracemalloc.start()
        for number, tile in enumerate(stitcher.tiles):
            stitcher.add(number, cell[tuple(slice(part.stop - part.start) for part in tile.window)])
        stitcher.write(target)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    small, large = peak(512), peak(2048)
    assert large < 1.5 * small  # sixteen times the pixels


@pytest.mark.parametrize(
    ("number", "labels", "message"),
    [
        (4, np.zeros((5, 5), int), "tile 4 does not exist; the tiles are 0 to 3"),
        (-1, np.zeros((5, 5), int), "tile -1 does not exist"),
        (0, np.zeros((4, 4), int), r"tile 0 needs labels of its window, \(5, 5\), not \(4, 4\)"),
        (0, np.full((5, 5), -1), "ids must not be negative"),
        (0, np.full((5, 5), 0.5), "mask was interpolated"),
    ],
    ids=["number", "negative number", "core", "negative", "probability"],
)
def test_add_refuses(number: int, labels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Stitcher(tile_grid((8, 8), 4, 1)).add(number, labels)


def test_write_refuses_another_shape() -> None:
    with pytest.raises(ValueError, match=r"the target has shape \(8, 9\), but the tiles cover \(8, 8\)"):
        Stitcher(tile_grid((8, 8), 4, 1)).write(np.zeros((8, 9), np.int32))
