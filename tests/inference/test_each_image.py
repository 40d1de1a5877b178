import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from monai.data import Dataset
from monai.engines import SupervisedEvaluator
from monai.transforms import Compose, SaveImaged

from cellseg_monai.inference import EachImage


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
