import inspect
import json
import logging
import pydoc
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor

from cellseg_monai import instances
from cellseg_monai.instances import Decoding, Decodingd, Foregroundd
from cellseg_monai.outputs.causes import cause_of

TARGETS = {
    "Components": ("foreground", 1),
    "WatershedFromDistance": ("foreground and distance", 2),
    "RegrownInteriors": ("interior and boundary", 3),
    "ClassMap": ("classes", 4),
}
every_decoding = pytest.mark.parametrize("name", TARGETS)


def make(name: str, **options: object) -> Decoding:
    return getattr(instances, name)(**options)


def make_d(name: str, *arguments: object, **options: object) -> Decodingd:
    return getattr(instances, f"{name}d")(*arguments, **options)


def test_none_is_left_out():
    classes = [value for value in vars(instances).values() if inspect.isclass(value)]
    arrays = {value.__name__ for value in classes if issubclass(value, Decoding)}
    dictionaries = {value.__name__ for value in classes if issubclass(value, Decodingd)}
    assert arrays == {"Decoding", *TARGETS}
    assert dictionaries == {"Decodingd", *(f"{name}d" for name in TARGETS)}


@every_decoding
def test_each_names_its_target(name):
    assert make(name).decodes == make_d(name, "pred").decodes == TARGETS[name][0]


@every_decoding
def test_dictionary_and_array_have_the_same_options(name):
    array = inspect.signature(getattr(instances, name)).parameters
    wrapped = inspect.signature(getattr(instances, f"{name}d")).parameters
    assert list(wrapped) == ["keys", *array, "allow_missing_keys"]
    assert {key: value.default for key, value in array.items()}.items() <= {
        key: value.default for key, value in wrapped.items()
    }.items()
    assert "logits: bool = True, " in pydoc.render_doc(getattr(instances, f"{name}d"))


@every_decoding
def test_dictionary_options_reach_the_decoding(name):
    values = {"threshold": 0.3, "seed_height": 0.15, "smoothing": 0.5, "morphology": "both", "radius": 3}
    values |= {"max_hole": 4, "min_size": 5, "logits": False}
    known = inspect.signature(getattr(instances, name)).parameters
    options = {key: value for key, value in values.items() if key in known}
    decoding = make_d(name, "pred", **options)
    assert decoding.options == options
    assert make(name, **json.loads(json.dumps(decoding.options))) == decoding.decode


def test_options_are_plain_values():
    decoding = make_d("Components", "pred", threshold=np.float32(0.5), min_size=np.int64(7))
    assert json.loads(json.dumps(decoding.options))["min_size"] == 7


@every_decoding
def test_a_mistyped_option_is_named(name):
    config = {"_target_": f"cellseg_monai.instances.{name}d", "keys": "pred", "treshold": 0.3}
    with pytest.raises(RuntimeError) as raised:
        ConfigParser({"decoding": config}).get_parsed_content("decoding")
    assert "unexpected keyword argument 'treshold'" in str(cause_of(raised.value))


def test_a_decoding_of_ones_own():
    """A colleague writes this, and nothing else."""

    @dataclass(frozen=True, kw_only=True)
    class Brightest(Decoding):
        decodes, channels, background_first = "spots", 1, False
        spots: int = 1

        def activate(self, logits):
            return logits.sigmoid()

        def decode(self, probability):
            highest = np.sort(probability, axis=None)[-self.spots]
            return (probability >= highest).astype(np.int32)

    class Brightestd(Decodingd, of=Brightest):
        pass

    class Renamedd(Brightestd):
        pass

    for transform in (Brightestd, Renamedd):
        decoding = transform("pred", spots=2)
        spots = decoding({"pred": torch.tensor([[[0.3, 4.0, -1.0, 2.0]]])})["pred"]
        assert spots.tolist() == [[[0, 1, 0, 1]]]
        assert decoding.options == {"logits": True, "spots": 2}
        assert decoding.decodes == "spots"
    item = Foregroundd("pred", Brightestd("pred"))({"pred": torch.zeros(1, 2, 2)})
    assert item["pred"].tolist() == [[[0.5, 0.5]] * 2]


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
    with pytest.raises(ValueError, match=r"range from -2 to 2; use logits=True"):
        make(name, logits=False)(np.full((TARGETS[name][1], 1, 2), [-2.0, 2.0]))


def test_the_distance_may_leave_its_range():
    prediction = np.stack([np.full((3, 3), 0.9), np.full((3, 3), 1.3)])
    assert make("WatershedFromDistance", logits=False)(prediction).min() == 1


@every_decoding
def test_probabilities_treated_as_logits_are_reported(name, caplog):
    prediction = np.random.default_rng(0).random((TARGETS[name][1], 5, 5))
    with caplog.at_level(logging.WARNING):
        make(name)(prediction)
    assert "all values of the prediction lie between 0 and 1" in caplog.text


@every_decoding
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_are_rejected(name, value):
    prediction = np.zeros((TARGETS[name][1], 3, 3))
    prediction[:, 1, 1] = value
    with pytest.raises(ValueError, match="NaN or infinite"):
        make(name)(prediction)


@pytest.mark.parametrize("shape", [(2, 4, 4), (4, 4), (1, 1, 1, 4, 4)], ids=str)
def test_shapes_that_do_not_fit(shape):
    with pytest.raises(ValueError, match="choose the decoding of the target"):
        make("Components")(np.zeros(shape))
