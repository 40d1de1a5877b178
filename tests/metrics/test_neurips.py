"""The challenge's F1 against its definition, written out without any of the package's code, and by hand."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from cellseg_monai.metrics import LabelMapMetric, neurips_counts, neurips_f1, neurips_scores
from tests.metrics.cases import CASES, iou_table


def without_border(image):
    height, width = image.shape
    return np.where(
        np.isin(
            image,
            [
                image[row, column]
                for row in range(height)
                for column in range(width)
                if row < 2 or column < 2 or row >= height - 2 or column >= width - 2
            ],
        ),
        0,
        image,
    )


@pytest.mark.parametrize(("pred", "truth"), CASES)
@pytest.mark.parametrize("threshold", [0.5, 0.2])
def test_definition(pred, truth, threshold):
    pred, truth = (np.pad(without_border(np.pad(image, 1)), 3) for image in (pred, truth))
    table = iou_table(pred, truth)
    hits = (
        table[linear_sum_assignment(np.where(table >= threshold, 1000 + table, 0), maximize=True)]
        >= threshold
    ).sum()
    assert neurips_counts(pred, truth, threshold).tolist() == [hits, *table.shape]


@pytest.mark.parametrize(("pred", "truth"), CASES)
def test_border(pred, truth):
    counts = neurips_counts(pred, truth)
    assert counts[1:].tolist() == [
        len(set(np.unique(without_border(image))) - {0}) for image in (pred, truth)
    ]


def cells_at(shape, *corners, size=3):
    image = np.zeros(shape, np.int32)
    for number, (row, column) in enumerate(corners, start=1):
        image[row : row + size, column : column + size] = number
    return image


@pytest.mark.parametrize(
    ("corner", "counts"),
    [
        ((2, 2), True),
        ((1, 4), False),
        ((4, 1), False),
        ((0, 0), False),
        ((5, 5), True),
        ((6, 4), False),
        ((4, 6), False),
    ],
)
def test_a_cell_on_the_band_of_two_pixels_does_not_count(corner, counts):
    """The image has 10 × 10 pixels, a cell at 5 ends at 7, the last pixel before the band."""
    image = cells_at((10, 10), corner)
    assert neurips_counts(image, image).tolist() == [counts] * 3


def test_iou_of_exactly_a_half_matches():
    pred, truth = np.zeros((2, 9, 12), np.int32)
    pred[4, 3:6] = 1
    truth[4, 4:7] = 1
    assert neurips_counts(pred, truth).tolist() == [1, 1, 1]
    truth[5, 4] = 1
    assert neurips_counts(pred, truth).tolist() == [0, 1, 1]


def test_one_id_in_two_places_is_one_object_also_at_the_border():
    truth = cells_at((14, 14), (3, 3), (8, 8))
    assert neurips_counts(np.minimum(truth, 1), truth).tolist() == [1, 1, 2]
    truth[0, 0] = 2
    assert neurips_counts(np.minimum(truth, 1), truth).tolist() == [0, 0, 1]


@pytest.mark.parametrize("empty", [0.0, 1.0])
def test_two_empty_maps(empty):
    nothing = np.zeros((9, 9), int)
    assert neurips_f1(nothing, nothing) == 0
    assert neurips_f1(nothing, nothing, empty=empty) == empty
    assert neurips_f1(cells_at((9, 9), (3, 3)), nothing, empty=empty) == 0
    assert neurips_f1(nothing, cells_at((9, 9), (3, 3)), empty=empty) == 0


TILED = [
    ((100, 100), True, "inside a tile"),
    ((1999, 100), False, "over a seam"),
    ((2000, 100), False, "at a seam, above"),
    ((2002, 2002), True, "beside the band of a seam"),
    ((1995, 1995), True, "last pixel before the band"),
    ((1996, 100), False, "in the band of a seam"),
    ((4997, 4997), True, "at the edge of the image, which the last tile is filled up beyond"),
    ((0, 0), False, "at the edge of the first tile"),
]


@pytest.mark.parametrize(("corner", "counts"), [case[:2] for case in TILED], ids=[case[2] for case in TILED])
def test_5000_by_5000_is_cut_into_tiles(corner, counts):
    image = cells_at((5000, 5000), corner)
    assert neurips_counts(image, image).tolist() == [counts] * 3


def test_counts_of_tiles_are_summed_and_an_id_counts_in_each_tile():
    image = cells_at((5000, 5000), (100, 100), (100, 2100), (3000, 3000))
    assert neurips_counts(np.minimum(image, 1), image).tolist() == [3, 3, 3]


def test_a_smaller_image_is_not_cut():
    image = cells_at((4999, 5000), (1999, 100), (4995, 100))
    assert neurips_counts(image, image).tolist() == [1, 1, 1]


def test_metric():
    image = torch.from_numpy(cells_at((10, 10), (3, 3)))[None]
    metric = LabelMapMetric(neurips_counts, neurips_scores, "median")
    metric([image, image, image * 0], [image, image, image * 0])
    assert metric.get_buffer().tolist() == [[1], [1], [0]]
    assert metric.aggregate().item() == 1
    one_if_empty = partial(neurips_scores, empty=1)
    cases = [(neurips_scores, "mean", 2 / 3), (one_if_empty, "mean", 1), (neurips_scores, "pooled", 1)]
    for scores, reduction, expected in cases:
        metric = LabelMapMetric(neurips_counts, scores, reduction)
        metric([image, image, image * 0], [image, image, image * 0])
        assert metric.aggregate().item() == pytest.approx(expected)


@pytest.mark.parametrize(("threshold", "expected"), [(0.5, 1), (0.51, 0)])
def test_threshold(threshold, expected):
    pred, truth = np.zeros((2, 9, 12), np.int32)
    pred[4, 3:6] = truth[4, 4:7] = 1
    assert neurips_f1(pred, truth, threshold) == expected


def test_planes_of_one_shape_are_compared():
    with pytest.raises(ValueError, match="the challenge scores planes, not"):
        neurips_counts(np.zeros((1, 9, 9)), np.zeros((1, 9, 9)))
