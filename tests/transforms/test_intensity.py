import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from monai.data.meta_obj import set_track_meta
from monai.transforms import Compose, RandSpatialCropd, RandSpatialCropSamplesd, SpatialCrop
from PIL import Image

from cellseg_monai.transforms import PercentileStretch, PercentileStretchd, intensity_limits, stretch

PAIRS = [(1, 99, 0.1), (2, 98, 0.1), (0, 100, 0.0), (2, 98, 0.0), (40, 60, 1.0)]

integer_images = hnp.arrays(np.uint16, hnp.array_shapes(min_dims=3, max_dims=3, max_side=12))
float_images = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=4, max_side=8),
    elements=st.floats(-1e6, 1e6, width=32),
)
pairs = st.sampled_from(PAIRS)


def noise_with_cells(share, contrast, seed=0):
    """Noise of 100 ± 5 with a share of pixels brighter, or darker, by the contrast."""
    rng = np.random.default_rng(seed)
    image = rng.normal(100, 5, (1, 200, 200)).astype(np.float32)
    cells = np.zeros(40_000, bool)
    cells[: int(share * 40_000)] = True
    image.reshape(-1)[cells] += contrast
    return image, cells.reshape(image.shape)


class TestLimits:
    @pytest.mark.parametrize(("lower", "upper"), [(2, 98), (1, 99), (0.1, 99.8)])
    def test_plain_percentiles(self, lower, upper):
        image = np.random.default_rng(0).normal(500, 100, (3, 64, 64))
        expected = np.percentile(image.reshape(3, -1), [lower, upper], axis=1).T
        np.testing.assert_allclose(intensity_limits(image, lower, upper, min_range=0), expected)

    def test_nonzero(self):
        image = np.array([[0, 0, 0, 0, 10, 20, 30]])
        assert intensity_limits(image, 0, 50, nonzero=True, min_range=0).tolist() == [[10, 20]]
        assert intensity_limits(image, 0, 50, nonzero=False, min_range=0).tolist() == [[0, 0]]

    def test_all_channels_together(self):
        image = np.stack([np.zeros((4, 4)), np.full((4, 4), 8)])
        assert intensity_limits(image, 0, 100, channel_wise=False).tolist() == [[0, 8]]
        assert intensity_limits(image, 0, 100).tolist() == [[0, 0], [8, 8]]

    def test_widened_upward_for_few_bright_pixels(self):
        image = np.zeros((1, 100, 100))
        image[0, 0, :50] = 1000
        assert intensity_limits(image, 2, 98).tolist() == [[0, 100]]
        assert intensity_limits(image, 2, 98, min_range=0.25).tolist() == [[0, 250]]

    def test_widened_downward_for_few_dark_pixels(self):
        image = np.full((1, 100, 100), 1000)
        image[0, 0, :50] = 0
        assert intensity_limits(image, 2, 98).tolist() == [[900, 1000]]

    def test_one_object_of_few_pixels_falls_back_to_the_extremes(self):
        image = np.zeros((1, 300, 300))
        image[0, 0, :2] = 50
        assert intensity_limits(image).tolist() == [[0, 5]]

    def test_widening_is_continuous_and_never_leaves_the_image(self):
        image, _ = noise_with_cells(0.005, 500)
        steps = np.linspace(0, 1, 201)
        limits = np.concatenate([intensity_limits(image, min_range=step) for step in steps])
        spread = np.ptp(np.percentile(image, [0.01, 99.99]))
        assert np.abs(np.diff(limits, axis=0)).max() <= spread / 200 + 1e-6
        np.testing.assert_allclose(np.diff(limits[-1]), spread)
        assert limits.min() >= image.min()
        assert limits.max() <= image.max()

    def test_settings_out_of_range(self):
        image = np.zeros((1, 4))
        for lower, upper in [(99, 1), (-1, 99), (1, 101), (5, 5)]:
            with pytest.raises(ValueError, match=f"not lower {lower}, upper {upper}"):
                intensity_limits(image, lower, upper)
        with pytest.raises(ValueError, match=r"from 0 to 1, not 1\.5"):
            intensity_limits(image, min_range=1.5)

    @pytest.mark.parametrize("shape", [(5,), (0, 4, 4), (1, 0, 4)])
    def test_no_pixels(self, shape):
        with pytest.raises(ValueError, match="channel-first image that is not empty"):
            intensity_limits(np.zeros(shape))

    @pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
    def test_bad_pixels_are_counted(self, kind):
        image = np.ones((2, 3, 3), np.float32)
        image[1, 0] = [np.nan, np.inf, -np.inf]
        with pytest.raises(ValueError, match=r"the image has 3 NaN or infinite pixels of 18.*nan_to_num"):
            intensity_limits(kind(image))

    def test_bad_pixels_name_the_file(self):
        image = MetaTensor(torch.full((1, 2, 2), torch.nan), meta={"filename_or_obj": "plate/B02.tif"})
        with pytest.raises(ValueError, match=r"plate/B02\.tif has 4 NaN"):
            PercentileStretch()(image)


