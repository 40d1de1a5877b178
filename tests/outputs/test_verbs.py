"""Every verb keeps to the rule: inside the folder, over nothing that it did not write itself."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from ignite.engine import Engine

from cellseg_monai.cli import main
from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.training import BestWeights

BUNDLES = Path(__file__).parents[2] / "bundles"


@pytest.fixture(scope="module")
def nuclei(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two images with their masks."""
    return write_synthetic_dataset("nuclei", tmp_path_factory.mktemp("set"), count=2, size=(64, 96)).parent


@pytest.fixture
def dataset(nuclei: Path, tmp_path: Path) -> Path:
    """A copy that may be spoiled."""
    return shutil.copytree(nuclei, tmp_path / "d")


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".cellseg" not in path.parts
    }


def test_predict_into_its_own_dataset(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files_of(dataset)
    assert main(["predict", "patch_attention_unet", str(dataset), "--out", str(dataset)]) == 1
    assert "contains the input" in capsys.readouterr().err
    assert files_of(dataset) == before


def test_monais_own_command_into_the_dataset(dataset: Path) -> None:
    before = files_of(dataset)
    options = ["--dataset_dir", str(dataset / "images"), "--output_dir", str(dataset)]
    command = [
        sys.executable,
        "-m",
        "monai.bundle",
        "run",
        "--config_file",
        "configs/inference.json",
        *options,
    ]
    bundle = BUNDLES / "patch_attention_unet"
    done = subprocess.run(command, cwd=bundle, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "contains the input" in done.stderr.splitlines()[-1]
    assert files_of(dataset) == before


def test_predict_of_a_list_that_names_images_elsewhere(dataset: Path, tmp_path: Path) -> None:
    project = tmp_path / "ds/proj"
    shutil.copytree(dataset / "images", tmp_path / "patients")
    shutil.copytree(dataset / "images", project / "images")
    listed = ["../../patients/nuclei_000.tif", "images/nuclei_001.tif"]
    (project / "dataset.json").write_text(json.dumps({"training": [{"image": name} for name in listed]}))
    before = files_of(tmp_path / "patients")
    assert main(["predict", "patch_attention_unet", str(project), "--out", str(tmp_path / "out")]) == 0
    assert files_of(tmp_path / "patients") == before
    written = sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.tif")
    )
    assert written == ["labels/ds/proj/images/nuclei_001.tif", "labels/patients/nuclei_000.tif"]


def test_convert_of_names_that_lead_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = {"id": 1, "file_name": "../../../x.png", "height": 8, "width": 8}
    good = {"id": 2, "file_name": "y.png", "height": 8, "width": 8}
    content = {"images": [good, image], "annotations": [], "categories": []}
    (tmp_path / "coco.json").write_text(json.dumps(content))
    assert (
        main(["convert", str(tmp_path / "coco.json"), "--to", "tiff", "--out", str(tmp_path / "a/b/out")])
        == 1
    )
    assert "../../../x.tif: this name leads out of the output folder" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.tif"))


Verb = Callable[[Path, Path], list[str]]

VERBS: dict[str, tuple[str, Verb]] = {
    "evaluate": (
        "scores.csv",
        lambda data, out: ["evaluate", "--pred", f"{data}/labels", "--truth", str(data), "--out", str(out)],
    ),
    "measure": ("summary.csv", lambda data, out: ["measure", f"{data}/labels", "--out", str(out)]),
    "track": ("mask001.tif", lambda data, out: ["track", f"{data}/labels", "--out", str(out)]),
    "convert": (
        "nuclei_001.geojson",
        lambda data, out: ["convert", f"{data}/labels", "--to", "geojson", "--out", str(out)],
    ),
    "predict": (
        "labels/nuclei_001.tif",
        lambda data, out: ["predict", "patch_attention_unet", f"{data}/images", "--out", str(out)],
    ),
    "overlay": (
        "overlays/nuclei_001.png",
        lambda data, out: [
            "predict",
            "patch_attention_unet",
            f"{data}/images",
            "--out",
            str(out),
            "--overlay",
        ],
    ),
    "synthesize": (
        "labels/nuclei_001.tif",
        lambda data, out: ["data", "synthesize", "nuclei", str(out), "--count", "2"],
    ),
    "preview": (
        "patches.png",
        lambda data, out: ["data", "patches", str(data), "--patch-size", "32", "--out", f"{out}/patches.png"],
    ),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_file_of_the_user_stays(
    verb: str, nuclei: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, command = VERBS[verb]
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text("mine")
    assert main(command(nuclei, out)) == 1
    said = capsys.readouterr().err
    assert re.search(
        f"{name} exists, but is not the result of an earlier|labels is not empty, and a new dataset", said
    )
    assert re.search("choose another (output )?folder", said)
    assert files_of(out) == {name: b"mine"}


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"synthesize"}))
def test_the_same_command_again(verb: str, nuclei: Path, tmp_path: Path) -> None:
    name, command = VERBS[verb]
    for _ in range(2):
        assert main(command(nuclei, tmp_path / "out")) == 0
    assert (tmp_path / "out" / name).is_file()


