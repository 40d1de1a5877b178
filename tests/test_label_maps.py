"""Each function against an independent, slow implementation, then against cases worked by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage import measure, segmentation

from cellseg_monai.label_maps import (
    as_label_map,
    boundaries,
    cast,
    connected_components,
    overlap_matrix,
    relabel,
    smallest_dtype,
    touching_pairs,
)

INT32_MAX = 2**31 - 1


SHAPES = hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=8)
IDS = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 255, 256, 70_000, INT32_MAX - 1, INT32_MAX])
MAPS = hnp.arrays(np.int32, SHAPES, elements=IDS)
PAIRS_OF_MAPS = SHAPES.flatmap(
    lambda shape: st.tuples(*[hnp.arrays(np.int32, shape, elements=IDS) for _ in range(2)])
)
TOUCHING = np.array([[1, 1, 0, 0], [1, 2, 2, 0], [0, 2, 2, 9]], np.int32)


def many_ids(count: int) -> np.ndarray:
    """One pixel an object, ids 1 to count."""
    return np.arange(1, count + 1).reshape(1, -1)


class TestAsLabelMap:
    @pytest.mark.parametrize(
        "dtype", ["bool", "uint8", "int8", "uint16", ">u2", ">i4", "int64", "uint64", "float16", "float64"]
    )
    def test_keeps_ids(self, dtype):
        converted = as_label_map(np.array([[0, 1], [1, 0]], dtype))
        assert converted.dtype == np.int32
        assert converted.dtype.isnative
        assert converted.tolist() == [[0, 1], [1, 0]]

    def test_keeps_the_highest_id(self):
        for dtype in (np.int32, np.int64, np.uint64, np.float64):
            assert as_label_map(np.array([INT32_MAX], dtype)).tolist() == [INT32_MAX]

    @pytest.mark.parametrize("shape", [(0,), (0, 4), (3, 0, 2)])
    def test_empty_array(self, shape):
        assert as_label_map(np.zeros(shape, np.uint8)).shape == shape

    def test_does_not_copy_int32(self):
        assert as_label_map(TOUCHING) is TOUCHING

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            pytest.param(np.array([0, -3], np.int32), "the lowest is -3; set them to 0", id="negative int32"),
            pytest.param(np.array([0.0, -1.0]), "the lowest is -1; set them to 0", id="negative float"),
            pytest.param(np.array([1.0, 1.5]), r"value 1\.5 .*nearest-neighbour", id="fractional"),
            pytest.param(np.array([0.9999999]), r"value 0\.9999999 .*interpolated", id="nearly whole"),
            pytest.param(np.array([1.0, np.nan]), "must not have NaN or infinite values", id="nan"),
            pytest.param(np.array([1.0, np.inf]), "must not have NaN or infinite values", id="infinite"),
            pytest.param(
                np.array([2**31]), r"id 2147483648 does not fit into int32; call relabel\(\)", id="int64"
            ),
            pytest.param(np.array([2**63], np.uint64), "id 9223372036854775808 does not fit", id="uint64"),
            pytest.param(
                np.array([2**31], np.float32), "id 2147483648 does not fit into int32", id="float32"
            ),
            pytest.param(np.array([1j]), "must hold integers, but this array holds complex128", id="complex"),
            pytest.param(np.array(["1"]), "must hold integers, but this array holds <U1", id="text"),
        ],
    )
    def test_refuses(self, values, message):
        with pytest.raises(ValueError, match=message):
            as_label_map(values)


def overlap_by_loops(first, second):
    """Shared pixels as a dictionary, one pixel at a time."""
    shared = {}
    for pair in zip(first.ravel().tolist(), second.ravel().tolist(), strict=True):
        shared[pair] = shared.get(pair, 0) + 1
    return shared


def as_dictionary(overlap):
    counts = overlap.counts.tocoo()
    rows, columns = overlap.row_ids[counts.coords[0]], overlap.column_ids[counts.coords[1]]
    return dict(zip(zip(rows.tolist(), columns.tolist(), strict=True), counts.data.tolist(), strict=True))


class TestOverlapMatrix:
    @given(PAIRS_OF_MAPS)
    def test_equals_pixel_loop(self, maps):
        overlap = overlap_matrix(*maps)
        assert as_dictionary(overlap) == overlap_by_loops(*maps)
        for ids, label_map in zip((overlap.row_ids, overlap.column_ids), maps, strict=True):
            assert ids.tolist() == sorted({0, *label_map.ravel().tolist()})
        assert overlap.counts.shape == (overlap.row_ids.size, overlap.column_ids.size)

    def test_sums_runs_cut_by_tasks(self, monkeypatch):
        monkeypatch.setattr("cellseg_monai.label_maps._PIXELS_PER_TASK", 5)
        random = np.random.default_rng(0)
        maps = random.integers(0, 3, (2, 4, 10)).repeat(3, axis=2)
        assert as_dictionary(overlap_matrix(*maps)) == overlap_by_loops(*maps)

    def test_follows_positions_not_memory_order(self):
        transposed = np.asfortranarray(TOUCHING)
        assert as_dictionary(overlap_matrix(TOUCHING, transposed)) == overlap_by_loops(TOUCHING, TOUCHING)

    @pytest.mark.parametrize("shape", [(0, 0), (3, 0)])
    def test_no_pixels(self, shape):
        overlap = overlap_matrix(np.zeros(shape, np.int32), np.zeros(shape, np.int32))
        assert overlap.counts.toarray().tolist() == [[0]]
        assert overlap.row_ids.tolist() == overlap.column_ids.tolist() == [0]

    def test_no_objects(self):
        assert overlap_matrix(np.zeros((3, 5)), np.zeros((3, 5))).counts.toarray().tolist() == [[15]]

    def test_more_than_65535_objects(self):
        ids = many_ids(70_000)
        overlap = overlap_matrix(ids, ids[:, ::-1])
        assert overlap.counts.nnz == 70_000
        assert overlap.counts[1, 70_000] == 1

    def test_refuses_other_shape(self):
        with pytest.raises(ValueError, match=r"differ in shape, \(2, 3\) and \(3, 2\); crop or resample"):
            overlap_matrix(np.zeros((2, 3), int), np.zeros((3, 2), int))


class TestRelabel:
    @given(MAPS)
    def test_equals_scikit_image(self, label_map):
        expected, _, _ = segmentation.relabel_sequential(label_map)
        renumbered = relabel(label_map)
        np.testing.assert_array_equal(renumbered, expected)
        assert renumbered.dtype == np.int32

    @pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "uint16", ">u2", "uint64", "float32"])
    def test_dtypes(self, dtype):
        ids = np.array([[0, 90], [7, 90]]).astype(dtype)
        expected = [[0, 1], [1, 1]] if dtype == "bool" else [[0, 2], [1, 2]]
        assert relabel(ids).tolist() == expected

    def test_every_value_of_a_narrow_type(self):
        everything = np.arange(255, -1, -1, dtype=np.uint8).reshape(16, 16)
        np.testing.assert_array_equal(relabel(everything), everything)

    def test_ids_beyond_int32(self):
        assert relabel(np.array([2**64 - 1, 0, 2**40], np.uint64)).tolist() == [2, 0, 1]

    def test_more_than_65535_objects(self):
        np.testing.assert_array_equal(relabel(many_ids(70_000) * 3), many_ids(70_000))

    @pytest.mark.parametrize("shape", [(0, 4), (3, 5), (2, 3, 4)])
    def test_no_objects(self, shape):
        assert relabel(np.zeros(shape, np.uint16)).tolist() == np.zeros(shape).tolist()

    def test_leaves_its_input_alone(self):
        label_map = np.array([[1, 2]], np.int32)
        relabel(label_map)[...] = 5
        assert label_map.tolist() == [[1, 2]]

    @pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32])
    def test_refuses_negative(self, dtype):
        with pytest.raises(ValueError, match="must not be negative, but the lowest is -3"):
            relabel(np.array([-3, 3], dtype))

    def test_refuses_fractions(self):
        with pytest.raises(ValueError, match="interpolated"):
            relabel([0.5])


CONNECTIVITIES = [pytest.param(2, 1), pytest.param(2, 2), pytest.param(3, 1), pytest.param(3, 2), (3, 3)]


def random_map(dimensions, *, seed=0):
    """Ids 0 to 3 strewn densely, so that all kinds of contact occur."""
    return np.random.default_rng(seed).integers(0, 4, (9,) * dimensions)


def in_reading_order(label_map):
    """The same pieces, numbered as a loop over the pixels meets them."""
    numbers = {0: 0}
    for number in label_map.ravel().tolist():
        numbers.setdefault(number, len(numbers))
    return np.vectorize(numbers.get, otypes=[int])(label_map)


class TestConnectedComponents:
    @pytest.mark.parametrize(("dimensions", "connectivity"), CONNECTIVITIES)
    def test_mask_equals_scipy(self, dimensions, connectivity):
        mask = random_map(dimensions) == 1
        structure = ndimage.generate_binary_structure(dimensions, connectivity)
        expected, count = ndimage.label(mask, structure)
        assert count > 1
        np.testing.assert_array_equal(connected_components(mask, connectivity), expected)

    @pytest.mark.parametrize(("dimensions", "connectivity"), CONNECTIVITIES)
    def test_label_map_equals_scikit_image(self, dimensions, connectivity):
        label_map = random_map(dimensions)
        pieces = connected_components(label_map, connectivity)
        expected = in_reading_order(measure.label(label_map, connectivity=connectivity))
        np.testing.assert_array_equal(pieces, expected)
        assert pieces.dtype == np.int32

    @given(MAPS)
    def test_random_maps_equal_scikit_image(self, label_map):
        expected = in_reading_order(measure.label(label_map, connectivity=2))
        np.testing.assert_array_equal(connected_components(label_map), expected)

    @given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=3, max_side=8)))
    def test_random_masks_equal_scipy(self, mask):
        for connectivity in range(1, mask.ndim + 1):
            expected, _ = ndimage.label(mask, ndimage.generate_binary_structure(mask.ndim, connectivity))
            np.testing.assert_array_equal(connected_components(mask, connectivity), expected)

    def test_separates_touching_cells(self):
        assert connected_components(TOUCHING).tolist() == [[1, 1, 0, 0], [1, 2, 2, 0], [0, 2, 2, 3]]

    @pytest.mark.parametrize("dtype", ["bool", "uint8", ">u2", "uint64", "float32"])
    def test_dtypes(self, dtype):
        assert connected_components(np.array([[0, 1, 0, 1]], dtype)).tolist() == [[0, 1, 0, 2]]

    @pytest.mark.parametrize("order", ["C", "F"])
    def test_read_only_input_of_any_order(self, order):
        label_map = np.array(TOUCHING, order=order)
        label_map.flags.writeable = False
        np.testing.assert_array_equal(connected_components(label_map), connected_components(TOUCHING))

    @pytest.mark.parametrize("shape", [(0, 4), (3, 5), (2, 3, 4)])
    def test_no_objects(self, shape):
        assert connected_components(np.zeros(shape, bool)).tolist() == np.zeros(shape).tolist()

    def test_more_than_65535_pieces(self):
        dots = np.zeros((530, 530), bool)
        dots[::2, ::2] = True
        assert connected_components(dots).max() == 265 * 265 > 65_535

    @pytest.mark.parametrize(("dimensions", "connectivity"), [(1, 1), (2, 0), (2, 3), (3, 4), (4, 1)])
    def test_refuses_connectivity(self, dimensions, connectivity):
        message = f"connectivity {connectivity} is not defined in {dimensions} dimensions; use 1 or 2"
        with pytest.raises(ValueError, match=message):
            connected_components(np.zeros((2,) * dimensions, int), connectivity)


def neighbours(label_map, connectivity):
    """Each pixel's id with the id of each of its neighbours, one at a time."""
    steps = [
        step for step in product((-1, 0, 1), repeat=label_map.ndim) if 0 < np.abs(step).sum() <= connectivity
    ]
    for place in np.ndindex(label_map.shape):
        for step in steps:
            other = tuple(np.add(place, step))
            if all(0 <= index < side for index, side in zip(other, label_map.shape, strict=True)):
                yield place, int(label_map[place]), int(label_map[other])


