"""Rounds of annotation without napari: what is trained, from which bundle, and which image comes next."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

import cellseg_monai as cs
from cellseg_monai.data import list_items, read_label_map, synthesize, write_synthetic_dataset
from cellseg_monai.metrics import pixel_counts, pixel_scores
from cellseg_monai.napari_plugin import latest_bundle, least_sure, save_labels, split_round, train_round
from cellseg_monai.napari_plugin.rounds import COMPARED
from cellseg_monai.planning.candidates import Candidate
from tests.forked.commands import as_executable
from tests.napari_plugin.conftest import write_scores


def trained(folder: Path, score: float, train: str = "", validation: str = "", ended: bool = True) -> Path:
    """What :func:`split_round` and :func:`latest_bundle` read of a bundle."""
    for name, letters in {"train": train, "validation": validation}.items():
        listed = [{"image": f"{letter}.tif"} for letter in letters]
        (folder / "training/trained").mkdir(parents=True, exist_ok=True)
        (folder / f"training/trained/{name}.json").write_text(json.dumps({"training": listed}))
    scores = {"start": 0.1, "trained": score, "test": 0.99}
    write_scores(folder, scores)
    if ended:
        (folder / "models").mkdir()
        (folder / "models/model.pt").touch()
    return folder


@pytest.mark.parametrize(
    ("scores", "latest"),
    [
        ({}, None),
        ({"bundle_9": 0.8, "bundle_10": 0.8}, "bundle_10"),
        ({"bundle_1": 0.8, "bundle_2": 0.3}, "bundle_1"),
        ({"bundle_1": 0.3}, None),
        ({"bundle_1": float("nan")}, None),
        ({"bundle_1": 0.8, "bundle_old": 0.9}, "bundle_1"),
    ],
    ids=["none", "by number", "too low", "all too low", "NaN", "other names"],
)
def test_the_latest_bundle(scores: dict[str, float], latest: str | None, tmp_path: Path) -> None:
    for name, score in scores.items():
        trained(tmp_path / name, score)
    found = latest_bundle(tmp_path)
    assert (found and found.name) == latest


def test_a_training_that_did_not_end_is_no_start(tmp_path: Path) -> None:
    trained(tmp_path / "bundle_1", 0.8)
    trained(tmp_path / "bundle_2", 0.9, ended=False)
    assert latest_bundle(tmp_path) == tmp_path / "bundle_1"


@pytest.mark.parametrize(
    ("now", "train", "validation", "expected"),
    [
        ("abc", "a", "b", ("ac", "b")),
        ("abcdefgh", "abcde", "f", ("abcdeh", "fg")),
        ("bcdef", "abcd", "e", ("bcdf", "e")),
        ("abcd", "abc", "x", ("abc", "d")),
    ],
    ids=["one more", "a fifth of more", "one less", "validation image gone"],
)
def test_validation_images_stay_apart(now, train, validation, expected, tmp_path: Path) -> None:
    last = trained(tmp_path, 0.8, train, validation)
    split = split_round([{"image": f"{letter}.tif"} for letter in now], last)
    assert tuple("".join(item["image"][0] for item in part) for part in split) == expected


def test_a_split_when_nothing_but_old_training_images_is_left(tmp_path: Path) -> None:
    items = [{"image": f"{letter}.tif"} for letter in "abc"]
    parts = split_round(items, trained(tmp_path, 0.8, "abc", "x"))
    assert parts == split_round(items, None)
    assert all(parts)


def test_one_labelled_image_is_not_enough(tmp_path: Path) -> None:
    save_labels(tmp_path / "set", np.zeros((8, 9)), np.eye(8, 9, dtype=int), "a")
    with pytest.raises(
        ValueError, match="set: 1 labelled image, but a training needs at least 2; label more"
    ):
        train_round(tmp_path / "set", tmp_path / "bundles", minutes=1, report=print)
    assert not (tmp_path / "bundles").exists()


def test_the_image_whose_turned_prediction_differs_most_comes_first(bundle: Path, tmp_path: Path) -> None:
    folder = write_synthetic_dataset("nuclei", tmp_path / "set", count=4, size=(48, 64), seed=2).parent
    files = sorted((folder / "images").iterdir())
    maps = [cs.predict(bundle, files, tmp_path / str(tta), tta=tta) for tta in (False, True)]
    counts = [pixel_counts(*map(read_label_map, pair)) for pair in zip(*maps, strict=True)]
    agreement = {
        file: pixel_scores(each, empty=0.0).dice[0] for file, each in zip(files, counts, strict=True)
    }
    assert len(set(agreement.values())) > 1
    assert least_sure(bundle, files) == sorted(files, key=agreement.__getitem__)


def test_of_many_images_some_are_compared(bundle: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"{number:02}.tif" for number in range(COMPARED + 8)]
    for number, file in enumerate(files):
        tifffile.imwrite(file, synthesize("nuclei", (32, 32), seed=number).image)
    found = least_sure(bundle, files)
    assert len(set(found)) == COMPARED
    assert {files[0], files[-1]} <= set(found)


def test_an_image_that_cannot_be_compared_is_told(bundle: Path, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", synthesize("nuclei", (32, 32), seed=1).image)
    (tmp_path / "b.tif").write_text("no image")
    with pytest.raises(ValueError, match=r"b\.tif"):
        least_sure(bundle, [tmp_path / "a.tif", tmp_path / "b.tif"])


@pytest.mark.slow
def test_two_rounds(real_images: Path, tmp_path: Path) -> None:
    items = list_items(real_images / "nuclei/train")
    lines: list[str] = []
    for count in (2, 3):
        for item in items[:count]:
            save_labels(tmp_path / "set", item["image"], read_label_map(item["label"]))
        with as_executable():
            found = train_round(tmp_path / "set", tmp_path / "bundles", minutes=0.2, report=lines.append)
        assert found.bundle == tmp_path / f"bundles/bundle_{count - 1}"
    assert any(line.startswith("epoch") for line in lines)
    one, two = (
        json.loads((tmp_path / f"bundles/bundle_{number}/plan.json").read_text()) for number in (1, 2)
    )
    assert one["given"]["start"] is None
    assert two["given"]["start"] == str(tmp_path / "bundles/bundle_1")
    best = [Candidate.from_record(each).score for each in one["candidates"]]
    (learned, validated), (more, still) = (plan["given"]["trainings"]["trained"] for plan in (one, two))
    assert (len(learned), len(more), still) == (1, 2, validated)
    assert found.scores["shipped"] == pytest.approx(max(best))
    shutil.rmtree(tmp_path / "bundles/bundle_1")  # the second has all it needs
    assert cs.predict(found.bundle, [items[3]["image"]], tmp_path / "out")
