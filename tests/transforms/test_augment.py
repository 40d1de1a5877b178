import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import DataLoader, Dataset, MetaTensor
from monai.transforms import Compose
from PIL import Image

from cellseg_monai.transforms import RandElasticGrid, RandElasticGridd

BOTH = ["image", "label"]
MODES = ["bilinear", "nearest"]


def cells(size=48, first_id=1):
    """A grid of square cells, as image and as label."""
    rows = torch.arange(size) // 12
    ids = (rows[:, None] * 4 + rows + first_id).to(torch.int32)
    ids[torch.arange(size) % 12 < 2] = 0
    ids[:, torch.arange(size) % 12 < 2] = 0
    return {"image": (ids > 0).float()[None], "label": ids[None]}


@settings(max_examples=40)
@given(
    st.floats(0, 1000),
    st.integers(2, 5),
    st.sampled_from(["reflection", "border", "zeros"]),
    st.sampled_from([1, 2**24 + 1]),
    st.integers(0, 2**31),
)
def test_no_new_ids_ever(sigma, points, padding_mode, first_id, seed):
    item = cells(first_id=first_id)
    deform = RandElasticGridd(BOTH, MODES, points, sigma, prob=1.0, padding_mode=padding_mode)
    label = deform.set_random_state(seed)(item)["label"]
    assert label.dtype == torch.int32
    assert set(label.unique().tolist()) <= set(item["label"].unique().tolist())


def test_label_follows_image():
    item = RandElasticGridd(BOTH, MODES, sigma=4.0, prob=1.0).set_random_state(0)(cells())
    image, label = item["image"], item["label"]
    assert not torch.equal(label.as_tensor(), cells()["label"])
    assert ((image > 0.5) == (label > 0)).float().mean() > 0.99


@pytest.mark.parametrize(
    "change",
    [{"sigma": 2.0}, {"points": 4}, {"padding_mode": "zeros"}, {"mode": "bicubic"}],
    ids=lambda change: next(iter(change)),
)
def test_every_argument_has_an_effect(change):
    image = cells()["image"] + 1
    usual = {"mode": "bilinear", "points": 3, "sigma": 5.0, "padding_mode": "border", "prob": 1.0}
    one, other = (
        RandElasticGrid(**settings).set_random_state(0)(image) for settings in (usual, usual | change)
    )
    assert not torch.allclose(one, other)


def test_same_seed_same_result_and_array_equals_dictionary():
    item = cells()
    deform = RandElasticGridd(BOTH, MODES, prob=0.7).set_random_state(3)
    again = RandElasticGridd(BOTH, MODES, prob=0.7).set_random_state(3)
    alone = RandElasticGrid("nearest", prob=0.7).set_random_state(3)
    for _ in range(5):
        label = deform(item)["label"]
        assert torch.equal(label, again(item)["label"])
        assert torch.equal(label, alone(item["label"]))


def test_the_last_deformation_can_be_repeated():
    item = cells()
    deform = RandElasticGrid("nearest", prob=1.0).set_random_state(0)
    once = deform(item["label"])
    assert torch.equal(deform(item["label"], randomize=False), once)
    assert not torch.equal(deform(item["label"]), once)


@pytest.mark.parametrize("prob", [0.0, 0.3, 1.0])
def test_probability(prob):
    batch = torch.rand(400, 1, 16, 16)
    deformed = RandElasticGrid("bilinear", prob=prob).set_random_state(0)(batch)
    changed = (deformed != batch).flatten(1).any(1).float().mean().item()
    assert changed == pytest.approx(prob, abs=0.07)


def test_each_sample_of_a_batch_has_its_own_deformation():
    one = torch.rand(1, 32, 32)
    first, second = RandElasticGrid("bilinear", prob=1.0).set_random_state(0)(torch.stack([one, one]))
    assert not torch.allclose(first, second)


def test_batches_of_images_and_labels_stay_together():
    samples = [cells() for _ in range(6)]
    batch = {key: torch.stack([sample[key] for sample in samples]) for key in BOTH}
    deformed = RandElasticGridd(BOTH, MODES, sigma=4.0, prob=0.5).set_random_state(0)(batch)
    assert ((deformed["image"] > 0.5) == (deformed["label"] > 0)).float().mean() > 0.99


def test_lists_of_samples_in_a_pipeline():
    deform = RandElasticGridd(BOTH, MODES, prob=1.0)
    first, second = Compose([deform]).set_random_state(0)([cells(), cells()])
    assert not torch.equal(first["label"], second["label"])


