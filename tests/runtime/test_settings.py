"""Settings that lie beside weights, and whose they are."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

from cellseg_monai.instances import Componentsd, WatershedFromDistanced
from cellseg_monai.runtime import as_trained, build, describe, keep_settings, network_of, settings_of
from cellseg_monai.transforms import BoundaryTargetd, ClassTargetd, ForegroundDistanceTargetd

PLAIN = {"threshold": 0.5, "seed_height": 0.25, "min_size": 15}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "model.pt"
    file.write_bytes(b"some weights")
    return file


def found(weights: Path, **more: Any) -> dict[str, Any]:
    settings = vars(settings_of(weights, **PLAIN, **more))
    return {name: settings[name] for name in PLAIN}


def test_they_are_found_beside_the_weights_wherever_these_lie(weights: Path, tmp_path: Path) -> None:
    kept = keep_settings(weights, threshold=0.3, min_size=40)
    assert kept == weights.with_name("model.json")
    assert found(weights) == {"threshold": 0.3, "seed_height": 0.25, "min_size": 40}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = [file.rename(elsewhere / file.name) for file in (weights, kept)]
    assert found(moved[0])["threshold"] == 0.3


def test_one_byte_makes_other_weights(weights: Path, caplog: pytest.LogCaptureFixture) -> None:
    keep_settings(weights, threshold=0.3)
    weights.write_bytes(b"same weights")
    assert found(weights) == PLAIN
    assert "model.json contains the settings of other weights" in caplog.text
    assert "cellseg calibrate --keep" in caplog.text


def test_what_is_kept_later_joins_what_is_kept_already(weights: Path) -> None:
    keep_settings(weights, bundle_root=weights.parent / "bundle", threshold=0.3, min_size=40)
    content = json.loads(keep_settings(weights, threshold=0.4).read_text())
    assert content["settings"] == {"threshold": 0.4, "min_size": 40}
    assert content["bundle"] == "bundle"
    weights.write_bytes(b"of another training")
    assert json.loads(keep_settings(weights, seed_height=0.1).read_text())["settings"] == {"seed_height": 0.1}


def test_the_decoding_that_an_earlier_version_kept_is_used(weights: Path) -> None:
    content = json.loads(keep_settings(weights, threshold=0.3).read_text())
    weights.with_name("model.json").unlink()
    former = {"weights_sha256": content["weights_sha256"], "decoding": content["settings"]}
    weights.with_name("model.decoding.json").write_text(json.dumps(former))
    assert found(weights) == PLAIN | {"threshold": 0.3}


def test_without_a_file_or_weights_the_given_values_count(
    weights: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert found(weights) == PLAIN
    keep_settings(weights, threshold=0.3)
    weights.unlink()
    assert found(weights) == PLAIN
    assert not caplog.records


@pytest.mark.parametrize("given", [["threshold"], ["threshold#0"]])
def test_what_the_user_gave_is_not_taken_from_the_file(weights: Path, given: list[str]) -> None:
    keep_settings(weights, threshold=0.3, min_size=40)
    assert found(weights, given=given) == PLAIN | {"min_size": 40}


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"threshold": 0.3}', '{"weights_sha256": "0"}'],
    ids=["empty", "list", "values alone", "no values"],
)
def test_other_content_is_rejected(weights: Path, content: str) -> None:
    weights.with_name("model.json").write_text(content)
    with pytest.raises(ValueError, match=r"model\.json: not a file of settings of weights .*; delete it, or"):
        found(weights)


def test_an_unknown_setting_is_rejected(weights: Path) -> None:
    keep_settings(weights, treshold=0.3)
    with pytest.raises(ValueError, match="unknown setting 'treshold'; the settings are decoding, min_size"):
        found(weights)


@pytest.mark.parametrize(
    "part",
    [
        WatershedFromDistanced("pred", threshold=0.4, smoothing=1.0),
        BoundaryTargetd("label", form="neurips", one_hot=True),
        ClassTargetd("label", classes={"0": 0, "128": 1}, one_hot=True),
        partial(nn.Conv2d, 1, out_channels=2, kernel_size=3),
        partial(nn.Conv2d, in_channels=1, out_channels=2, kernel_size=(3, 3)),
    ],
    ids=["decoding", "target", "classes", "position", "network"],
)
def test_a_part_and_its_description_are_equal(part: Any) -> None:
    if isinstance(part, partial) and part.args:
        with pytest.raises(ValueError, match="Conv2d: give its arguments by name"):
            describe(part)
        return
    described = describe(part)
    assert json.loads(json.dumps(described)) == described
    kind = nn.Module if isinstance(part, partial) else type(part)
    assert describe(partial(type(build(described, kind)), **_arguments(described))) == described


def _arguments(described: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in described.items() if name != "_target_"}


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"_target_": "os.system", "command": "ls"}, "os.system is not a class of the kind Module"),
        ({"_target_": "torch.nn.Convolution"}, "there is no torch.nn.Convolution"),
        ({"_target_": "nowhere.Network"}, "there is no nowhere.Network"),
        ({}, "there is no None"),
    ],
)
def test_a_description_calls_nothing_but_a_class_of_its_kind(described: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(described, nn.Module)


class Forgetful:
    def __init__(self, size: int) -> None: ...


def test_a_part_that_does_not_keep_its_arguments_is_rejected() -> None:
    with pytest.raises(ValueError, match="Forgetful does not store its argument 'size'; store it in"):
        describe(Forgetful(3))


def test_what_json_cannot_hold_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"Conv2d: .*; use numbers, text, lists and dictionaries"):
        describe(partial(nn.Conv2d, in_channels=object()))


def test_the_network_is_the_one_that_was_trained_with_the_channels_of_the_configuration() -> None:
    kept = describe(partial(nn.Conv2d, in_channels=1, out_channels=2, kernel_size=5))
    settings = SimpleNamespace(network_def=kept)
    given = partial(nn.Conv2d, in_channels=3, out_channels=2, kernel_size=1)
    assert network_of(given, settings=settings).kernel_size == (5, 5)
    assert network_of(given, settings=settings).in_channels == 3
    assert network_of(given).kernel_size == (1, 1)


def test_values_of_the_configuration_count_for_a_part_that_was_trained() -> None:
    settings = SimpleNamespace(decoding=describe(Componentsd("pred", threshold=0.3, radius=3)), target=None)
    given = partial(WatershedFromDistanced, keys="pred", threshold=0.7, seed_height=0.1)
    trained = as_trained(given, settings, "decoding")
    assert isinstance(trained, Componentsd)
    assert (trained.options["threshold"], trained.options["radius"]) == (0.7, 3)
    target = as_trained(partial(ForegroundDistanceTargetd, keys="label"), settings, "target")
    assert isinstance(target, ForegroundDistanceTargetd)
