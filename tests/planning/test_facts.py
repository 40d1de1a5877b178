"""Facts about images, from which a training is planned."""

import numpy as np
import pytest
from skimage.draw import disk, line
from tifffile import imwrite

from cellseg_monai.data import labelled, list_items
from cellseg_monai.planning import fingerprint


@pytest.fixture
def dataset(tmp_path):
    """Write images and masks, and give their items."""

    def write(masks, pixels=None):
        for name in ("images", "masks"):
            (tmp_path / name).mkdir()
        for index, mask in enumerate(masks):
            image = np.full(mask.shape, 7, np.uint8) if pixels is None else pixels
            axes = {"metadata": {"axes": "CYX"}} if image.ndim == 3 and image.shape[2] > 4 else {}
            imwrite(tmp_path / f"images/{index}.tif", image, **axes)
            imwrite(tmp_path / f"masks/{index}.tif", mask)
        return labelled(list_items(tmp_path))

    return write


def discs(*centres, radius=10, values=None):
    mask = np.zeros((96, 128), np.uint16)
    for number, centre in enumerate(centres):
        mask[disk(centre, radius, shape=mask.shape)] = number + 1 if values is None else values[number]
    return mask


def test_cells_have_a_length_and_touch(dataset):
    one = discs((30, 30), (30, 49), (70, 90))
    found = fingerprint(dataset([one, discs((30, 30), (70, 90))]))
    assert (found.masks, found.cells, found.images) == ("cells", 5, 2)
    assert found.lengths[1] == pytest.approx(20, abs=0.5)
    assert found.touching == pytest.approx(2 / 5)
    assert (found.width, found.height) == ((128, 128), (96, 96))


def test_the_length_of_a_long_cell_is_not_its_diameter_as_a_circle(dataset):
    mask = np.zeros((96, 128), np.uint16)
    mask[40:44, 20:100], mask[60:64, 20:100] = 1, 2
    found = fingerprint(dataset([mask]))
    assert found.lengths[1] == pytest.approx(80 * 2 / np.sqrt(3), rel=0.02)  # of the ellipse of equal moments


@pytest.mark.parametrize("values", [(255, 255), (1, 1)])
def test_a_mask_of_one_value_is_binary(dataset, values):
    found = fingerprint(dataset([discs((30, 30), (70, 90), values=values)] * 2))
    assert (found.masks, found.cells, found.thin) == ("binary", 4, False)


def test_one_piece_in_each_image_is_binary_too(dataset):
    assert fingerprint(dataset([discs((30, 30), values=[1]), discs((50, 50), values=[1])])).masks == "binary"


def test_lines_are_thin(dataset):
    mask = np.zeros((96, 128), np.uint8)
    for start in (10, 40, 70):
        rows, columns = line(start, 2, start + 20, 125)
        for offset in range(3):
            mask[rows + offset, columns] = 255
    found = fingerprint(dataset([mask]))
    assert (found.masks, found.thin) == ("binary", True)


def test_shared_values_with_gaps_are_classes(dataset):
    mask = discs((30, 30), (70, 90), values=(128, 255))
    found = fingerprint(dataset([mask, mask.T.copy().T]))
    assert (found.masks, found.classes) == ("classes", (0, 128, 255))


def test_shared_values_in_many_pieces_are_classes(dataset):
    mask = discs(
        *((20, 20 * x) for x in range(1, 6)), (70, 30), (70, 70), radius=6, values=[1, 2, 1, 2, 1, 1, 2]
    )
    assert fingerprint(dataset([mask, mask])).classes == (0, 1, 2)


def test_ids_of_a_crop_are_cells_in_spite_of_their_gaps(dataset):
    masks = [discs((30, 30), (60, 60), values=ids) for ids in ([7, 12], [3, 9], [5, 22])]
    assert fingerprint(dataset(masks)).masks == "cells"


@pytest.mark.parametrize("ids", [
    [[4, 8, 12]],
    [[1, 2, 3, 5], [1, 2, 3]],
    [[1, 2, 3, 4, 6], [1, 2, 3, 4], [1, 2, 3, 4]],
], ids=["one crop", "a removed cell", "a removed cell in one of three"])  # fmt: skip
def test_ids_of_few_cells_are_cells_in_spite_of_their_gaps(dataset, ids):
    centres = [(20, 20 * column) for column in range(1, 6)]
    masks = [discs(*centres[: len(each)], radius=6, values=each) for each in ids]
    assert fingerprint(dataset(masks)).masks == "cells"


def test_a_cell_or_two_in_each_image_are_cells(dataset):
    masks = [discs((30, 30), (60, 60)), discs((30, 90), (60, 20))]
    assert fingerprint(dataset(masks)).masks == "cells"


@pytest.mark.parametrize(("pixels", "channels"), [
    (np.zeros((96, 128, 3), np.uint8), 1),
    (np.arange(96 * 128 * 3, dtype=np.uint8).reshape(96, 128, 3), 3),
    (np.arange(96 * 128 * 4, dtype=np.uint8).reshape(96, 128, 4), 3),
    (np.arange(2 * 96 * 128, dtype=np.uint16).reshape(2, 96, 128), 2),
    (np.arange(5 * 96 * 128, dtype=np.uint16).reshape(5, 96, 128), 5),
], ids=["grey in three channels", "colour", "colour with opacity", "two", "five"])  # fmt: skip
def test_channels_are_those_that_differ(dataset, pixels, channels):
    assert fingerprint(dataset([discs((30, 30), (60, 60))], pixels)).channels == channels


def test_empty_masks_are_told(dataset):
    with pytest.raises(ValueError, match="the masks of all 1 images are empty; annotate cells first"):
        fingerprint(dataset([discs()]))


def test_a_mask_of_another_size_is_named(dataset):
    items = dataset([discs((30, 30), (60, 60))], np.zeros((50, 60), np.uint8))
    with pytest.raises(ValueError, match=r"masks/0.tif: 128×96 pixels, but .*images/0.tif has 60×50"):
        fingerprint(items)


@pytest.mark.parametrize(("folder", "masks", "thin", "channels"), [
    ("tasks/nuclei/train", "cells", False, 1),
    ("tasks/phase/train", "cells", False, 1),
    ("tasks/filaments/train", "binary", True, 3),
    ("neurites/train", "binary", True, 3),
    ("shift/dataset2", "cells", False, 1),
    ("multiclass/white_blood_cells/train", "classes", False, 3),
    ("multiclass/neuropil_em/train", "classes", False, 1),
])  # fmt: skip
def test_real_images_are_recognised(real_data, folder, masks, thin, channels):
    items = labelled(list_items(real_data / folder))[:4]
    found = fingerprint(items)
    assert (found.masks, found.thin, found.channels) == (masks, thin, channels)
