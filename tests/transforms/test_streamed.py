import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellseg_monai.transforms import PercentileStretch, PercentileStretchd, intensity_limits, streamed_limits

RANDOM = np.random.default_rng(0)
IMAGES = {
    "bool": RANDOM.random((1, 20, 30)) > 0.3,
    "uint8, three channels": RANDOM.integers(0, 256, (3, 31, 17), dtype=np.uint8),
    "int8, its whole range": np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16),
    "uint16": RANDOM.integers(0, 65_536, (1, 40, 40), dtype=np.uint16),
    "int16": RANDOM.integers(-30_000, 300, (2, 20, 20), dtype=np.int16),
    "float32": RANDOM.normal(5, 30, (2, 50, 41)).astype(np.float32),
    "float32, half of it zero": RANDOM.normal(0, 1, (1, 60, 60)).clip(0).astype(np.float32),
    "float32, tiny and huge": np.array([[[1e-38, -1e38, 0.0, -0.0, 3e-45, 1e38, 7, 7]]], np.float32),
    "all zero": np.zeros((1, 9, 9), np.float32),
    "constant": np.full((1, 9, 9), 7, np.uint16),
    "few bright pixels": np.where(RANDOM.random((1, 100, 100)) > 0.995, 4000, 100).astype(np.uint16),
    "one pixel": np.array([[[42]]], np.uint8),
}  # fmt: skip


def parts(image: np.ndarray, columns: int = 7) -> list[np.ndarray]:
    return [image[:, :, start : start + columns] for start in range(0, image.shape[2], columns)]


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES.keys())
@pytest.mark.parametrize("nonzero", [False, True], ids=["all pixels", "nonzero"])
@pytest.mark.parametrize("channel_wise", [False, True], ids=["all channels", "each channel"])
def test_limits_are_those_of_the_whole_image(image: np.ndarray, nonzero: bool, channel_wise: bool) -> None:
    options = {"nonzero": nonzero, "channel_wise": channel_wise, "min_range": 0.05}
    whole = intensity_limits(image, 2, 98, **options)
    streamed = streamed_limits(lambda: parts(image), 2, 98, **options)
    np.testing.assert_array_equal(streamed, whole)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=200), st.floats(0, 49), st.integers(1, 50)
)
def test_limits_of_any_numbers(values: list[float], lower: float, columns: int) -> None:
    image = np.array(values, np.float32).reshape(1, 1, -1)
    streamed = streamed_limits(lambda: parts(image, columns), lower, 100 - lower, min_range=0)
    expected = np.percentile(image.astype(np.float64), [[lower, 100 - lower]])
    np.testing.assert_allclose(streamed, expected, rtol=1e-9, atol=1e-9)


def test_wide_types_are_taken_as_float32() -> None:
    image = np.arange(1_000_000, 1_010_000).reshape(1, 100, 100)
    expected = intensity_limits(image.astype(np.float32))
    np.testing.assert_array_equal(streamed_limits(lambda: parts(image)), expected)


@pytest.mark.parametrize(("dtype", "readings"), [(np.uint16, 1), (np.float32, 2)], ids=["16 bits", "32 bits"])
def test_an_image_is_read_as_often_as_it_must_be(dtype: type, readings: int) -> None:
    read = []

    def once_more() -> list[np.ndarray]:
        read.append(1)
        return [np.ones((1, 4, 4), dtype)]

    streamed_limits(once_more)
    assert len(read) == readings


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: [], "the image has no parts"),
        (lambda: [np.zeros((1, 0, 4))], r"a part has shape \(1, 0, 4\)"),
        (lambda: [np.array([[1.0, np.nan]])], "NaN or infinite"),
        (lambda: [np.array([[1.0, np.inf]])], "NaN or infinite"),
    ],
    ids=["none", "empty", "NaN", "infinite"],
)
def test_refuses(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        streamed_limits(make)


def test_the_stretch_asks_with_its_own_settings_and_takes_the_answer_for_a_part() -> None:
    image = RANDOM.integers(0, 900, (2, 30, 30)).astype(np.float32)
    settings = {"lower": 5, "upper": 90, "nonzero": True, "channel_wise": False, "min_range": 0.4}
    stretch, by_key = PercentileStretch(**settings), PercentileStretchd("image", **settings)
    limits = stretch.limits_of(lambda: parts(image))
    np.testing.assert_array_equal(limits, intensity_limits(image, **settings))
    np.testing.assert_array_equal(by_key.limits_of(lambda: parts(image)), limits)
    whole = stretch(torch.as_tensor(image))
    part = stretch(torch.as_tensor(image[:, :9, :9]), limits)
    torch.testing.assert_close(part.as_tensor(), whole[:, :9, :9].as_tensor(), rtol=0, atol=0)