def test_workers_draw_differently_and_meta_data_stay():
    items = [{"image": MetaTensor(torch.rand(1, 16, 16), meta={"filename_or_obj": name})} for name in "ab"]
    deform = Compose([RandElasticGridd("image", "bilinear", prob=1.0)])
    batch = next(iter(DataLoader(Dataset(items, deform), batch_size=2)))["image"]
    assert batch.meta["filename_or_obj"] == ["a", "b"]
    again = deform({"image": batch})["image"]
    assert again.meta["filename_or_obj"] == ["a", "b"]
    assert again.shape == (2, 1, 16, 16)


@pytest.mark.parametrize("prob", [0.0, 1.0])
def test_dtype_does_not_depend_on_chance(prob):
    image = np.full((1, 16, 16), 500, np.int16)
    assert RandElasticGrid("bilinear", prob=prob)(image).dtype == torch.float32
    assert RandElasticGrid("nearest", prob=prob)(image).dtype == torch.int16


def test_volumes():
    label = torch.arange(4 * 16**3, dtype=torch.int32).reshape(4, 16, 16, 16)
    deform = RandElasticGrid("nearest", prob=1.0, spatial_dims=3).set_random_state(0)
    assert deform(label).shape == label.shape
    assert deform(label[None]).shape == (1, *label.shape)


def test_missing_keys():
    only_image = {"image": cells()["image"]}
    assert RandElasticGridd(BOTH, MODES, allow_missing_keys=True)(only_image).keys() == {"image"}
    assert RandElasticGridd(BOTH, MODES, allow_missing_keys=True)({"other": 1}) == {"other": 1}
    with pytest.raises(KeyError, match="label"):
        RandElasticGridd(BOTH, MODES)(only_image)


def test_images_of_different_size():
    item = {
        "image": MetaTensor(torch.zeros(1, 16, 16), meta={"filename_or_obj": "a.tif"}),
        "label": torch.zeros(1, 16, 17),
    }
    with pytest.raises(ValueError, match=r"image a\.tif, \(1, 16, 16\); label, the image, \(1, 16, 17\)"):
        RandElasticGridd(BOTH, MODES)(item)


def test_a_channel_axis_is_missing():
    with pytest.raises(ValueError, match=r"shape \(16, 16\).* 2 spatial axes; set spatial_dims"):
        RandElasticGrid("nearest")(torch.zeros(16, 16))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"mode": "linear"}, "mode must be one of"),
        ({"padding_mode": "reflect"}, "padding_mode must be one of"),
        ({"points": 1}, "points must be at least 2 along each axis, not 1"),
        ({"sigma": -1}, "sigma must be 0 or more pixels, not -1"),
        ({"sigma": np.nan}, "not nan"),
        ({"prob": 1.5}, r"from 0 to 1, not 1\.5"),
        ({"spatial_dims": 1}, "spatial_dims must be 2 or 3, not 1"),
        ({"mode": "bicubic", "spatial_dims": 3}, "works only for images"),
    ],
)
def test_settings_are_checked_at_construction(setting, message):
    settings = {"mode": "nearest"} | setting
    with pytest.raises(ValueError, match=message):
        RandElasticGrid(**settings)
    with pytest.raises(ValueError, match=message):
        RandElasticGridd("image", **settings)


def test_real_nuclei(real_images):
    folder = real_images / "nuclei/train"
    image = np.array(Image.open(folder / "images/IXMtest_A15_s5.tif"))[None]
    label = np.array(Image.open(next((folder / "masks").glob("IXMtest_A15_s5*"))))[None].astype(np.int32)
    deform = RandElasticGridd(BOTH, MODES, prob=1.0).set_random_state(0)
    item = deform({"image": image, "label": label})
    assert set(np.unique(item["label"])) <= set(np.unique(label))
    # nuclei stay bright under their labels, and keep their number of pixels within a tenth
    threshold = (np.median(image[label > 0]) + np.median(image[label == 0])) / 2
    before = ((image > threshold) == (label > 0)).mean()
    after = ((item["image"] > threshold) == (item["label"] > 0)).float().mean().item()
    assert after == pytest.approx(before, abs=0.01)
    assert (item["label"] > 0).sum().item() == pytest.approx((label > 0).sum(), rel=0.1)


@pytest.mark.gpu
def test_gpu_equals_cpu():
    batch = {key: torch.stack([value] * 3) for key, value in cells().items()}
    on_gpu = {key: value.cuda() for key, value in batch.items()}
    one, other = (
        RandElasticGridd(BOTH, MODES, prob=0.7).set_random_state(0)(data) for data in (batch, on_gpu)
    )
    torch.testing.assert_close(other["image"].cpu().as_tensor(), one["image"].as_tensor(), atol=1e-4, rtol=0)
    assert (other["label"].cpu() == one["label"]).float().mean() > 0.999  # a tie may round the other way