class TestTouchingPairs:
    @given(MAPS, st.sampled_from([1, 2]))
    def test_equals_pixel_loop(self, label_map, connectivity):
        expected = {(one, other) for _, one, other in neighbours(label_map, connectivity) if 0 < one < other}
        pairs = touching_pairs(label_map, connectivity)
        assert pairs.tolist() == sorted(map(list, expected))
        assert pairs.dtype == np.int64

    def test_by_hand(self):
        assert touching_pairs(TOUCHING).tolist() == [[1, 2], [2, 9]]

    def test_corner_counts_only_if_asked(self):
        assert touching_pairs([[1, 0], [0, 2]], connectivity=1).shape == (0, 2)
        assert touching_pairs([[1, 0], [0, 2]], connectivity=2).tolist() == [[1, 2]]
        assert touching_pairs([[0, 1], [2, 0]], connectivity=2).tolist() == [[1, 2]]

    def test_highest_ids(self):
        assert touching_pairs([[INT32_MAX, INT32_MAX - 1]]).tolist() == [[INT32_MAX - 1, INT32_MAX]]

    def test_volume(self):
        volume = np.zeros((2, 2, 2), int)
        volume[0, 0, 0], volume[1, 1, 1] = 4, 3
        assert touching_pairs(volume, connectivity=2).tolist() == []
        assert touching_pairs(volume, connectivity=3).tolist() == [[3, 4]]

    @pytest.mark.parametrize("label_map", [np.zeros((0, 3)), np.zeros((4, 4)), np.ones((4, 4))])
    def test_no_pairs(self, label_map):
        assert touching_pairs(label_map).shape == (0, 2)

    @pytest.mark.parametrize("connectivity", [0, 3])
    def test_refuses_connectivity(self, connectivity):
        with pytest.raises(ValueError, match=f"between 1 and 2, not {connectivity}"):
            touching_pairs(TOUCHING, connectivity)


