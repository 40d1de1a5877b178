import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellseg_monai.transforms import percentiles as module
from cellseg_monai.transforms.percentiles import percentiles

PERCENTS = [0, 0.01, 1, 37.5, 50, 98, 99.99, 100]

IMAGES = {
    "bool": np.random.default_rng(0).random((13, 17)) > 0.3,
    "uint8": np.random.default_rng(1).integers(0, 256, (31, 7), dtype=np.uint8),
    "int8, its whole range": np.arange(-128, 128, dtype=np.int8),
    "uint16, its whole range": np.array([[0, 65_535, 65_535, 3]], np.uint16),
    "int32, wider than a histogram": np.array([-2_000_000_000, 5, 7, 2_000_000_000], np.int32),
    "whole numbers as float32": np.random.default_rng(2).integers(-50, 4096, (40, 40)).astype(np.float32),
    "float32": np.random.default_rng(3).normal(100, 30, (50, 41)).astype(np.float32),
    "float64": np.random.default_rng(4).normal(0, 1e-9, 1000),
    "one fraction at the end": np.append(np.arange(200_000, dtype=np.float32) % 100, 0.5),
    "one pixel": np.array([[42.5]]),
}


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES.keys())
@pytest.mark.parametrize("nonzero", [False, True])
def test_equals_numpy(image, nonzero):
    judged = image[image != 0] if nonzero else image
    expected = np.percentile(judged.astype(np.float64), PERCENTS)
    np.testing.assert_allclose(percentiles(image, PERCENTS, nonzero), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.uint16, torch.float32, torch.bfloat16])
def test_tensors_of_any_dtype(dtype):
    image = torch.arange(100).to(dtype)
    np.testing.assert_allclose(percentiles(image, [10, 50]), [9.9, 49.5])


@pytest.mark.parametrize("nonzero", [False, True])
def test_the_way_of_accelerators_gives_the_same(monkeypatch, nonzero):
    monkeypatch.setattr(module, "_flat", torch.flatten)
    image = torch.as_tensor(IMAGES["whole numbers as float32"]) * 0.1
    judged = image[image != 0] if nonzero else image
    expected = np.percentile(judged.double().numpy(), PERCENTS)
    np.testing.assert_allclose(percentiles(image, PERCENTS, nonzero), expected, rtol=1e-12)


@pytest.mark.gpu
def test_on_a_gpu():
    image = torch.as_tensor(IMAGES["float32"])
    np.testing.assert_allclose(percentiles(image.cuda(), PERCENTS), percentiles(image, PERCENTS))


@settings(max_examples=60)
@given(
    hnp.arrays(np.float64, st.integers(1, 60), elements=st.integers(-5, 5)),
    st.lists(st.floats(0, 100), min_size=1, max_size=4),
)
def test_counting_and_selecting_agree(image, percents):
    shift = 0.25  # a fraction sends the same values the other way
    counted = percentiles(image, percents)
    np.testing.assert_allclose(percentiles(image + shift, percents), np.add(counted, shift), atol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_bad_pixel_shows(bad):
    image = np.arange(50.0)
    image[20] = bad
    assert np.isnan(percentiles(image, [40, 60])).all()


@pytest.mark.parametrize("image", [np.zeros((3, 3)), np.zeros(4, np.uint8)], ids=["float", "integer"])
def test_no_pixel_to_judge_by(image):
    assert percentiles(image, [1, 99], nonzero=True) == [0, 0]


def test_order_in_memory_does_not_matter():
    image = np.random.default_rng(5).normal(size=(20, 30))
    assert percentiles(image.T[::-1], PERCENTS) == percentiles(image, PERCENTS)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_beyond_the_limit_of_torch_quantile(dtype):
    image = np.arange(25_000_000, dtype=np.int64).reshape(5000, 5000) % 4001
    image = image.astype(dtype) + (0.5 if dtype == np.float32 else 0)
    np.testing.assert_allclose(percentiles(image, [1, 99]), np.percentile(image, [1, 99]), rtol=1e-6)
