"""The rules by which a training is planned."""

from dataclasses import replace

import pytest

from cellseg_monai.planning import Fingerprint, plan_training

CELLS = Fingerprint(
    images=10,
    groups=10,
    width=(512, 600),
    height=(400, 512),
    channels=1,
    masks="cells",
    classes=(),
    cells=300,
    lengths=(12.0, 30.0, 60.0),
    touching=0.2,
    foreground=0.15,
    thin=False,
)


def shared(**facts):
    return plan_training(replace(CELLS, **facts)).options("shared")


@pytest.mark.parametrize(("length", "scale"), [(10, 1.0), (45, 1.0), (46, 0.61), (56, 0.5), (112, 0.25)])
def test_large_cells_are_brought_to_the_size_that_networks_see_best(length, scale):
    assert shared(lengths=(5.0, float(length), 200.0))["settings#scale"] == scale


@pytest.mark.parametrize(("length", "patch", "tta"), [(30, 128, False), (56, 256, True), (112, 512, True)])
def test_a_patch_has_the_same_size_for_the_network_at_every_scale(length, patch, tta):
    found = shared(lengths=(5.0, float(length), 200.0))
    assert found["settings#patch_size"] == patch
    assert found.get("settings#tta", False) == tta


def test_a_patch_is_not_much_larger_than_the_images():
    assert shared(width=(90, 100), height=(80, 90))["settings#patch_size"] == 112


@pytest.mark.parametrize(("facts", "target", "scale"), [
    ({}, "foreground_distance", 1.0),
    ({"masks": "binary"}, "foreground", 1.0),
    ({"masks": "binary", "thin": True}, "foreground", 0.5),
], ids=["cells", "compact", "thin"])  # fmt: skip
def test_the_masks_decide_what_is_learned(facts, target, scale):
    found = shared(**facts)
    assert (found["target"], found["decoding"]) == (f"%targets#{target}", f"%decodings#{target}")
    assert found["settings#scale"] == scale


def test_classes_are_numbered_in_the_order_of_their_values():
    plan = plan_training(replace(CELLS, masks="classes", classes=(0, 128, 255)))
    assert plan.options("shared")["target"]["classes"] == {"0": 0, "128": 1, "255": 2}
    assert plan.settings["scale"] == 1.0
    assert plan.options("train")["loss"] == "%losses#dice_ce_softmax"


@pytest.mark.parametrize(("side", "patches", "batch"), [(512, 8, 1), (256, 8, 1), (180, 2, 4), (100, 1, 8)])
def test_small_images_give_a_batch_one_patch_each(side, patches, batch):
    found = plan_training(replace(CELLS, width=(side, side), height=(side, side))).options("train")
    assert found == {"patches_per_image": patches, "batch_size": batch}


def test_weights_to_start_from_fix_everything_but_the_learning_rate():
    plan = plan_training(CELLS, from_weights=True)
    assert (plan.options("shared"), plan.options("train")) == ({}, {"learning_rate": 3e-4})


def test_each_choice_has_a_reason():
    plan = plan_training(CELLS)
    assert all(choice.reason for choice in plan.choices)
    assert plan.settings == {"in_channels": 1, "scale": 1.0, "patch_size": 128}