def test_track_leaves_masks_that_it_did_not_write(nuclei: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    tifffile.imwrite(out / "mask005.tif", np.zeros((8, 8), np.uint8))
    before = files_of(out)["mask005.tif"]
    assert main(["track", str(nuclei / "labels"), "--out", str(out)]) == 0
    assert files_of(out)["mask005.tif"] == before


def test_weights_that_a_training_replaces_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "models/model.pt"
    path.parent.mkdir()
    path.write_bytes(b"published")
    path.with_suffix(".json").write_text("{}")
    best = BestWeights(path, torch.nn.Conv2d(1, 1, 1), metric="f1")
    evaluator = Engine(lambda engine, batch: None)
    best.attach(evaluator)
    for value in (0.5, 0.7):
        evaluator.state.metrics["f1"] = value
        evaluator.run([0])
    kept = files_of(path.parent / "former")
    assert [name.rpartition(".")[2] for name in kept] == ["json", "pt"]
    assert b"published" in kept.values()
    assert torch.load(path, weights_only=True).keys() == {"weight", "bias"}


def test_results_do_not_lie_among_their_inputs(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files_of(dataset)
    labels = str(dataset / "labels")
    for command in (
        ["predict", "patch_attention_unet", str(dataset / "images"), "--out", str(dataset / "images")],
        ["predict", "patch_attention_unet", str(dataset / "images"), "--out", str(dataset.parent)],
        ["convert", labels, "--to", "tiff", "--out", labels],
        ["track", labels, "--out", labels],
    ):
        assert main(command) == 1
        assert "choose another output folder" in capsys.readouterr().err
    assert files_of(dataset) == before


def test_a_folder_of_images_is_searched_without_the_results_in_it(nuclei: Path, tmp_path: Path) -> None:
    shutil.copytree(nuclei / "images", tmp_path / "day1")
    command = ["predict", "patch_attention_unet", str(tmp_path), "--out", str(tmp_path / "day1/out")]
    for _ in range(2):
        assert main(command) == 0
    assert len(list((tmp_path / "day1/out").rglob("*.tif"))) == 2


def test_a_dataset_is_not_made_where_it_would_hide_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "images").mkdir()
    tifffile.imwrite(tmp_path / "images/mine.tif", np.zeros((8, 8), np.uint8))
    assert main(["data", "synthesize", "nuclei", str(tmp_path), "--count", "1"]) == 1
    assert "a new dataset would hide its files" in capsys.readouterr().err
    assert list(files_of(tmp_path)) == ["images/mine.tif"]


@pytest.mark.parametrize("verb", ["evaluate", "measure", "track"])
def test_the_tables_of_another_input_stay(
    verb: str, nuclei: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, command = VERBS[verb]
    assert main(command(nuclei, tmp_path / "out")) == 0
    before = files_of(tmp_path / "out")
    assert main(command(dataset, tmp_path / "out")) == 1
    assert "was made from another input" in capsys.readouterr().err
    assert name in before
    assert files_of(tmp_path / "out") == before


def test_tables_stay_if_no_image_can_be_measured(
    nuclei: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["measure", str(nuclei / "labels"), "--out", str(tmp_path)]
    assert main(command) == 0
    before = files_of(tmp_path)
    assert main([*command, "--pixel-size", "0"]) == 1
    assert "no image could be measured" in capsys.readouterr().err
    former = json.loads(before.pop("run.json"))["measure"]
    assert files_of(tmp_path).items() >= before.items()
    told = json.loads((tmp_path / "run.json").read_text())["measure"]
    assert told["exit"].startswith("RuntimeError: no image could be measured")
    assert told["earlier"] == [former]


def test_an_overlay_goes_with_the_cells_that_it_shows(nuclei: Path, tmp_path: Path) -> None:
    _, command = VERBS["predict"]
    assert main([*command(nuclei, tmp_path), "--overlay"]) == 0
    overlays = sorted((tmp_path / "overlays").iterdir())
    assert len(overlays) == 2
    overlays[0].write_bytes(b"annotated by hand")
    assert main(command(nuclei, tmp_path)) == 0
    assert sorted((tmp_path / "overlays").iterdir()) == overlays[:1]


def test_a_device_that_is_not_there(nuclei: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, command = VERBS["predict"]
    for device, said in [
        ("cuda:99", "GPUs here; leave the device out"),
        ("gpu", "no such device"),
    ]:
        assert main([*command(nuclei, tmp_path), "--device", device]) == 1
        assert said in capsys.readouterr().err


def test_a_file_in_the_place_of_the_folder(
    nuclei: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("mine")
    _, command = VERBS["measure"]
    assert main(command(nuclei, tmp_path / "out")) == 1
    assert "a file of that name is in the way" in capsys.readouterr().err


def test_control_c_is_one_sentence(
    nuclei: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cellseg_monai.jobs.measurement.measure_cells", interrupt)
    _, command = VERBS["measure"]
    assert main(command(nuclei, tmp_path)) == 130
    assert (
        capsys.readouterr().err == "cellseg: interrupted; finished results stay; run the same command again\n"
    )
