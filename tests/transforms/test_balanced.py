import numpy as np
import pytest
import torch
from monai.data import CacheDataset, DataLoader, MetaTensor, list_data_collate
from monai.transforms import Compose

from cellseg_monai.transforms import RandBalancedPatches, RandBalancedPatchesd


def regime(patch, small_fraction=0.0625):
    fraction = float((torch.as_tensor(patch) != 0).float().mean())
    return 0 if fraction == 0 else 1 if fraction < small_fraction else 2


@pytest.fixture
def colony():
    """A crowded corner in an empty image: 97 % of all patches are background."""
    label = np.zeros((1, 256, 256), np.int32)
    label[0, :32, :32] = np.arange(1, 1025).reshape(32, 32)
    return label


SHARES = [
    pytest.param((1, 1, 1), (1 / 3, 1 / 3, 1 / 3), id="equal"),
    pytest.param((1, 2, 5), (0.125, 0.25, 0.625), id="weighted"),
    pytest.param((0, 1, 3), (0, 0.25, 0.75), id="no-background"),
]


@pytest.mark.parametrize(("shares", "expected"), SHARES)
def test_regimes_appear_in_their_shares(colony, shares, expected):
    crop = RandBalancedPatches(patch_size=32, num_samples=1500, shares=shares).set_random_state(seed=1)
    drawn = np.bincount([regime(patch) for patch in crop(colony, colony)], minlength=3) / 1500
    assert drawn == pytest.approx(expected, abs=0.04)  # three standard deviations


def test_the_regimes_share_evenly_unless_told_otherwise(colony):
    crop = RandBalancedPatchesd("label", "label", 32, num_samples=600).set_random_state(seed=1)
    drawn = np.bincount([regime(each["label"]) for each in crop({"label": colony})], minlength=3) / 600
    assert drawn == pytest.approx([1 / 3] * 3, abs=0.06)


def test_what_counts_as_small_can_be_moved(colony):
    shares = (0, 1, 0)
    crop = RandBalancedPatches(32, 200, shares=shares, small_fraction=0.5).set_random_state(seed=0)
    fractions = [float((patch != 0).float().mean()) for patch in crop(colony, colony)]
    assert 0.0625 < max(fractions) < 0.5


LACKING = [
    pytest.param(0.0, (1, 1, 1), {0}, id="empty"),
    pytest.param(0.0, (0, 1, 1), {0}, id="empty-though-background-has-no-share"),
    pytest.param(1.0, (1, 1, 1), {2}, id="full"),
    pytest.param(1.0, (1, 1, 0), {2}, id="full-though-large-has-no-share"),
]


@pytest.mark.parametrize(("value", "shares", "expected"), LACKING)
def test_a_regime_that_is_lacking_leaves_its_share(value, shares, expected):
    label = np.full((1, 20, 20), value)
    patches = RandBalancedPatches(8, 10, shares=shares).set_random_state(seed=0)(label, label)
    assert len(patches) == 10
    assert {regime(patch) for patch in patches} == expected


def test_every_object_can_be_drawn_also_at_the_edges():
    label = np.zeros((1, 40, 40), np.int32)
    places = [(y, x) for y in (0, 13, 26, 39) for x in (0, 13, 26, 39)]
    for number, (y, x) in enumerate(places, start=1):
        label[0, y, x] = number
    crop = RandBalancedPatches(patch_size=8, num_samples=3000, shares=(0, 1, 0)).set_random_state(seed=0)
    seen = set().union(*(np.unique(patch.numpy()).tolist() for patch in crop(label, label)))
    assert seen == set(range(17))


def test_a_small_image_is_padded_at_the_end():
    image = np.ones((2, 5, 12), np.uint16)
    (patch,) = RandBalancedPatches(patch_size=8)(image, image[:1])
    assert patch.shape == (2, 8, 8)
    assert patch.numpy().dtype == np.uint16
    assert (patch[:, :5] == 1).all()
    assert (patch[:, 5:] == 0).all()
    assert patch.meta["original_spatial_shape"].tolist() == [5, 12]


