import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from monai.data import Dataset, MetaTensor
from monai.engines import SupervisedEvaluator
from monai.transforms import Compose, SaveImaged

from cellseg_monai.export import SaveTiffd
from cellseg_monai.inference import EachImage
from cellseg_monai.instances import Cellsd, Componentsd, Foregroundd
from cellseg_monai.outputs import verify_run


class AddOne(torch.nn.Module):
    """Unless the image is all 13."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if (image == 13).all():
            raise RuntimeError("unlucky\nnumber")
        return image + 1


def refuse_eight(data: dict[str, Any]) -> dict[str, Any]:
    if (data["pred"] == 8).all():
        raise ValueError("eight is refused") from KeyError("what nobody needs to know")
    return data


def load(item: dict[str, Any]) -> dict[str, Any]:
    value = int(Path(item["image"]).stem)
    if value == 0:
        raise OSError("cannot be read")
    return {"image": torch.full((1, 4, 3 + value), float(value))}


def rows(table: Path) -> list[list[str]]:
    with table.open(newline="") as file:
        return list(csv.reader(file))


def each_image(values: list[int], folder: Path) -> EachImage:
    save = SaveImaged("pred", output_dir=folder, output_ext=".tif", separate_folder=False, print_log=False)
    postprocessing = Compose([refuse_eight, save])
    evaluator = SupervisedEvaluator("cpu", [0], AddOne(), postprocessing=postprocessing)
    dataset = Dataset([{"image": str(folder.parent / f"images/{value}.tif")} for value in values], load)
    return EachImage(evaluator, dataset, postprocessing, folder)


def test_what_fails_is_told_and_the_others_are_done(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^3 of 7 images failed; see .*failures\.csv for the reasons$"):
        each_image([5, 0, 1, 13, 7, 2, 3], tmp_path).run()
    assert len(list(tmp_path.glob("*.tif"))) == 4
    assert [(Path(name).stem, reason) for name, reason in rows(tmp_path / "failures.csv")[1:]] == [
        ("0", "OSError: cannot be read"),
        ("13", "RuntimeError: unlucky number"),
        ("7", "ValueError: eight is refused"),
    ]
    assert [Path(row[0]).stem for row in rows(tmp_path / "timing.csv")[1:]] == ["5", "1", "2", "3"]


def test_the_network_stays_in_evaluation_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = each_image([1, 2], tmp_path)
    modes: list[bool] = []
    monkeypatch.setattr(AddOne, "train", lambda network, mode=True: modes.append(mode) or network)
    images.run()
    assert not any(modes)


def test_time_goes_to_the_stage_that_took_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))
    images = each_image([1], tmp_path)
    images.run()
    header, row = rows(tmp_path / "timing.csv")
    assert header == ["image", "read", "network", "postprocessing", "write"]
    assert [float(seconds) for seconds in row[1:]] == [1, 1, 1, 1]
    assert images.postprocessing.transforms[0] is refuse_eight


def test_a_run_without_images_leaves_empty_tables(tmp_path: Path) -> None:
    each_image([], tmp_path / "new").run()
    assert [len(rows(tmp_path / "new" / name)) for name in ("failures.csv", "timing.csv")] == [1, 1]


def test_results_are_those_of_the_evaluator(tmp_path: Path) -> None:
    each_image([4, 2], tmp_path).run()
    values = {
        tifffile.imread(path).shape: np.unique(tifffile.imread(path)) for path in tmp_path.glob("*.tif")
    }
    assert {shape: list(found) for shape, found in values.items()} == {(7, 4): [5], (5, 4): [3]}


class Blurred(torch.nn.Module):
    """Foreground logits that are the image: the network is unsure where the image is grey."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image


def test_an_image_of_which_the_network_is_unsure_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clear, grey = torch.full((1, 8, 8), -9.0), torch.full((1, 8, 8), -0.1)
    clear[:, :4], grey[:, :4] = 9.0, 0.1
    clear[:, 3] = 0.1
    images = {"clear.tif": clear, "grey.tif": grey}
    decoding = Componentsd("pred")
    postprocessing = Compose([Foregroundd("pred", decoding), Cellsd("pred", decoding)])
    evaluator = SupervisedEvaluator("cpu", [0], Blurred(), postprocessing=postprocessing)
    dataset = Dataset([{"image": name} for name in images], lambda item: {"image": images[item["image"]]})
    EachImage(evaluator, dataset, postprocessing, tmp_path, most_unsure=0.25).run()
    assert [row[2:] for row in rows(tmp_path / "counts.csv")[1:]] == [["6.4", "1.00"], ["6.4", "8.00"]]
    assert "unsure of 1 of 2 images (grey.tif)" in caplog.text


