"""Card, metadata and the file of results hold the same numbers, and those of the evaluation."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
import torch
import yaml
from PIL import Image

from cellseg_monai.bundling import check_bundles, list_large_files, pack_bundle, render_bundles, write_card
from cellseg_monai.bundling.check.weights import check_results
from cellseg_monai.bundling.check.zoo import check_large_files, check_stale
from cellseg_monai.bundling.failures import BUDGET
from cellseg_monai.bundling.results import portable
from cellseg_monai.cli import main
from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.data.checks.finding import Finding
from cellseg_monai.jobs import evaluate
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.outputs.digest import digest_of
from tests.bundles.threshold import SOURCE, threshold_bundle

TRAINING = {"seconds": 7265.04, "watts": 65, "hardware": "one core", "seed": "3"}


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A bundle with weights, and the evaluation of it."""
    folder = tmp_path_factory.mktemp("card")
    bundle = threshold_bundle(folder)
    images = write_synthetic_dataset("nuclei", folder / "set", count=5, size=(96, 128)).parent
    predict(bundle, [images], folder / "result")
    evaluate(folder / "result/labels", images, folder / "scores", bundle=bundle)
    return bundle, folder / "scores"


@pytest.fixture
def bundle(scored: tuple[Path, Path]) -> Path:
    """As it is before its card is written."""
    folder = scored[0]
    for file in ("docs/results.json", "large_files.yml"):
        (folder / file).unlink(missing_ok=True)
    (folder / "bundle.yaml").write_text(SOURCE)
    render_bundles(folder)
    return folder


@pytest.fixture
def scores(scored: tuple[Path, Path]) -> Path:
    return scored[1]


def content(file: Path) -> Any:
    return json.loads(file.read_text())


def test_card_metadata_and_results_hold_the_numbers_of_the_evaluation(bundle: Path, scores: Path) -> None:
    words = ["--results", f"drawn nuclei={scores}", "--training", *(f"{k}={v}" for k, v in TRAINING.items())]
    assert main(["bundle", "card", str(bundle), *words]) == 0
    table, card = pd.read_csv(scores / "scores.csv"), (bundle / "docs/README.md").read_text()
    told = content(bundle / "configs/metadata.json")["eval_metrics"]["drawn nuclei"]
    (test,) = content(bundle / "docs/results.json")["tests"]
    rows = {
        cells[0]: cells[1:] for cells in re.findall(r"\| (\S+) \| ([\d.]+) \| (.+?) \| ([\d.]+) \|", card)
    }
    assert (told["images"], told["cells"]) == (test["images"], test["cells"]) == (5, table["n_true"].sum())
    assert f"drawn nuclei (5 images, {table['n_true'].sum()} cells)" in card
    for name in ("dice", "f1@0.5", "pq", "aji"):
        mean, interval, median = rows[name]
        summary = test["scores"][name]
        assert told[name] == float(mean) == summary["mean"] == pytest.approx(table[name].mean(), abs=6e-5)
        assert told[f"{name}_interval"] == [float(end) for end in interval.split(" to ")]
        assert told[f"{name}_interval"] == [summary["low"], summary["high"]]
        assert float(median) == summary["median"] == pytest.approx(np.median(table[name]), abs=6e-5)
        assert summary["worst"] == pytest.approx(table[name].min(), abs=6e-5)
    assert "n_pred" not in test["scores"]  # a count
    assert not check_bundles(bundle).failed


def test_the_card_tells_of_data_training_energy_and_use(bundle: Path, scores: Path) -> None:
    command = "/opt/python -m monai.bundle run --config_file configs/train.json --dataset_dir /home/me/set"
    write_card(bundle, {"nuclei": scores}, {**TRAINING, "command": command, "images": 21})
    card = (bundle / "docs/README.md").read_text()
    for told in (
        "| training data | images drawn by a program (CC0) |", "stretched between percentiles 1 and 99",
        "| seed | 3 |", "| images | 21 |", "| time | 2 h 1 min |", "| hardware | one core |",
        "about 0.13 kWh: an estimate, 7,265 s at 65 W", "configs/train.json --dataset_dir DATA\n```",
        "cellseg predict threshold TEST", "Do not use this model for diagnosis",
        "Research; not for diagnosis.",
        "`cellseg train DATA --out MY_BUNDLE`",
    ):  # fmt: skip
        assert told in card, told
    assert "/home" not in card + (bundle / "docs/results.json").read_text()


def test_what_was_not_recorded_is_told_so(bundle: Path, scores: Path) -> None:
    write_card(bundle, {"nuclei": scores})
    card = (bundle / "docs/README.md").read_text()
    assert "| time | not recorded |" in card
    assert "not estimated, because the time is unknown" in card
    assert "The command was not recorded." in card
    assert "| seed | 0 |" in card  # of the bundle's configuration