class TestBoundaries:
    @given(MAPS, st.sampled_from([1, 2]))
    def test_equals_pixel_loop(self, label_map, connectivity):
        expected = np.zeros(label_map.shape, bool)
        for place, one, other in neighbours(label_map, connectivity):
            expected[place] |= one > 0 and one != other
        np.testing.assert_array_equal(boundaries(label_map, connectivity), expected)

    @pytest.mark.parametrize(("dimensions", "connectivity"), CONNECTIVITIES)
    def test_equals_scikit_image(self, dimensions, connectivity):
        label_map = random_map(dimensions)
        expected = segmentation.find_boundaries(label_map, connectivity, mode="inner")
        np.testing.assert_array_equal(boundaries(label_map, connectivity), expected)

    def test_one_cell(self):
        cell = np.zeros((5, 5), int)
        cell[1:4, 1:4] = 7
        ring = cell > 0
        ring[2, 2] = False
        np.testing.assert_array_equal(boundaries(cell), ring)

    @pytest.mark.parametrize("label_map", [np.zeros((0, 3)), np.zeros((4, 4)), np.ones((4, 4))])
    def test_no_boundary(self, label_map):
        assert not boundaries(label_map).any()

    @pytest.mark.parametrize("connectivity", [0, 3])
    def test_refuses_connectivity(self, connectivity):
        with pytest.raises(ValueError, match=f"between 1 and 2, not {connectivity}"):
            boundaries(TOUCHING, connectivity)