class Counting(torch.nn.Module):
    """Adds a weight, and counts the images."""

    seen: int = 0

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if (image == 13).all():
            raise RuntimeError("unlucky number")
        Counting.seen += 1
        return image + self.weight


def load_file(item: dict[str, Any]) -> dict[str, Any]:
    pixels = tifffile.imread(item["image"]).astype(np.float32)[None]
    return {"image": MetaTensor(pixels, meta={"filename_or_obj": item["image"]})}


def as_integers(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "pred": data["pred"].to(torch.int32)}


class Kept:
    """A folder of images that is segmented again and again."""

    def __init__(self, folder: Path, values: list[int]) -> None:
        self.folder = folder
        self.images = {value: folder / f"images/{value}.tif" for value in values}
        for value, path in self.images.items():
            path.parent.mkdir(exist_ok=True)
            tifffile.imwrite(path, np.full((4, 5), value, np.uint8))

    def run(self, weight: float = 1.0, out: str = "out") -> int:
        """Number of images that the network was given."""
        save = SaveTiffd("pred", self.folder / out, self.folder / "images")
        postprocessing = Compose([as_integers, save])
        evaluator = SupervisedEvaluator("cpu", [0], Counting(weight), postprocessing=postprocessing)
        dataset = Dataset([{"image": str(path)} for path in self.images.values()], load_file)
        Counting.seen = 0
        try:
            EachImage(evaluator, dataset, postprocessing, self.folder / out).run()
        finally:
            self.seen = Counting.seen
        return self.seen

    def tables(self) -> list[list[list[str]]]:
        return [rows(self.folder / "out" / name) for name in ("timing.csv", "counts.csv", "failures.csv")]


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path, [1, 2, 3])
    assert kept.run() == 3
    before, labels = kept.tables(), tmp_path / "out/2.tif"
    written = labels.stat().st_mtime_ns
    assert kept.run() == 0
    assert kept.tables() == before
    assert labels.stat().st_mtime_ns == written
    record = json.loads((tmp_path / "out/run.json").read_text())["predict"]
    assert record["counts"] == {"images": 3, "kept": 3, "failed": 0, "cells": 3}
    assert verify_run(tmp_path / "out").failures == []


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (lambda kept: tifffile.imwrite(kept.images[2], np.full((4, 5), 9, np.uint8)), 1),
        (lambda kept: os.utime(kept.images[2]), 0),
        (lambda kept: (kept.folder / "out/2.tif").unlink(), 1),
        (lambda kept: kept.images.pop(2), 0),
    ],
    ids=["another image", "the same image touched", "its result is lost", "it is not wanted any more"],
)
def test_only_what_has_changed_is_done_again(
    change: Callable[[Kept], None], again: int, tmp_path: Path
) -> None:
    kept = Kept(tmp_path, [1, 2, 3])
    kept.run()
    change(kept)
    assert kept.run() == again
    assert len(rows(tmp_path / "out/counts.csv")) == len(kept.images) + 1


def test_other_weights_are_another_run(tmp_path: Path) -> None:
    kept = Kept(tmp_path, [1, 2])
    kept.run()
    assert kept.run(weight=2.0) == 2
    assert tifffile.imread(tmp_path / "out/1.tif").max() == 3


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path, [1, 13, 2])
    with pytest.raises(RuntimeError, match="1 of 3 images failed"):
        kept.run()
    tifffile.imwrite(kept.images[13], np.full((4, 5), 7, np.uint8))
    assert kept.run() == 1
    assert [Path(row[0]).stem for row in kept.tables()[0][1:]] == ["1", "13", "2"]


def test_results_may_not_be_replaced_by_anyone_else(tmp_path: Path) -> None:
    kept = Kept(tmp_path, [1, 2])
    kept.run()
    tifffile.imwrite(tmp_path / "out/1.tif", np.zeros((4, 5), np.uint8))
    with pytest.raises(FileExistsError, match=r"1\.tif was changed since"):
        kept.run()