class TestStretch:
    @pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float16, np.float32, np.float64])
    def test_by_hand(self, kind, dtype):
        image = kind(np.array([[0, 10, 20, 40], [0, 10, 20, 40]], dtype))
        stretched = stretch(image, [[0, 40], [10, 20]])
        assert type(stretched) is type(image)
        assert str(stretched.dtype).endswith("float32")
        assert stretched.tolist() == [[0, 0.25, 0.5, 1], [0, 0, 1, 1]]

    def test_without_clip(self):
        assert stretch(np.array([[0, 40]]), [[10, 20]], clip=False).tolist() == [[-1, 3]]

    def test_keep_zero(self):
        image = np.array([[-2.0, 0.0, 2.0]])
        assert stretch(image, [[-2, 2]], keep_zero=True).tolist() == [[0, 0, 1]]
        assert stretch(image, [[-2, 2]]).tolist() == [[0, 0.5, 1]]

    def test_one_pair_serves_all_channels(self):
        assert stretch(np.array([[4], [8]]), [[0, 8]]).tolist() == [[0.5], [1]]

    def test_large_numbers_keep_their_differences(self):
        image = np.array([[2_000_000_001, 2_000_000_002, 2_000_000_003]], np.int32)
        assert stretch(image, [[2_000_000_001, 2_000_000_003]]).tolist() == [[0, 0.5, 1]]

    def test_the_image_is_left_alone(self):
        image = np.array([[1.0, 2.0]], np.float32)
        stretch(image, [[0, 4]], keep_zero=True)
        assert image.tolist() == [[1, 2]]

    @pytest.mark.parametrize(
        ("limits", "message"),
        [
            ([[0, 1], [0, 1], [0, 1]], r"2 channels, but its limits have shape \(3, 2\)"),
            ([0, 1], r"limits have shape \(2,\)"),
            ([[1, 0]], r"ascending, not \[\[1.0, 0.0\]\]"),
            ([[0, np.nan]], "finite"),
        ],
        ids=["too many", "flat", "descending", "NaN"],
    )
    def test_unfit_limits(self, limits, message):
        with pytest.raises(ValueError, match=message):
            stretch(np.zeros((2, 4)), limits)


class TestSparseImages:
    """99 % of noise and 1 % of cells: both percentiles lie in the noise."""

    @pytest.mark.parametrize("share", [0.001, 0.005, 0.015], ids=lambda share: f"{share:.1%} cells")
    @pytest.mark.parametrize("contrast", [2000, -2000], ids=["bright", "dark"])
    def test_noise_does_not_fill_the_range(self, share, contrast):
        image, cells = noise_with_cells(share, contrast)
        plain = stretch(image, intensity_limits(image, 2, 98, min_range=0))
        ours = stretch(image, intensity_limits(image, 2, 98))
        assert plain[~cells].std() > 0.2
        assert ours[~cells].std() < 0.03
        assert abs(ours[cells].mean() - ours[~cells].mean()) > 0.8

    def test_dense_images_get_the_published_stretch(self):
        image, _ = noise_with_cells(0.3, 500)
        np.testing.assert_array_equal(
            intensity_limits(image, 2, 98), intensity_limits(image, 2, 98, min_range=0)
        )

    @pytest.mark.parametrize("value", [0, 7, -3.5, 65_535, 1e9])
    @pytest.mark.parametrize("nonzero", [False, True])
    def test_a_constant_image_becomes_zero(self, value, nonzero):
        assert PercentileStretch(nonzero=nonzero)(np.full((2, 5, 5), value)).unique().tolist() == [0]

    def test_zero_pixels_stay_zero(self):
        image = np.array([[0, 0, 0, 5, 6, 7, 8]])
        stretched = PercentileStretch(0, 100, nonzero=True)(image)
        np.testing.assert_allclose(stretched.numpy(), [[0, 0, 0, 0, 1 / 3, 2 / 3, 1]], rtol=1e-6)
        below_zero = PercentileStretch(0, 100, nonzero=True)(np.array([[-1.0, 0.0, 1.0]]))
        assert below_zero.tolist() == [[0, 0, 1]]


