"""Each fault planted in a sound bundle is found, named, and told alone."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser, ReferenceResolver, verify_metadata
from monai.bundle.properties import TrainProperties
from monai.networks.nets import UNet

from cellseg_monai.bundling import check_bundles, render_bundles
from cellseg_monai.bundling.check.components import check_components
from cellseg_monai.bundling.check.metadata import SCHEMA
from cellseg_monai.bundling.check.properties import property_faults
from cellseg_monai.data.checks.finding import Severity
from cellseg_monai.runtime import keep_settings


def errors(bundle: Path) -> list[str]:
    findings = check_bundles(bundle, trust=True).findings[bundle]
    return [str(finding) for finding in findings if finding.severity is Severity.ERROR]


def test_a_sound_bundle_has_no_errors_and_is_left_as_it_is(bundle: Path) -> None:
    before = sorted(bundle.rglob("*"))
    assert errors(bundle) == []
    assert sorted(bundle.rglob("*")) == before


def test_what_was_not_made_is_told(bundle: Path) -> None:
    notes = [
        finding
        for finding in check_bundles(bundle, trust=True).findings[bundle]
        if finding.check == "component"
    ]
    inference = next(finding.message for finding in notes if finding.file.endswith("inference.json"))
    assert inference == "not created, because they read data: dataloader, dataset, evaluator"
    assert "items" in next(finding.message for finding in notes if finding.file.endswith("train.json"))


def rewrite(text: str) -> Callable[[Path], None]:
    """Sources anew, and rendered."""

    def change(bundle: Path) -> None:
        (bundle / "bundle.yaml").write_text(text)
        render_bundles(bundle)

    return change


def save(content: Any) -> Callable[[Path], None]:
    return lambda bundle: torch.save(content, bundle / "models/model.pt")


def keep_for_others(bundle: Path) -> None:
    save(UNet(2, 1, 1, [2, 4], [2]).state_dict())(bundle)
    keep_settings(bundle / "models/model.pt", threshold=0.4)
    save(UNet(2, 1, 1, [2, 4], [2]).state_dict())(bundle)


def list_large_file(entry: str) -> Callable[[Path], None]:
    return lambda bundle: (bundle / "large_files.yml").write_text(f"large_files: [{entry}]") and None


FAULTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "stale": (
        lambda bundle: (bundle / "configs/train.json").write_text("{}"),
        r"configs/train.json: differs from what its sources render to; run: cellseg bundle render /",
    ),
    "no licence": (
        lambda bundle: (bundle / "LICENSE").unlink(),
        r"LICENSE: missing, but required by the model zoo",
    ),
    "empty readme": (
        lambda bundle: (bundle / "docs/README.md").write_text(""),
        r"README.md: the file is empty",
    ),
    "no models": (
        lambda bundle: shutil.rmtree(bundle / "models"),
        r"models: missing, but required by the model zoo",
    ),
    "no schema": (rewrite("metadata: {schema: ''}"), r"metadata.json: schema: '' does not match"),
    "version not told": (
        rewrite("metadata: {version: 0.2.0}"),
        r"version 0.2.0 is not in the changelog, .* 0.1.0",
    ),
    "package not pinned": (
        rewrite("metadata: {required_packages_version: {tifffile: '>=2024'}}"),
        r"required_packages_version#tifffile: '>=2024' does not match",
    ),
    "author list": (rewrite("metadata: {authors: [a, b]}"), r"authors: \['a', 'b'\] is not of type 'string'"),
    "channels unnamed": (
        rewrite("metadata: {network_data_format#outputs#pred#channel_def: {0: background, 1: cell}}"),
        r"outputs#pred: channel_def names 0, 1 of 1 channels; only name channels 0 to 0",
    ),
    "channels in": (
        rewrite("metadata: {network_data_format#inputs#image#num_channels: 3}"),
        r"metadata.json: the network does not match network_data_format",
    ),
    "channel count": (
        rewrite(
            "metadata: {network_data_format#outputs#pred: {type: image, format: labels, num_channels: 2, "
            "spatial_shape: ['*'], dtype: float32, value_range: []}}"
        ),
        r"output channel number `1` doesn't match: `2`",
    ),
    "registry entry": (
        rewrite("choices: {networks#other#channels: 3}"),
        r"choices.json: networks#other: TypeError: .*; correct networks#other",
    ),
    "no such class": (
        rewrite("train: {loss#_target_: DiseLoss}"),
        r"train.json: loss: .*'?DiseLoss",
    ),
    "preprocessing": (
        rewrite("inference: {preprocessing#transforms#1#keys: 3, +preprocessing#transforms#1: {upper: -5}}"),
        r"inference.json: preprocessing#transforms#1: ValueError",
    ),
    "reference to nothing": (
        rewrite("train: {optimizer#lr: '@learning_rat'}"),
        r"optimizer#lr refers to @learning_rat, which does not exist",
    ),
    "macro to nothing": (
        lambda bundle: (bundle / "configs/train.json").write_text('{"lr": "%learning_rat"}'),
        r"train.json: ValueError: .*learning_rat.*MONAI cannot read it",
    ),
    "published overlay": (
        rewrite("as_published: {loss: {_target_: DiceLoss, reduction: sometimes}}"),
        r"as_published.json: loss: ValueError: .*sometimes",
    ),
    "indirect property": (
        rewrite("inference: {dataset#transform: '@postprocessing'}"),
        r"dataset#transform is @postprocessing; MONAI looks for the preprocessing at @preprocessing",
    ),
    "two networks": (
        rewrite("train: {network_def: '%networks#other'}"),
        r"inference.json: network_def is .*\[2, 4\].*, but .*\[3, 4\]",
    ),
    "nested weights": (
        save({"model": {}}),
        r"model.pt: not a bare state_dict \(keys: model\); train .* save network.state_dict\(\) alone",
    ),
    "whole network": (
        save(UNet(2, 1, 1, [2, 4], [2])),
        r"model.pt: contains more than tensors",
    ),
    "tensor": (save(torch.zeros(1)), r"model.pt: not a bare state_dict \(keys: none\)"),
    "weights of another": (
        save(UNet(2, 1, 1, [3, 4], [2]).state_dict()),
        r"model.0.conv.weight has shape \(3, 1, 3, 3\), not",
    ),
    "decoding of others": (
        keep_for_others,
        r"model.json: belongs to other weights; delete it, or train again",
    ),
    "large file": (
        lambda bundle: (bundle / "models/big.onnx").open("wb").truncate(26 * 1024**2),
        r"big.onnx: 26 MB, but not listed in large_files.yml; list its path",
    ),
    "large entry": (
        list_large_file("{path: a.bin}"),
        r"the entry \{'path': 'a.bin'\} lacks url",
    ),
    "large outside": (list_large_file("{path: ../../a, url: b}"), r"\.\./\.\./a is outside the bundle"),
    "large hash": (
        list_large_file("{path: LICENSE, url: b, hash_type: sha1, hash_val: '0'}"),
        r"LICENSE has the sha1 [0-9a-f]{40}, not 0; correct the hash",
    ),
}


@pytest.mark.parametrize(("plant", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found(bundle: Path, plant: Callable[[Path], Any], message: str) -> None:
    plant(bundle)
    found = "\n".join(errors(bundle))
    assert re.search(message, found), found


def test_the_state_of_a_training_is_not_published(bundle: Path) -> None:
    (bundle / "training/trained").mkdir(parents=True)
    with (bundle / "training/trained/training_state.pt").open("wb") as file:
        file.truncate(26 * 1024**2)
    assert not errors(bundle)


@pytest.mark.parametrize("word", ["detection", "Classification", "deepedit", "deepgrow"])
def test_names_that_monai_label_misreads(bundle: Path, word: str) -> None:
    renamed = bundle.rename(bundle.with_name(f"cell_{word}"))
    assert f"MONAI Label guesses another task from '{word.lower()}' in the name" in errors(renamed)[0]


def test_a_broken_bundle_hides_neither_other_checks_nor_other_bundles(bundle: Path) -> None:
    broken = bundle.with_name("broken")
    shutil.copytree(bundle, broken)
    (broken / "bundle.yaml").write_text("train: {lr: 1}")
    (broken / "configs/train.json").write_text("{")
    (broken / "LICENSE").unlink()
    (bundle / "docs/README.md").unlink()
    report = check_bundles(bundle.parent, trust=True)
    assert report.failed
    told = {finding.check for finding in report.findings[broken]}
    assert {"stale", "files", "properties", "configuration", "same network"} <= told
    assert [finding.check for finding in report.findings[bundle] if finding.severity is Severity.ERROR] == [
        "files"
    ]
    assert f"{bundle}: 1 error\n" in str(report)


def test_without_weights_there_is_a_note(bundle: Path) -> None:
    (bundle / "models/model.pt").unlink()
    report = check_bundles(bundle, trust=True)
    assert not report.failed
    assert "model.pt: missing; train the bundle" in str(report)


def test_each_definition_is_made_once(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    original = ReferenceResolver.get_resolved_content
    monkeypatch.setattr(
        ReferenceResolver,
        "get_resolved_content",
        lambda self, id, **kwargs: made.append(id) or original(self, id, **kwargs),
    )
    outcomes: dict[str, str] = {}
    list(check_components(bundle, outcomes))
    assert made.count("networks::other") == 1
    count = len(made)
    list(check_components(bundle, outcomes))
    assert len(made) == count


def test_an_inherited_fault_is_told_once_and_hides_no_other(bundle: Path) -> None:
    (bundle / "bundle.yaml").write_text("shared: {network_def#channels: 3}")
    with (bundle.parent / "_base/train.yaml").open("a") as base:
        base.write("\nspare: {_target_: DiceLoss, reduction: '@unknown'}")
    render_bundles(bundle)
    found = "\n".join(errors(bundle))
    assert found.count("train.json: network_def: ") == 1
    assert found.count("inference.json: network_def: ") == 1
    assert found.count("evaluate.json: network_def: ") == 0
    assert found.count("spare#reduction refers to @unknown") == 1


def test_a_missing_property_is_named() -> None:
    faults = dict(property_faults(ConfigParser({"bundle_root": "."}), TrainProperties))
    assert "train#trainer#max_epochs is missing, but MONAI requires it" in faults
    assert "bundle_root is missing, but MONAI requires it" not in faults


def test_validation_handler_must_point_at_the_evaluator() -> None:
    handlers = [
        {"_target_": "StatsHandler"},
        {"_target_": "ValidationHandler", "validator": "@valid", "interval": 1},
    ]
    optional = {name: TrainProperties[name] for name in ("evaluator", "val_interval")}
    parser = ConfigParser({"train": {"handlers": handlers}})
    assert dict(property_faults(parser, optional)) == {
        "train#handlers#1#validator is @valid; MONAI looks for the evaluator at @validate#evaluator": (
            "write @validate#evaluator there"
        )
    }


def test_monai_verifies_metadata_offline_with_our_schema(bundle: Path) -> None:
    metadata = bundle / "configs/metadata.json"
    verify_metadata(str(metadata), filepath=str(SCHEMA))
    content = json.loads(metadata.read_text())
    del content["task"]
    metadata.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="'task' is a required property"):
        verify_metadata(str(metadata), filepath=str(SCHEMA))