class TestSmallestDtype:
    @pytest.mark.parametrize(
        ("highest", "dtype"),
        [
            (0, "uint8"),
            (255, "uint8"),
            (256, "uint16"),
            (65_535, "uint16"),
            (65_536, "int32"),
            (INT32_MAX, "int32"),
        ],
    )
    def test_limits(self, highest, dtype):
        assert smallest_dtype(highest) == np.dtype(dtype)

    @pytest.mark.parametrize(
        ("highest", "message"),
        [(-1, "must not be negative, but this one is -1"), (2**31, "2147483648 does not fit into")],
    )
    def test_refuses(self, highest, message):
        with pytest.raises(ValueError, match=message):
            smallest_dtype(highest)


class TestCast:
    @given(MAPS)
    def test_keeps_every_id_or_refuses(self, label_map):
        for dtype in (np.uint8, np.uint16, np.int16, np.uint32, np.int64):
            if label_map.max() <= np.iinfo(dtype).max:
                narrowed = cast(label_map, dtype)
                assert narrowed.dtype == dtype
                np.testing.assert_array_equal(narrowed, label_map)
            else:
                with pytest.raises(ValueError, match=f"does not fit into {np.dtype(dtype)}"):
                    cast(label_map, dtype)

    def test_leaves_its_input_alone(self):
        label_map = TOUCHING.copy()
        cast(label_map, np.int32)[...] = 5
        np.testing.assert_array_equal(label_map, TOUCHING)

    @pytest.mark.parametrize("shape", [(0, 4), (3, 5)])
    def test_no_objects(self, shape):
        assert cast(np.zeros(shape, int), np.uint8).shape == shape

    @pytest.mark.parametrize(
        ("highest", "dtype", "message"),
        [
            (
                256,
                "uint8",
                r"id 256 does not fit into uint8 \(at most 255\); write uint16, or call relabel\(\)",
            ),
            (
                65_536,
                "uint16",
                r"id 65536 does not fit into uint16 \(at most 65535\); write int32, or call relabel\(\)",
            ),
            (128, "int8", r"id 128 does not fit into int8 \(at most 127\); write uint8, or call relabel\(\)"),
            (1, "float32", "must be written as integers, not as float32"),
            (1, "bool", "must be written as integers, not as bool"),
        ],
    )
    def test_refuses(self, highest, dtype, message):
        with pytest.raises(ValueError, match=message):
            cast([[0, highest]], dtype)
