import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from cellseg_monai.transforms import ClassTarget, ClassTargetd, class_target

BLOOD = {0: 0, 128: 1, 255: 2}


def test_grey_values_become_classes():
    target = class_target(np.array([[[0, 128], [255, 128]]], np.uint8), BLOOD)
    assert target.tolist() == [[[0, 1], [2, 1]]]
    assert target.dtype == np.uint8


def test_several_values_share_a_class():
    membrane = {0: 0, 32: 0, 64: 0, 159: 1, 255: 2}
    assert class_target(np.array([[[0, 32, 64, 159, 255]]]), membrane).tolist() == [[[0, 0, 0, 1, 2]]]


def test_a_class_may_be_the_value_of_another():
    assert class_target(np.array([[[1, 2, 1]]]), {1: 2, 2: 1}).tolist() == [[[2, 1, 2]]]


def test_values_written_as_text():
    assert ClassTargetd("label", {"0": 0, "300": 7})({"label": np.array([[[0, 300]]])})["label"].max() == 7


def test_an_unknown_value_is_refused_by_file_name():
    mask = MetaTensor(torch.tensor([[[0, 128, 254, 3]]]), meta={"filename_or_obj": "smear_12.bmp"})
    with pytest.raises(
        ValueError, match=r"smear_12.bmp contains the values 3, 254, but classes has only 0, 128, 255; add"
    ):
        class_target(mask, BLOOD)


def test_an_instance_map_given_by_mistake_is_not_listed_in_full():
    with pytest.raises(
        ValueError, match=r"the mask contains the values 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, … \(500 values\), but"
    ):
        class_target(np.arange(501).reshape(1, 3, 167), {0: 0})


@pytest.mark.parametrize("classes", [{}, {0: -1}, {0: 256}, {0: 0.5}], ids=str)
def test_wrong_indices_are_refused(classes):
    with pytest.raises(ValueError, match="class index from 0 to 255"):
        ClassTarget(classes)