class TestProperties:
    @settings(max_examples=50)
    @given(integer_images | float_images, pairs, st.booleans(), st.booleans())
    def test_from_zero_to_one(self, image, pair, nonzero, channel_wise):
        stretched = PercentileStretch(
            pair[0], pair[1], nonzero=nonzero, channel_wise=channel_wise, min_range=pair[2]
        )(image).numpy()
        assert stretched.dtype == np.float32
        assert ((stretched >= 0) & (stretched <= 1)).all()

    @settings(max_examples=50)
    @given(integer_images | float_images, pairs)
    def test_monotone(self, image, pair):
        lower, upper, min_range = pair
        stretched = stretch(image, intensity_limits(image, lower, upper, min_range=min_range), clip=False)
        for before, after in zip(image, stretched, strict=True):
            in_order = after.ravel()[np.argsort(before, axis=None)]
            assert (np.diff(in_order) >= 0).all()

    @settings(max_examples=50)
    @given(integer_images, pairs, st.floats(0.01, 100), st.floats(-1000, 1000))
    def test_gain_and_offset_do_not_matter(self, image, pair, gain, offset):
        lower, upper, min_range = pair
        changed = image.astype(np.float64) * gain + offset
        one, other = (
            stretch(x, intensity_limits(x, lower, upper, min_range=min_range)) for x in (image, changed)
        )
        np.testing.assert_allclose(one, other, atol=1e-4)

    @settings(max_examples=30)
    @given(integer_images, pairs, st.data())
    def test_crop_equals_whole(self, image, pair, data):
        start = [data.draw(st.integers(0, length - 1)) for length in image.shape[1:]]
        part = (slice(None), *(slice(first, None) for first in start))
        whole = MetaTensor(image.astype(np.float32))
        transform = PercentileStretch(pair[0], pair[1], min_range=pair[2])
        crop = SpatialCrop(roi_start=start, roi_end=image.shape[1:])
        expected = transform(whole)[part]
        stretched_then_cropped = crop(transform(whole))
        whole.meta["intensity_limits"] = intensity_limits(image, pair[0], pair[1], min_range=pair[2])
        cropped_then_stretched = transform(crop(whole))
        np.testing.assert_array_equal(stretched_then_cropped.numpy(), expected.numpy())
        np.testing.assert_array_equal(cropped_then_stretched.numpy(), expected.numpy())


