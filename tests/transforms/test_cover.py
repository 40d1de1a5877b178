import numpy as np
import pytest
import torch
from monai.data import CacheDataset, DataLoader, Dataset, MetaTensor, list_data_collate
from monai.transforms import Compose

from cellseg_monai.transforms import PatchCover, PatchCoverd, reassemble


def loaded(array, name="cell_01.tif"):
    return MetaTensor(torch.as_tensor(array), meta={"filename_or_obj": name})


@pytest.fixture
def sample():
    image = np.arange(3 * 5 * 6, dtype=np.float32).reshape(3, 5, 6)
    return {"image": loaded(image), "label": loaded((image[:1] % 7).astype(np.int32)), "well": "B07"}


def test_every_key_is_cut_in_step(sample):
    samples = PatchCoverd(["image", "label"], patch_size=4)(sample)
    assert len(samples) == 4
    for each in samples:
        assert each["image"].shape == (3, 4, 4)
        assert torch.equal(each["label"], each["image"][:1].as_tensor() % 7)
        assert each["well"] == "B07"


def test_a_patch_knows_where_it_comes_from(sample):
    last = PatchCoverd("image", patch_size=4)(sample)[-1]["image"]
    assert last.meta["patch_location"].tolist() == [4, 4]
    assert last.meta["original_spatial_shape"].tolist() == [5, 6]
    assert last.meta["filename_or_obj"] == "cell_01.tif"
    assert last.affine[:2, -1].tolist() == [4, 4]


def test_the_affine_moves_by_whole_pixels_of_the_image():
    spacing = torch.diag(torch.tensor([0.5, 2.0, 1.0, 1.0], dtype=torch.float64))
    image = MetaTensor(torch.zeros(1, 4, 8), affine=spacing)
    assert PatchCover(4)(image)[1].affine[:2, -1].tolist() == [0, 8]
    assert image.affine[1, -1] == 0


def test_operations_on_the_whole_image_are_not_inverted_on_a_patch(sample):
    sample["image"].applied_operations.append({"class": "Flip"})
    assert PatchCoverd("image", 4)(sample)[0]["image"].applied_operations == []


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "bool"])
def test_patches_of_any_dtype_make_the_image_again(dtype):
    image = np.random.default_rng(0).integers(0, 60_000, (2, 7, 5, 3)).astype(dtype)
    patches = PatchCover((3, 2, 3), stride=(2, 2, 3))(image)
    whole = reassemble(
        [p.as_tensor() for p in patches], [p.meta["patch_location"] for p in patches], (7, 5, 3)
    )
    assert whole.numpy().dtype == dtype
    assert np.array_equal(whole, image)


@pytest.mark.parametrize("dataset", [Dataset, CacheDataset])
def test_a_loader_flattens_the_patches(sample, dataset):
    transform = Compose([PatchCoverd(["image", "label"], patch_size=4)])
    loader = DataLoader(dataset([sample, sample], transform), batch_size=2, collate_fn=list_data_collate)
    (batch,) = loader
    assert batch["image"].shape == (8, 3, 4, 4)
    assert batch["label"].meta["patch_location"].tolist() == [[0, 0], [0, 4], [4, 0], [4, 4]] * 2
    assert batch["well"] == ["B07"] * 8


def test_the_patch_size_is_128_unless_given():
    assert [patch.shape[1:] for patch in PatchCover()(np.zeros((1, 129, 7)))] == [(128, 128)] * 2
    assert len(PatchCoverd("image")({"image": np.zeros((1, 129, 7))})) == 2


def test_overlapping_patches(sample):
    assert len(PatchCoverd("image", patch_size=4, stride=2)(sample)) == 2 * 2


def test_image_and_mask_of_different_shape_are_refused(sample):
    sample["label"] = loaded(np.zeros((1, 5, 7)), "mask_01.png")
    expected = (
        r"'image' \(5, 6\) from cell_01.tif and 'label' \(5, 7\) from mask_01.png differ in shape; .*resize"
    )
    with pytest.raises(ValueError, match=expected):
        PatchCoverd(["image", "label"], patch_size=4)(sample)


def test_a_missing_key(sample):
    with pytest.raises(KeyError, match="depth"):
        PatchCoverd(["image", "depth"], 4)(sample)
    (first, *_) = PatchCoverd(["image", "depth"], 4, allow_missing_keys=True)(sample)
    assert first["image"].shape == (3, 4, 4)
    with pytest.raises(
        ValueError, match=r"there is no array to cut: the sample has only \['image', 'label', 'well'\]"
    ):
        PatchCoverd("depth", 4, allow_missing_keys=True)(sample)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"patch_size": 0}, "positive"), ({"patch_size": 4, "stride": (2, 5)}, r"stride of \(2, 5\) skips")],
)
def test_wrong_sizes_are_refused_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        PatchCover(**arguments)
