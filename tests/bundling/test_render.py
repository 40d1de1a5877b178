"""Rendered files are what MONAI would merge; what the base lacks is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigParser

from cellseg_monai.bundling import render_bundle, render_bundles, stale_configs
from cellseg_monai.bundling.render import LAYERS, OPTIONAL


def rendered(bundle: Path, text: str) -> dict[str, Any]:
    (bundle / "bundle.yaml").write_text(text)
    return {
        name.removeprefix("configs/"): json.loads(content)
        for name, content in render_bundle(bundle).items()
        if name.endswith("json")
    }


def test_every_file_is_there_and_twice_the_same(bundle: Path) -> None:
    texts = render_bundle(bundle)
    names = [f"{name}.json" for name in ("metadata", *LAYERS) if name not in OPTIONAL]
    assert set(texts) == {f"configs/{name}" for name in (*names, "logging.conf")}
    assert texts == render_bundle(bundle)
    assert list(json.loads(texts["configs/train.json"]))[:2] == [
        "bundle_root",
        "dataset_dir",
    ]  # the order of the base


def test_train_and_inference_hold_the_shared_part(bundle: Path) -> None:
    files = rendered(bundle, "{shared: {in_channels: 3}, train: {learning_rate: 0.5}}")
    assert files["train.json"]["in_channels"] == files["inference.json"]["in_channels"] == 3
    assert files["train.json"]["learning_rate"] == 0.5
    assert "learning_rate" not in files["inference.json"]


def test_a_section_of_train_may_change_the_shared_part_for_itself(bundle: Path) -> None:
    files = rendered(bundle, "train: {in_channels: 3}")
    assert (files["train.json"]["in_channels"], files["inference.json"]["in_channels"]) == (3, 1)


def test_monai_makes_of_the_files_what_was_meant(bundle: Path) -> None:
    evaluate = "{validate#handlers#0#name: mine, in_channels: 2}"
    (bundle / "bundle.yaml").write_text(
        f"{{train: {{train#handlers#1#tag_name: cost}}, evaluate: {evaluate}}}"
    )
    render_bundles(bundle)
    files = [str(bundle / "configs" / f"{name}.json") for name in LAYERS["multi_gpu_evaluate"]]
    train, evaluate, everything = (ConfigParser.load_config_files(files[:count]) for count in (1, 2, 3))
    assert train["train"]["handlers"][1]["tag_name"] == "cost"
    assert train["validate"]["handlers"] == [{"_target_": "StatsHandler"}]
    assert evaluate["validate"]["handlers"][0]["name"] == "mine"
    assert evaluate["in_channels"] == 2
    assert evaluate["run"] == ["$@validate#evaluator.run()"]
    assert everything["validate"]["handlers"][0]["name"] == "$'of ' + str(@device)"


def test_the_overlay_for_large_images_lies_over_inference(bundle: Path) -> None:
    assert rendered(bundle, "inference_large: {tile: 32}")["inference_large.json"]["tile"] == 32
    with pytest.raises(ValueError, match=r"section inference_large: .* did you mean 'tile'"):
        rendered(bundle, "inference_large: {tiles: 32}")


def test_as_published_lies_over_train_and_inference(bundle: Path) -> None:
    section = "{learning_rate: 0.5, preprocessing: {_target_: Compose}}"
    assert rendered(bundle, f"as_published: {section}")["as_published.json"] == {
        "learning_rate": 0.5,
        "preprocessing": {"_target_": "Compose"},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trian: {}", r"bundle.yaml: unknown section 'trian'; it must be one of metadata, shared, train"),
        ("train:", r"bundle.yaml, section train: it must hold ids and values, not None"),
        (
            "train: {lerning_rate: 1}",
            r"section train: there is no id 'lerning_rate'; did you mean 'learning_rate'",
        ),
        ("shared: {learning_rate: 1}", r"section shared: there is no id 'learning_rate'"),
        ("inference: {learning_rate: 1}", r"section inference: there is no id 'learning_rate'"),
        ("evaluate: {validate#handler: 1}", r"section evaluate: .* did you mean 'validate#handlers'"),
        (
            "multi_gpu_train: {rang: 1}",
            r"section multi_gpu_train: there is no id 'rang'; did you mean 'rank'",
        ),
        ("as_published: {optimizer#lr_: 1}", r"section as_published: .* did you mean 'optimizer#lr'"),
        (
            "as_published: {optimizer#lr: 1}",
            r"inference.json has no 'optimizer' to change; override it as a whole",
        ),
        ("as_published: {loss: '%losses#dise'}", r"%losses#dise is not one of the choices; 'dise' must be"),
        (
            "shared: {network_def: '%network#unet'}",
            r"%network#unet is not one of the choices",
        ),
        (
            "metadata: {version: 2024-01-01}",
            r"bundle.yaml: Object of type date .* write dates and NaN as text",
        ),
        ("train: {learning_rate: .nan}", r"write dates and NaN as text in quotes"),
    ],
    ids=lambda value: value if ":" in value and "section" not in value else "",
)
def test_error_names_file_section_and_id(bundle: Path, text: str, message: str) -> None:
    (bundle / "bundle.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        render_bundle(bundle)


def test_a_new_id_of_an_overlay_must_be_used(bundle: Path) -> None:
    base = bundle.parent / "_base/evaluate.yaml"
    base.write_text("{limit: 3, validate#handlers: [{name: '$str(@limit)'}]}")
    assert json.loads(render_bundle(bundle)["configs/evaluate.json"])["limit"] == 3
    base.write_text("{train#limit: 3, validate#handlers: [{name: '$str(@train#limit)'}]}")
    assert json.loads(render_bundle(bundle)["configs/evaluate.json"])["train#limit"] == 3
    base.write_text("{limit: 3}")
    with pytest.raises(ValueError, match=r"evaluate.yaml: there is no id 'limit'"):
        render_bundle(bundle)


def test_an_id_in_shared_and_train_is_refused(bundle: Path) -> None:
    with (bundle.parent / "_base/train.yaml").open("a") as base:
        base.write("\nin_channels: 2")
    with pytest.raises(ValueError, match=r"train.yaml: 'in_channels' is also in shared.yaml"):
        render_bundle(bundle)


def test_inference_may_change_a_part_of_what_is_shared(bundle: Path) -> None:
    shared, inference = (bundle.parent / "_base" / f"{name}.yaml" for name in ("shared", "inference"))
    with shared.open("a") as base:
        base.write("\ncells: {threshold: 0.5, size: 3}")
    with inference.open("a") as base:
        base.write("\nchosen: 0.4\ncells#threshold: '@chosen'")
    files = rendered(bundle, "shared: {cells#size: 7}")
    assert files["inference.json"]["cells"] == {"threshold": "@chosen", "size": 7}
    assert files["train.json"]["cells"] == {"threshold": 0.5, "size": 7}
    with inference.open("a") as base:
        base.write("\ncells#treshold: 1")
    with pytest.raises(ValueError, match=r"inference.yaml: there is no id 'cells#treshold'; did you mean"):
        render_bundle(bundle)


@pytest.mark.parametrize("name", ["metadata.yaml", "multi_gpu_evaluate.yaml", "logging.conf"])
def test_a_missing_file_of_the_base_is_named(bundle: Path, name: str) -> None:
    (bundle.parent / "_base" / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
        render_bundle(bundle)


def test_a_bundle_without_a_base_beside_it_has_that_of_the_package(bundle: Path) -> None:
    shutil.rmtree(bundle.parent / "_base")
    train = json.loads(render_bundle(bundle)["configs/train.json"])
    assert train["train"]["trainer"]["_target_"] == "SupervisedTrainer"


def test_only_stale_files_are_written(bundle: Path) -> None:
    assert render_bundles(bundle) == []
    (bundle / "bundle.yaml").write_text("{metadata: {name: Tiny}, as_published: {learning_rate: 1.0}}")
    (bundle / "configs/train.json").write_text("{}")
    (bundle / "configs/metadata.json").unlink()
    stale = {"as_published.json", "metadata.json", "train.json"}
    assert {file.name for file in stale_configs(bundle)} == stale
    assert {file.name for file in render_bundles(bundle)} == stale
    assert stale_configs(bundle) == []


def test_an_overlay_may_lie_over_another(bundle: Path) -> None:
    text = "{multi_class: {in_channels: 3}, as_published_multi_class: {learning_rate: 0.5}}"
    (bundle / "bundle.yaml").write_text(text)
    render_bundles(bundle)
    files = [str(bundle / "configs" / f"{name}.json") for name in LAYERS["as_published_multi_class"]]
    config = ConfigParser.load_config_files(files)
    assert (config["in_channels"], config["learning_rate"]) == (3, 0.5)


def test_the_card_becomes_the_readme_with_the_commands_in_their_place(bundle: Path) -> None:
    (bundle.parent / "_base/commands.md").write_text("## Train\n\nLike this.\n")
    (bundle / "card.md").write_text("# Tiny\n\n<!-- commands -->\n\n## Measured\n")
    assert render_bundles(bundle) == [bundle / "docs/README.md"]
    assert (bundle / "docs/README.md").read_text() == "# Tiny\n\n## Train\n\nLike this.\n\n## Measured\n"
    assert stale_configs(bundle) == []
    (bundle / "card.md").write_text("# Tiny\n")
    with pytest.raises(ValueError, match=r"card.md: there is no line <!-- commands -->"):
        render_bundle(bundle)


def test_an_overlay_without_its_section_is_removed(bundle: Path) -> None:
    published = bundle / "configs/as_published.json"
    published.write_text("{}")
    assert render_bundles(bundle) == [published]
    assert not published.exists()


def test_nothing_is_written_if_one_bundle_is_broken(bundle: Path) -> None:
    other = bundle.parent / "worse"
    other.mkdir()
    (other / "bundle.yaml").write_text("train: {lr: 1}")
    (bundle / "bundle.yaml").write_text("metadata: {name: Changed}")
    with pytest.raises(ValueError, match=r"worse/bundle.yaml"):
        render_bundles(bundle.parent)
    assert '"Tiny"' in (bundle / "configs/metadata.json").read_text()