class TestTransform:
    def test_limits_of_the_call_come_before_those_of_the_image(self):
        image = MetaTensor(torch.tensor([[0.0, 50.0]]), meta={"intensity_limits": [[0, 100]]})
        assert PercentileStretch()(image).tolist() == [[0, 0.5]]
        assert PercentileStretch()(image, limits=[[0, 200]]).tolist() == [[0, 0.25]]

    def test_records_what_it_did(self):
        image = MetaTensor(torch.tensor([[0.0, 50.0]]), meta={"filename_or_obj": "a.tif"})
        stretched = PercentileStretch(0, 100)(image)
        assert stretched.meta["intensity_limits"].tolist() == [[0, 50]]
        assert stretched.meta["intensity_stretch"] == (
            "percentiles 0 to 100, nonzero False, channel_wise True, min_range 0.1"
        )
        assert stretched.meta["filename_or_obj"] == "a.tif"
        assert "intensity_limits" not in image.meta
        given = PercentileStretch()(image, limits=[[0, 100]])
        assert given.meta["intensity_stretch"] == "given limits"

    @pytest.mark.parametrize("limits", [None, [[0, 1]]], ids=["own", "given"])
    def test_a_second_stretch_is_refused(self, limits):
        once = PercentileStretch(1, 99)(MetaTensor(torch.rand(1, 9), meta={"filename_or_obj": "a.tif"}))
        with pytest.raises(ValueError, match=r"a\.tif is already stretched \(percentiles 1 to 99"):
            PercentileStretch(2, 98)(once, limits)

    def test_a_crop_without_limits_is_refused(self):
        image = MetaTensor(torch.rand(1, 9, 9), meta={"filename_or_obj": "a.tif"})
        crop = SpatialCrop(roi_start=(0, 0), roi_end=(4, 4))(image)
        with pytest.raises(ValueError, match=r"a\.tif was cropped by SpatialCrop.*stretch before you crop"):
            PercentileStretch()(crop)
        assert PercentileStretch()(crop, limits=[[0, 1]]).shape == (1, 4, 4)

    @pytest.mark.parametrize(
        "crop",
        [
            RandSpatialCropd("image", (4, 4), random_size=False),
            RandSpatialCropSamplesd("image", (4, 4), num_samples=2, random_size=False),
        ],
        ids=["one", "samples"],
    )
    def test_random_crops_too(self, crop):
        cropped = crop({"image": MetaTensor(torch.rand(1, 9, 9))})
        first = cropped[0] if isinstance(cropped, list) else cropped
        with pytest.raises(ValueError, match="was cropped by Rand"):
            PercentileStretchd("image")(first)

    def test_a_region_without_limits_is_refused(self):
        region = MetaTensor(torch.rand(1, 4, 4), meta={"region": np.array([0, 4, 0, 4])})
        with pytest.raises(ValueError, match="was cropped by reading a region"):
            PercentileStretch()(region)
        region.meta["intensity_limits"] = np.array([[0.0, 1.0]])
        torch.testing.assert_close(PercentileStretch()(region).as_tensor(), region.as_tensor())

    def test_plain_tensor_where_meta_data_are_off(self):
        set_track_meta(False)
        try:
            stretched = PercentileStretch(0, 100)(torch.tensor([[0.0, 2.0]]))
        finally:
            set_track_meta(True)
        assert type(stretched) is torch.Tensor
        assert stretched.tolist() == [[0, 1]]

    def test_settings_are_checked_at_construction(self):
        with pytest.raises(ValueError, match="not lower 99, upper 1"):
            PercentileStretchd("image", lower=99, upper=1)

    @pytest.mark.parametrize("clip", [True, False])
    @pytest.mark.parametrize("nonzero", [True, False])
    @pytest.mark.parametrize("channel_wise", [True, False])
    @pytest.mark.parametrize("min_range", [0, 0.5])
    def test_dictionary_equals_array(self, clip, nonzero, channel_wise, min_range):
        image = np.random.default_rng(0).poisson(2, (2, 20, 20)) * np.array([1, 9]).reshape(2, 1, 1)
        options = {
            "nonzero": nonzero,
            "channel_wise": channel_wise,
            "min_range": min_range,
            "clip": clip,
        }
        expected = PercentileStretch(5, 60, **options)(image)
        stretch_both = PercentileStretchd(["a", "b"], 5, 60, **options, allow_missing_keys=True)
        item = stretch_both({"a": image})
        np.testing.assert_array_equal(item["a"].numpy(), expected.numpy())
        assert item.keys() == {"a"}

    def test_missing_key(self):
        with pytest.raises(KeyError, match="b"):
            PercentileStretchd(["a", "b"])({"a": np.zeros((1, 4))})

    def test_a_batch_is_refused(self):
        batch = next(iter(DataLoader(Dataset([MetaTensor(torch.rand(1, 4, 4))] * 2), batch_size=2)))
        with pytest.raises(ValueError, match="stretch each image before they are collated"):
            PercentileStretch()(batch)

    def test_meta_data_collate(self):
        items = [{"image": MetaTensor(torch.rand(2, 8, 8) * gain)} for gain in (1, 100)]
        pipeline = Compose(
            [PercentileStretchd("image", 0, 100), RandSpatialCropd("image", (4, 4), random_size=False)]
        )
        batch = next(iter(DataLoader(Dataset(items, pipeline), batch_size=2)))["image"]
        assert batch.meta["intensity_limits"].shape == (2, 2, 2)
        for image in decollate_batch(batch):
            with pytest.raises(ValueError, match="already stretched"):
                PercentileStretch()(image)


def test_a_real_sparse_image(real_images):
    """One nucleus in noise of three grey levels: the plain stretch shows nothing but noise."""
    image = np.array(Image.open(real_images / "sparse/07_93c5638e.png"))[..., :1].T
    background = image < 10
    plain = stretch(image, intensity_limits(image, 2, 98, min_range=0))
    ours = PercentileStretch(2, 98)(image).numpy()
    assert plain[background].std() > 0.25
    assert ours[background].std() < 0.1
    assert ours[~background].mean() > 0.9


@pytest.mark.parametrize(
    ("source", "folder"),
    [
        ("real_images", "nuclei/train"),
        ("real_data", "tasks/phase/train"),
        ("real_data", "timelapse/c2c12_phase"),
    ],
)
def test_real_images_use_the_range(request, source, folder):
    for file in sorted((request.getfixturevalue(source) / folder / "images").iterdir())[:3]:
        stretched = PercentileStretch(2, 98)(np.array(Image.open(file))[None])
        assert stretched.std() > 0.1
        assert ((stretched > 0) & (stretched < 1)).float().mean() > 0.9


@pytest.mark.gpu
def test_gpu_equals_cpu():
    image = torch.rand(2, 300, 300)
    on_gpu = PercentileStretch()(image.cuda())
    assert on_gpu.device.type == "cuda"
    torch.testing.assert_close(on_gpu.cpu().as_tensor(), PercentileStretch()(image).as_tensor())
