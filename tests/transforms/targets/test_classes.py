from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import Compose

from cellseg_monai.transforms import ClassTarget, ClassTargetd, class_target, scored_classes, scored_truth

BASE = Path(__file__).parents[3] / "bundles/_base"
BLOOD = {0: 0, 128: 1, 255: 2}


def test_grey_values_become_classes():
    target = class_target(np.array([[[0, 128], [255, 128]]], np.uint8), BLOOD)
    assert target.tolist() == [[[0, 1], [2, 1]]]
    assert target.dtype == np.int32


@pytest.mark.parametrize("value", [0, 255])
def test_ignored_values_have_no_class(value):
    classes = {0: 0, 128: 1, 255: 2, value: "ignore"}
    mask = np.array([[[0, 128, 255]]])
    numbers = class_target(mask, classes)
    assert (numbers == -1).tolist() == (mask == value).tolist()
    hot = class_target(mask, classes, one_hot=True)
    assert hot.dtype == np.uint8
    assert (hot.sum(axis=0) == 0).tolist() == (mask[0] == value).tolist()
    assert ClassTarget(classes, one_hot=True).channels == len(hot)
    assert ClassTarget(classes).options["classes"][str(value)] == "ignore"


def test_what_is_scored():
    target = ClassTargetd("label", {"0": "ignore", "1": 1, "2": 2, "3": 2}, one_hot=True)
    assert scored_classes(target) == [1, 2]
    assert scored_truth(target, "cells")({"cells": np.array([[[0, 3]]])})["cells"].tolist() == [[[-1, 2]]]


@pytest.mark.parametrize("name", ["half_turns", "rotation", "elastic", "grid", "turns"])
def test_augmentation_gives_ignored_pixels_no_class(name):
    """Nearest neighbours keep each pixel of one class or of none."""
    target = np.zeros((3, 64, 64), np.uint8)
    target[:, :20], target[1, :20, :10], target[2, 20:40], target[0, 40:, :30] = 0, 1, 1, 1
    changed = augmentation(name)({"image": torch.rand(1, 64, 64), "label": torch.from_numpy(target)})["label"]
    total = changed.sum(dim=0)
    assert set(total.unique().tolist()) == {0, 1}
    assert (total == 0).float().mean() > 0.1


def augmentation(name):
    choices = yaml.safe_load((BASE / "choices.yaml").read_text())["augmentations"][name]
    steps = ConfigParser({"steps": [{**step, "prob": 1.0} for step in choices]}).get_parsed_content("steps")
    return Compose(steps).set_random_state(0)


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


@pytest.mark.parametrize("classes", [{}, {0: -1}, {0: 256}, {0: 0.5}, {0: "ignore"}, {0: "none"}], ids=str)
def test_wrong_indices_are_refused(classes):
    with pytest.raises(ValueError, match="class index from 0 to 255"):
        ClassTarget(classes)