def test_kinds_of_images_are_told_apart(bundle: Path, scores: Path, tmp_path: Path) -> None:
    masks = scores.parent / "set/labels"  # whose names alone tell the kind
    evaluate(scores.parent / "result/labels", masks, tmp_path, modality="00[01]|00", bundle=bundle)
    write_card(bundle, {"nuclei": tmp_path})
    card = (bundle / "docs/README.md").read_text()
    table = pd.read_csv(tmp_path / "scores.csv", dtype={"modality": str})
    for kind, count in {"000": 1, "001": 1, "00": 3}.items():
        part = table[table["modality"] == kind]
        assert f"| {kind} | {count} | {part['f1@0.5'].mean():.4f} | {part['dice'].mean():.4f} |" in card
    assert '--bundle threshold --modality "00[01]|00"' in card


def test_the_command_names_the_classes(bundle: Path, scores: Path, tmp_path: Path) -> None:
    for kind, values in {"labels": (0, 1, 2), "masks": (0, 128, 255)}.items():
        (tmp_path / kind).mkdir()
        for file in (scores.parent / "result/labels").glob("*.tif"):
            classes = np.array(values)[np.minimum(tifffile.imread(file), 2)]
            tifffile.imwrite(tmp_path / kind / file.name, classes.astype(np.uint8))
    classes = {"0": 0, "128": 1, "255": 2}
    evaluate(tmp_path / "labels", tmp_path / "masks", tmp_path / "out", classes=classes, bundle=bundle)
    write_card(bundle, {"nuclei": tmp_path / "out"})
    assert "--bundle threshold --classes 0=0 128=1 255=2\n" in (bundle / "docs/README.md").read_text()


def test_worst_images_are_the_worst(bundle: Path, scores: Path) -> None:
    write_card(bundle, {"nuclei": scores})
    table = pd.read_csv(scores / "scores.csv").sort_values(["f1@0.5", "dice", "image"])
    worst = content(bundle / "docs/results.json")["worst"]
    assert [row["image"] for row in worst] == table["image"].head(3).tolist()
    assert not list((bundle / "docs").glob("*.jpg"))


def test_pictures_are_small_and_go_when_they_are_not_asked_for(bundle: Path, scores: Path) -> None:
    write_card(bundle, {"nuclei": scores}, pictures=True)
    pictures = sorted((bundle / "docs").glob("failure_?.jpg"))
    assert len(pictures) == 3
    assert sum(file.stat().st_size for file in pictures) <= BUDGET
    assert Image.open(pictures[0]).size == (2 * 128 + 4, 96)
    assert all(f"]({file.name})" in (bundle / "docs/README.md").read_text() for file in pictures)
    assert not faults(check_results, bundle)
    pictures[0].unlink()
    assert faults(check_results, bundle) == ["the card shows this picture, but it is missing"]
    write_card(bundle, {"nuclei": scores})
    assert not list((bundle / "docs").glob("failure_*"))


def test_several_test_sets_stand_side_by_side(bundle: Path, scores: Path) -> None:
    write_card(bundle, {"one": scores, "other": scores})
    metrics = content(bundle / "configs/metadata.json")["eval_metrics"]
    assert metrics["one"] == metrics["other"]
    assert list(metrics) == ["one", "other"]
    assert "On other (5 images" in (bundle / "docs/README.md").read_text()
    assert main(["bundle", "card", str(bundle), "--results", f"a={scores}", f"a={scores}"]) == 1


def test_without_results_the_card_says_that_there_are_no_weights(bundle: Path, scores: Path) -> None:
    assert "No weights are shipped yet" in (bundle / "docs/README.md").read_text()
    write_card(bundle, {"nuclei": scores})
    assert "No weights" not in (bundle / "docs/README.md").read_text()


def faults(check: Callable[[Path], Iterator[Finding]], bundle: Path) -> list[str]:
    return [finding.message for finding in check(bundle)]


def test_other_weights_are_noticed(bundle: Path, scores: Path) -> None:
    write_card(bundle, {"nuclei": scores}, url="https://example.org/model.pt")
    weights = bundle / "models/model.pt"
    before = weights.read_bytes()
    try:
        torch.save({"weight": torch.ones(1, 1, 1, 1), "bias": torch.zeros(1)}, weights)
        assert faults(check_results, bundle) == ["docs/results.json has the scores of other weights"]
        assert len(faults(check_large_files, bundle)) == 1
        with pytest.raises(ValueError, match=r"docs/results.json has the scores of other weights; evaluate"):
            pack_bundle(bundle, bundle.parent / "dist")
        with pytest.raises(
            ValueError, match=r"the scores belong to other weights .* segment and evaluate again"
        ):
            write_card(bundle, {"nuclei": scores})
    finally:
        weights.write_bytes(before)
    listing = bundle / "large_files.yml"
    listing.write_text(re.sub("hash_val: .*", "hash_val: '0'", listing.read_text()))
    assert faults(check_results, bundle) == ["lists other weights than docs/results.json"]


