"""What all encodings have in common."""

import inspect
import json

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.losses import DiceCELoss

from cellseg_monai import transforms

ENCODINGS = [
    pytest.param("BinaryTarget", {}, id="binary"),
    pytest.param("BoundaryTarget", {}, id="boundary"),
    pytest.param("BoundaryTarget", {"form": "neurips"}, id="neurips"),
    pytest.param("ClassTarget", {"classes": {0: 0, 1: 1, 2: 2}}, id="class"),
    pytest.param("DistanceTarget", {"image_edge": True}, id="distance"),
    pytest.param("ForegroundDistanceTarget", {}, id="foreground-distance"),
]
IDS = np.array([[[0, 1, 1, 1, 2], [0, 1, 1, 1, 2], [0, 1, 1, 1, 2]]], np.int32)


def array_transform(name, arguments):
    return getattr(transforms, name)(**arguments)


def function(name, arguments):
    snake = "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")
    return lambda label: getattr(transforms, snake)(label, **arguments)


def dictionary_transform(name, arguments):
    transform = getattr(transforms, name + "d")("label", **arguments)
    return lambda label: transform({"label": label, "image": None})["label"]


FORMS = [function, array_transform, dictionary_transform]
every_encoding = pytest.mark.parametrize(("name", "arguments"), ENCODINGS)


@every_encoding
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "int64", "float32"])
def test_numpy_torch_and_every_dtype_give_the_same(name, arguments, form, dtype):
    encode = form(name, arguments)
    expected = function(name, arguments)(IDS)
    from_numpy, from_torch = encode(IDS.astype(dtype)), encode(torch.from_numpy(IDS.astype(dtype)))
    assert isinstance(from_numpy, np.ndarray)
    assert type(from_torch) is torch.Tensor
    assert from_numpy.dtype == from_torch.numpy().dtype == expected.dtype
    assert np.array_equal(from_numpy, expected)
    assert np.array_equal(from_torch.numpy(), expected)


@every_encoding
@pytest.mark.parametrize("form", FORMS)
def test_meta_data_are_kept_and_the_label_is_not_changed(name, arguments, form):
    affine = torch.diag(torch.tensor([0.5, 0.5, 1.0, 1.0], dtype=torch.float64))
    label = MetaTensor(torch.from_numpy(IDS).float(), affine=affine, meta={"filename_or_obj": "a.png"})
    target = form(name, arguments)(label)
    assert target.meta["filename_or_obj"] == "a.png"
    assert torch.equal(target.affine, affine)
    assert np.array_equal(label.numpy(), IDS)


@every_encoding
@pytest.mark.parametrize("form", FORMS)
def test_an_interpolated_mask_is_refused_by_file_name(name, arguments, form):
    label = MetaTensor(torch.tensor([[[0.0, 0.5, 1.0]]]), meta={"filename_or_obj": "plate/mask_07.png"})
    with pytest.raises(ValueError, match=r"plate/mask_07.png: the value 0.5 is not an object id.*nearest"):
        form(name, arguments)(label)


@every_encoding
@pytest.mark.parametrize("shape", [(3, 8, 8), (8, 8), (1, 8), (1, 1, 8, 8, 8)], ids=str)
def test_not_one_channel_is_refused(name, arguments, shape):
    with pytest.raises(ValueError, match="one channel and two or three spatial axes"):
        function(name, arguments)(np.zeros(shape))


@every_encoding
def test_an_empty_label_is_background(name, arguments):
    assert not function(name, arguments)(np.zeros((1, 6, 5))).any()


@every_encoding
def test_volumes(name, arguments):
    ids = np.zeros((1, 4, 5, 6), np.int32)
    ids[0, 1:3, 1:4, 1:5] = 1
    target = function(name, arguments)(ids)
    assert target.shape[1:] == (4, 5, 6)
    assert target.any()


@every_encoding
def test_keys(name, arguments):
    encode = getattr(transforms, name + "d")
    with pytest.raises(KeyError, match="mask"):
        encode("mask", **arguments)({"label": IDS})
    sample = encode(["label", "mask"], **arguments, allow_missing_keys=True)({"label": IDS, "id": 5})
    assert sample["id"] == 5
    assert np.array_equal(sample["label"], function(name, arguments)(IDS))


def test_losses_take_the_classes_as_they_are():
    loss = DiceCELoss(to_onehot_y=True, softmax=True)
    target = transforms.boundary_target(torch.from_numpy(IDS))[None]
    right = 30 * torch.nn.functional.one_hot(target[:, 0].long(), 3).movedim(-1, 1).float()
    assert loss(right, target) == pytest.approx(0, abs=1e-4)
    assert loss(right.flip(1), target) > 1


def test_losses_take_the_mask_as_it_is():
    loss = DiceCELoss(sigmoid=True)
    target = transforms.binary_target(torch.from_numpy(IDS))[None]
    assert loss(60 * target.float() - 30, target) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    ("target", "encodes", "channels", "distances"),
    [
        (transforms.BinaryTargetd("label"), "foreground", 1, 0),
        (transforms.DistanceTargetd("label"), "distance", 1, 1),
        (transforms.ForegroundDistanceTargetd("label"), "foreground and distance", 2, 1),
        (transforms.BoundaryTargetd("label", one_hot=True), "interior and boundary", 3, 0),
        (transforms.ClassTargetd("label", {0: 0, 1: 2, 2: 3}, one_hot=True), "classes", 4, 0),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_target_says_what_a_network_for_it_must_give(
    target: transforms.BinaryTargetd, encodes: str, channels: int, distances: int
) -> None:
    assert (target.encodes, target.channels, target.distances) == (encodes, channels, distances)
    assert target({"label": np.array([[[0, 1, 1, 2]]])})["label"].shape[0] == channels


@every_encoding
def test_options_build_the_same_target_again(name, arguments):
    wrapper = getattr(transforms, name + "d")
    options = wrapper("label", **arguments).options
    again = wrapper("label", **json.loads(json.dumps(options)))
    assert again.options == options
    assert options == getattr(transforms, name)(**arguments).options
    assert np.array_equal(again({"label": IDS})["label"], function(name, arguments)(IDS))


@every_encoding
def test_a_dictionary_transform_has_the_options_of_its_array_transform(name, arguments):
    wrapper = getattr(transforms, name + "d")
    options = inspect.signature(getattr(transforms, name)).parameters
    assert inspect.signature(wrapper).parameters.keys() == {"keys", *options, "allow_missing_keys"}
    with pytest.raises(TypeError, match="on_hot"):
        wrapper("label", **arguments, on_hot=True)


@pytest.mark.parametrize(
    ("plain", "hot"),
    [
        (transforms.BoundaryTarget(), transforms.BoundaryTarget(one_hot=True)),
        (
            transforms.ClassTarget({0: 0, 1: 1, 2: 2}),
            transforms.ClassTarget({0: 0, 1: 1, 2: 2}, one_hot=True),
        ),
    ],
    ids=["boundary", "classes"],
)
def test_one_hot_channels_are_the_class_numbers(plain: object, hot: object) -> None:
    label = np.random.default_rng(0).integers(0, 3, (1, 9, 11))
    numbers, channels = plain(label), hot(label)  # type: ignore[operator]
    np.testing.assert_array_equal(channels.argmax(axis=0), numbers[0])
    np.testing.assert_array_equal(channels.sum(axis=0), 1)
