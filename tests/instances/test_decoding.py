import inspect
import logging

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from cellseg_monai import instances
from cellseg_monai.instances.decoding import Decoding, Decodingd

TARGETS = {
    "Components": ("foreground", 1),
    "WatershedFromDistance": ("foreground and distance", 2),
    "RegrownInteriors": ("interior and boundary", 3),
    "ClassMap": ("classes", 4),
    "VotedComponents": ("classes", 4),
}
every_decoding = pytest.mark.parametrize("name", TARGETS)


def make(name: str, **options: object) -> Decoding:
    return getattr(instances, name)(**options)


def make_d(name: str, *arguments: object, **options: object) -> Decodingd:
    return getattr(instances, f"{name}d")(*arguments, **options)


def test_none_is_left_out():
    made = {
        name
        for name, value in vars(instances).items()
        if inspect.isclass(value) and issubclass(value, Decoding)
    }
    assert made == TARGETS.keys()


@every_decoding
def test_each_names_its_target(name):
    assert make(name).decodes == make_d(name, "pred").decodes == TARGETS[name][0]


@every_decoding
def test_dictionary_and_array_have_the_same_options(name):
    array = inspect.signature(getattr(instances, name)).parameters
    wrapped = dict(inspect.signature(getattr(instances, f"{name}d")).parameters)
    for extra in ("keys", "allow_missing_keys", "class_postfix"):
        wrapped.pop(extra, None)
    assert {key: value.default for key, value in array.items()} == {
        key: value.default for key, value in wrapped.items()
    }


@every_decoding
def test_dictionary_options_reach_the_decoding(name):
    values = {"threshold": 0.3, "seed_height": 0.15, "smoothing": 0.5, "morphology": "both", "radius": 3}
    values |= {"max_hole": 4, "min_size": 5, "logits": False}
    known = inspect.signature(getattr(instances, name)).parameters
    options = {key: value for key, value in values.items() if key in known}
    decode = make_d(name, "pred", **options).decode
    assert {key: getattr(decode, key) for key in options} == options


@every_decoding
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_any_float_and_its_meta_data(name, dtype):
    logits = MetaTensor(torch.randn(TARGETS[name][1], 9, 8).to(dtype), meta={"filename_or_obj": "a.tif"})
    decoded = make_d(name, "pred")({"pred": logits, "id": 3})
    assert decoded["pred"].dtype == torch.int32
    assert decoded["pred"].shape == (1, 9, 8)
    assert decoded["pred"].meta["filename_or_obj"] == "a.tif"
    assert decoded["id"] == 3


@every_decoding
def test_volumes(name):
    logits = np.random.default_rng(0).normal(size=(TARGETS[name][1], 4, 9, 8))
    found = make(name)(logits)
    assert found.dtype == np.int32
    assert found.shape[1:] == (4, 9, 8)


@every_decoding
def test_a_network_that_needs_gradients_is_decoded(name):
    assert not make(name)(torch.randn(TARGETS[name][1], 4, 4, requires_grad=True)).requires_grad


@every_decoding
def test_missing_keys(name):
    assert make_d(name, "pred", allow_missing_keys=True)({"id": 1}) == {"id": 1}
    with pytest.raises(KeyError):
        make_d(name, "pred")({"id": 1})


@every_decoding
def test_logits_are_no_probabilities(name):
    with pytest.raises(ValueError, match=r"reaches from -2 to 2; for the raw output"):
        make(name, logits=False)(np.full((TARGETS[name][1], 1, 2), [-2.0, 2.0]))


def test_the_distance_may_leave_its_range():
    prediction = np.stack([np.full((3, 3), 0.9), np.full((3, 3), 1.3)])
    assert make("WatershedFromDistance", logits=False)(prediction).min() == 1


@every_decoding
def test_probabilities_taken_for_logits_are_told(name, caplog):
    prediction = np.random.default_rng(0).random((TARGETS[name][1], 5, 5))
    with caplog.at_level(logging.WARNING):
        make(name)(prediction)
    assert "all values of the map lie between 0 and 1" in caplog.text


@every_decoding
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused(name, value):
    prediction = np.zeros((TARGETS[name][1], 3, 3))
    prediction[:, 1, 1] = value
    with pytest.raises(ValueError, match="NaN or infinite"):
        make(name)(prediction)


@pytest.mark.parametrize("shape", [(2, 4, 4), (4, 4), (1, 1, 1, 4, 4)], ids=str)
def test_shapes_that_do_not_fit(shape):
    with pytest.raises(ValueError, match="must fit the target"):
        make("Components")(np.zeros(shape))
