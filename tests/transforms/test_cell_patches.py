import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from cellseg_monai.cell_size import cell_diameter, known_diameter
from cellseg_monai.transforms import CellDiameterd, RandCellPatches, RandCellPatchesd


def field(radius, side=400):
    """A lattice of discs, as an image whose grey value is the id, and as a label map."""
    rows, columns = np.indices((side, side))
    step = 3 * radius
    inside = ((rows % step - step // 2) ** 2 + (columns % step - step // 2) ** 2) <= radius**2
    ids = np.where(inside, 1 + rows // step * (side // step + 1) + columns // step, 0).astype(np.int32)
    sample = {"image": torch.from_numpy(ids).float()[None], "label": torch.from_numpy(ids)[None]}
    return CellDiameterd(["image", "label"], label_key="label")(sample)


@pytest.mark.parametrize("radius", [4, 10, 30])
def test_cells_of_every_size_come_out_at_one_size(radius):
    crop = RandCellPatches(patch_size=96, num_samples=12, diameter=20, spread=1.0, wide_share=0)
    sample = field(radius)
    crop.set_random_state(seed=0).randomize(sample["image"], sample["label"])
    found = [cell_diameter(patch[0].numpy()) for patch in crop.cut(sample["label"])]
    assert np.median(found) == pytest.approx(20, rel=0.08)


def test_sizes_are_spread_and_some_are_far_off():
    crop = RandCellPatches(32, 600, diameter=20, spread=1.5, wide_spread=4, wide_share=0.25)
    sample = field(10)
    crop.set_random_state(seed=0).randomize(sample["image"], sample["label"])
    octaves = np.log2([known_diameter(patch) / 20 for patch in crop.cut(sample["image"])])
    far = np.abs(octaves) > np.log2(1.5) + 0.05
    assert np.abs(octaves).max() <= 2.1
    assert far.mean() == pytest.approx(0.25 * (1 - np.log2(1.5) / 2), abs=0.05)


def test_a_patch_names_the_size_of_its_own_cells():
    crop = RandCellPatches(96, 8, diameter=20, spread=1.6, wide_share=0).set_random_state(seed=1)
    for patch in crop(field(10)["label"], field(10)["label"]):
        assert cell_diameter(patch[0].numpy()) == pytest.approx(known_diameter(patch), rel=0.1)


def test_image_and_label_are_cut_alike_and_ids_are_kept():
    crop = RandCellPatchesd(
        ["image", "label"], "image", "label", 64, 10, spread=1.0, wide_share=0, diameter=20
    )
    for each in crop.set_random_state(seed=0)(field(10)):
        inside = each["label"][0] > 0
        assert each["label"].dtype == torch.int32
        assert torch.isin(each["label"], field(10)["label"]).all()
        assert (each["image"][0][inside] == each["label"][0][inside]).float().mean() > 0.8  # but at borders


def test_an_image_smaller_than_the_square_is_padded_around():
    image = MetaTensor(torch.ones(1, 20, 10), meta={"cell_diameter": 20.0})
    crop = RandCellPatches(64, 4, diameter=20, spread=1.0, wide_share=0).set_random_state(seed=0)
    for patch in crop(image, torch.zeros(1, 20, 10)):
        assert patch.shape == (1, 64, 64)
        assert int(patch.sum()) == 200


def test_the_same_seed_draws_the_same_patches():
    def drawn(seed):
        crop = RandCellPatchesd(["image"], "image", "label", 32, 3).set_random_state(seed=seed)
        return torch.stack([each["image"].as_tensor() for each in crop(field(8))])

    assert torch.equal(drawn(0), drawn(0))
    assert not torch.equal(drawn(0), drawn(1))


def test_cells_of_no_image_are_taken_as_they_are():
    sample = {"image": torch.rand(1, 64, 64), "label": torch.zeros(1, 64, 64, dtype=torch.int32)}
    sample = CellDiameterd(["image"], label_key="label")(sample)
    crop = RandCellPatches(32, 1, spread=1.0, wide_share=0).set_random_state(seed=0)
    (patch,) = crop(sample["image"], sample["label"])
    assert known_diameter(patch) is None
    assert crop.boxes[0][2] == 32


@pytest.mark.parametrize("options", [{"patch_size": 0}, {"diameter": 0}, {"spread": 0.5}, {"spread": 5.0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        RandCellPatches(**options)
