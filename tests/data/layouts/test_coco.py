import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellseg_monai.data.layouts.painting import segmentation_pixels
from cellseg_monai.run_lengths import decode_counts


def encode_counts(runs: list[int]) -> str:
    """The published encoder, written out for the test: differences from the fourth on, base 32, low first."""
    text = ""
    for place, run in enumerate(runs):
        number = run - runs[place - 2] if place > 2 else run
        while True:
            digit, number = number & 31, number >> 5
            done = number == (-1 if digit & 16 else 0)
            text += chr(48 + digit + (0 if done else 32))
            if done:
                break
    return text


def test_union_of_polygons_counts_shared_pixels_once() -> None:
    square, shifted = [0, 0, 4, 0, 4, 4, 0, 4], [2, 2, 6, 2, 6, 6, 2, 6]
    assert len(segmentation_pixels([square, shifted], (8, 8))) == 16 + 16 - 4


def test_no_polygons_is_no_pixel() -> None:
    assert segmentation_pixels([], (8, 8)).size == 0


def test_runs_go_down_the_columns() -> None:
    # columns of the 3 × 2 image: 0 1 1 | 1 0 0
    expected = [[0, 1], [1, 0], [1, 0]]
    pixels = segmentation_pixels({"size": [3, 2], "counts": [1, 3, 2]}, (3, 2))
    np.testing.assert_array_equal(pixels, np.flatnonzero(expected))


def test_object_at_the_first_pixel_begins_with_an_empty_run() -> None:
    assert segmentation_pixels({"size": [2, 2], "counts": [0, 1, 3]}, (2, 2)).tolist() == [0]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("131", [1, 3, 1]),
        ("1310", [1, 3, 1, 3]),
        ("131N", [1, 3, 1, 1]),
        ("P1", [32]),
        ("?", [15]),
        ("`0", [16]),
        ("oo1", [2047]),
        ("", []),
    ],
    ids=[
        "plain",
        "fourth is a difference",
        "negative",
        "two digits",
        "15",
        "16 needs a sign bit",
        "long",
        "none",
    ],
)
def test_counts_as_text(text: str, runs: list[int]) -> None:
    assert decode_counts(text) == runs


@given(st.lists(st.integers(0, 1 << 24), max_size=12))
def test_counts_survive_encoding(runs: list[int]) -> None:
    assert decode_counts(encode_counts(runs)) == runs


def test_text_and_list_give_the_same_pixels() -> None:
    runs = [5, 20, 40, 35]
    outlines = [{"size": [10, 10], "counts": counts} for counts in (runs, encode_counts(runs))]
    first, second = (segmentation_pixels(outline, (10, 10)) for outline in outlines)
    assert first.size == 55
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ({"size": [9, 9], "counts": [81]}, r"size \[9, 9\]"),
        ({"size": [8, 8], "counts": [60]}, "add up to 60 pixels, but the image has 64"),
        ({"size": [8, 8], "counts": [-1, 65]}, "whole numbers from 0"),
        ({"size": [8, 8], "counts": ["64"]}, "whole numbers from 0"),
        ({"size": [8, 8], "counts": "é"}, "not a digit"),
        ({"size": [8, 8]}, "not None"),
        ([[0, 0, 1]], "alternating x and y"),
        ([0, 0, 4, 4], "alternating x and y"),
        ([[0, 0, None, 0, 4, {}]], "not a number"),
        (None, "polygons or run lengths, not None"),
    ],
    ids=["size", "short", "negative", "text", "character", "none", "odd", "flat", "objects", "null"],
)
def test_what_is_no_outline(segmentation: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        segmentation_pixels(segmentation, (8, 8))