def test_a_volume():
    label = torch.zeros(1, 6, 7, 8)
    label[0, 5, 6, 7] = 1
    patches = RandBalancedPatches((2, 3, 4), 5, shares=(0, 1, 1))(label, label)
    assert [patch.meta["patch_location"].tolist() for patch in patches] == [[4, 4, 4]] * 5


def test_image_and_label_are_cut_in_step():
    image = MetaTensor(torch.arange(3 * 30 * 30.0).reshape(3, 30, 30), meta={"filename_or_obj": "a.tif"})
    sample = {"image": image, "label": image[:1] % 5, "name": "a"}
    crop = RandBalancedPatchesd(["image", "label"], "label", 8, num_samples=4).set_random_state(seed=3)
    samples = crop(sample)
    assert len(samples) == 4
    for each in samples:
        assert torch.equal(each["image"][:1].as_tensor() % 5, each["label"].as_tensor())
        assert each["image"].meta["filename_or_obj"] == each["name"] + ".tif"
        y, x = each["image"].meta["patch_location"]
        assert each["image"][0, 0, 0] == 30 * y + x


def test_the_same_seed_draws_the_same_patches(colony):
    def places(seed):
        crop = RandBalancedPatchesd("label", "label", 32, 20).set_random_state(seed=seed)
        return [each["label"].meta["patch_location"].tolist() for each in crop({"label": colony})]

    assert places(7) == places(7)
    assert places(7) != places(8)


def test_a_cached_dataset_draws_anew_and_a_loader_flattens(colony):
    sample = {
        "image": MetaTensor(torch.from_numpy(colony)).float(),
        "label": MetaTensor(torch.from_numpy(colony)),
    }
    transform = Compose([RandBalancedPatchesd(["image", "label"], "label", 32, 6)]).set_random_state(seed=0)
    dataset = CacheDataset([sample, sample], transform, progress=False)
    loader = DataLoader(dataset, batch_size=2, collate_fn=list_data_collate)
    first, second = (next(iter(loader)) for _ in range(2))
    assert first["image"].shape == (12, 1, 32, 32)
    assert not torch.equal(first["label"].meta["patch_location"], second["label"].meta["patch_location"])


REFUSED = [
    pytest.param({"patch_size": (8, 0)}, r"patch_size must be positive, not \(8, 0\)", id="patch-size"),
    pytest.param({"num_samples": 0}, "num_samples must be at least 1, not 0", id="num-samples"),
    pytest.param({"shares": (1, 1)}, r"shares must be three weights.*but are \(1, 1\)", id="two-shares"),
    pytest.param({"shares": (0, 0, 0)}, "not all 0", id="no-share"),
    pytest.param({"shares": (1, -1, 1)}, "not negative", id="negative-share"),
    pytest.param({"shares": (1, float("nan"), 1)}, "three weights", id="nan-share"),
    pytest.param({"small_fraction": 0}, "small_fraction must be above 0 and at most 1, not 0", id="fraction"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_arguments_are_checked_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        RandBalancedPatchesd("image", "label", **arguments)


def test_shapes_that_differ_are_refused():
    sample = {"image": np.zeros((1, 5, 5)), "label": np.zeros((1, 5, 6))}
    with pytest.raises(ValueError, match=r"'image' \(5, 5\) and 'label' \(5, 6\) differ in shape"):
        RandBalancedPatchesd("image", "label", 4)(sample)
    with pytest.raises(ValueError, match="differ in shape"):
        RandBalancedPatches(4)(sample["image"], sample["label"])


def test_places_are_drawn_before_patches_are_cut():
    with pytest.raises(ValueError, match=r"call randomize\(label\) first"):
        RandBalancedPatches(4).cut(np.zeros((1, 5, 5)))


def test_missing_keys(colony):
    crop = RandBalancedPatchesd(["image", "label"], "label", 8, allow_missing_keys=True)
    assert crop({"label": colony})[0]["label"].shape == (1, 8, 8)
    with pytest.raises(KeyError, match="image"):
        RandBalancedPatchesd(["image", "label"], "label", 8)({"label": colony})


def test_ignored_pixels_are_no_cells(colony):
    label = np.where(colony > 0, 1, -1)
    crop = RandBalancedPatches(patch_size=32, num_samples=200, shares=(0, 1, 1)).set_random_state(seed=1)
    assert all((patch > 0).any() for patch in crop(label, label))