def test_a_number_changed_by_hand_is_stale(bundle: Path, scores: Path) -> None:
    write_card(bundle, {"nuclei": scores})
    assert not faults(check_stale, bundle)
    file = bundle / "docs/results.json"
    file.write_text(re.sub(r'"mean": [\d.]+', '"mean": 0.5', file.read_text(), count=1))
    assert len(faults(check_stale, bundle)) == 2


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (
            {"epochs": 3},
            r"'epochs' is unknown; it must be one of command, seed, images, seconds, hardware, watts",
        ),
        ({"seconds": "an hour"}, r"seconds must be a number of at least 0, not 'an hour'"),
        ({"watts": -1}, r"watts must be a number of at least 0, not -1"),
    ],
    ids=["key", "text", "negative"],
)
def test_training_is_told_in_known_words(
    bundle: Path, scores: Path, training: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write_card(bundle, {"nuclei": scores}, training)
    assert not (bundle / "docs/results.json").exists()


def test_an_evaluation_must_tell_of_which_weights(bundle: Path, scores: Path, tmp_path: Path) -> None:
    for name in ("scores.csv", "files.csv"):
        (tmp_path / name).write_bytes((scores / name).read_bytes())
    with pytest.raises(ValueError, match=r"there is no evaluation; give the --out"):
        write_card(bundle, {"nuclei": tmp_path})
    summary = content(scores / "summary.json")
    del summary["provenance"]["bundle"]
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(
        ValueError, match=r"the record does not name the weights; evaluate again with --bundle"
    ):
        write_card(bundle, {"nuclei": tmp_path})
    with pytest.raises(ValueError, match=r"at least one evaluation"):
        write_card(bundle, {})


def test_the_sources_must_have_a_place_for_it(bundle: Path, scores: Path) -> None:
    (bundle / "bundle.yaml").write_text(SOURCE.replace("data_source", "data_type"))
    with pytest.raises(ValueError, match=r"data_source is missing; .* must state its training data"):
        write_card(bundle, {"nuclei": scores})
    (bundle / "bundle.yaml").write_text(SOURCE)
    card = (bundle / "card.md").read_text()
    try:
        (bundle / "card.md").write_text("<!-- commands -->")
        with pytest.raises(ValueError, match=r"there is no line <!-- results -->"):
            render_bundles(bundle)
    finally:
        (bundle / "card.md").write_text(card)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("python train.py --seed 0", "python train.py --seed 0"),
        ("/a/python -m m --ckpt_dir /b/c --pretrained None", "python -m m --ckpt_dir RUN --pretrained None"),
        ("m --dataset_dir=/b/c --weights /x/model.pt", "m --dataset_dir=DATA --weights model.pt"),
        ("m --loss '@losses#dice' --channels '[8, 16]'", "m --loss '@losses#dice' --channels '[8, 16]'"),
    ],
    ids=["plain", "folders", "equals", "quotes"],
)
def test_a_command_without_the_folders_of_a_machine(command: str, told: str) -> None:
    assert portable(command) == told


def test_large_files_have_and_keep_their_address(bundle: Path) -> None:
    weights, file = bundle / "models/model.pt", bundle / "large_files.yml"
    assert list_large_files(bundle) is None
    assert not file.exists()
    entry = {"path": "models/model.pt", "hash_val": digest_of(weights), "hash_type": "sha256"}
    file.write_text(yaml.safe_dump({"large_files": [entry]}))
    (fault,) = faults(check_large_files, bundle)
    assert fault.endswith("lacks url")
    assert list_large_files(bundle) is None
    assert not file.exists()
    list_large_files(bundle, "https://example.org/model.pt")
    (listed,) = yaml.safe_load(list_large_files(bundle).read_text())["large_files"]
    assert listed == {**entry, "url": "https://example.org/model.pt"}
    assert not faults(check_large_files, bundle)


def test_a_file_that_is_neither_here_nor_anywhere_is_refused(bundle: Path) -> None:
    entry = {"path": "models/other.pt", "hash_val": "0" * 64, "hash_type": "sha256"}
    (bundle / "large_files.yml").write_text(yaml.safe_dump({"large_files": [entry]}))
    with pytest.raises(
        FileNotFoundError, match=r"models/other.pt is missing, and large_files.yml has no address for it"
    ):
        list_large_files(bundle)
    (bundle / "large_files.yml").write_text(
        yaml.safe_dump({"large_files": [{**entry, "url": "https://example.org/other.pt"}]})
    )
    list_large_files(bundle)
    assert not faults(check_large_files, bundle)
