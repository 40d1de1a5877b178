"""``cellseg predict`` gives the files of MONAI's own command."""

import logging
import random
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import torch
from monai.bundle import ConfigParser
from PIL import Image

from cellseg_monai.cli import main
from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.jobs.files.inputs import find_images
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.label_maps import connected_components
from tests.bundles.reduced import Bundle, copied, narrowed


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    return write_synthetic_dataset("nuclei", folder, count=3, size=(64, 80), seed=2).parent


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return narrowed(tmp_path_factory.mktemp("bundle"))


def test_labels_are_those_of_monais_command(bundle: Bundle, images: Path, tmp_path: Path) -> None:
    ours, monais = tmp_path / "ours", tmp_path / "monai"
    assert main(["predict", str(bundle.path), str(images), "--out", str(ours), "--device", "cpu"]) == 0
    bundle.command("run", config_file="configs/inference.json", dataset_dir=images, output_dir=monais)
    found = sorted(path.name for path in ours.rglob("*.tif"))
    assert found == [f"nuclei_{number:03}.tif" for number in range(3)]
    for name in found:
        one, other = (tifffile.imread(next(folder.rglob(name))) for folder in (ours, monais))
        np.testing.assert_array_equal(one, other)
    assert len(pd.read_csv(ours / "timing.csv")) == 3


def test_options_write_what_they_say(bundle: Bundle, images: Path, tmp_path: Path) -> None:
    first = str(images / "images/nuclei_000.tif")
    options = ["--tta", "--save-probability", "--overlay"]
    assert main(["predict", str(bundle.path), first, "--out", str(tmp_path), *options]) == 0
    assert tifffile.imread(tmp_path / "labels/nuclei_000.tif").shape == (64, 80)
    assert tifffile.imread(tmp_path / "probability/nuclei_000.tif").shape == (2, 64, 80)
    assert Image.open(tmp_path / "overlays/nuclei_000.png").size == (80, 64)


def test_images_without_cells_are_told_with_what_to_try(
    bundle: Bundle,
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    words = ["predict", str(bundle.path), str(images), "--out", str(tmp_path)]
    assert main([*words, "--set", "threshold=0.999999"]) == 0
    told = "no cell in any of 3 images (nuclei_000.tif, nuclei_001.tif, nuclei_002.tif); if there are cells: "
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "0 cells: nuclei_000.tif 0, nuclei_001.tif 0, nuclei_002.tif 0"
    assert lines[2].startswith(f"{told}lower the threshold (--set threshold=0.3)")
    assert told in caplog.text
    counts = pd.read_csv(tmp_path / "counts.csv")
    assert counts["cells"].tolist() == [0, 0, 0]
    assert main([*words, "--set", "threshold=0.0", "min_size=1"]) == 0
    counts = pd.read_csv(tmp_path / "counts.csv")
    found = [int(tifffile.imread(tmp_path / f"labels/{Path(name).stem}.tif").max()) for name in counts.image]
    assert counts["cells"].tolist() == found
    assert min(found) > 0
    assert "no cell" not in capsys.readouterr().out


def test_classes_are_tinted_with_their_names_and_counted_in_pieces(
    bundle: Bundle, images: Path, tmp_path: Path
) -> None:
    own = copied("patch_attention_unet", tmp_path)
    config = ConfigParser.load_config_file(bundle.path / "configs/inference.json")
    config["target"]["part"] = {
        "_target_": "cellseg_monai.transforms.ClassTargetd",
        "_mode_": "callable",
        "keys": "label",
        "classes": {"0": 0, "255": 1},
        "one_hot": True,
    }
    decoding = {"_target_": "cellseg_monai.instances.ClassMapd", "_mode_": "callable", "keys": "pred"}
    config["decoding"]["part"] = decoding
    ConfigParser.export_config_file(config, str(own.path / "configs/inference.json"))
    shutil.copy(bundle.path / "models/model.pt", own.path / "models/model.pt")
    predict(own.path, [images / "images/nuclei_000.tif"], tmp_path / "out", overlay=True)
    labels = tifffile.imread(tmp_path / "out/labels/nuclei_000.tif")
    assert labels.max() <= 1
    counts = pd.read_csv(tmp_path / "out/counts.csv")
    assert counts["pieces"].tolist() == [connected_components(labels).max()]
    picture = np.asarray(Image.open(tmp_path / "out/overlays/nuclei_000.png"))
    assert picture.shape[0] > 64  # with the legend, which names the class of the metadata
    assert [230, 159, 0] in picture[64:].reshape(-1, 3).tolist()


def test_averaging_may_be_asked_for_by_option(bundle: Bundle, images: Path, tmp_path: Path) -> None:
    said = {}
    for name, values in {"plain": {}, "flag": {"tta": True}, "option": {"options": {"tta": True}}}.items():
        out = tmp_path / name
        predict(bundle.path, [images / "images/nuclei_000.tif"], out, save_probability=True, **values)
        said[name] = tifffile.imread(out / "probability/nuclei_000.tif")
    np.testing.assert_array_equal(said["flag"], said["option"])
    assert not np.array_equal(said["flag"], said["plain"])


def test_a_bad_image_is_told_and_the_others_are_done(
    bundle: Bundle, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"no image")
    inputs = [str(bad), str(images / "images/*_001.tif")]
    assert main(["predict", str(bundle.path), *inputs, "--out", str(tmp_path / "out")]) == 1
    assert "cellseg: error: 1 of 2 images failed; " in capsys.readouterr().err
    assert len(list((tmp_path / "out/labels").rglob("nuclei_001.tif"))) == 1


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["nowhere"], r"nowhere: there is no such file or folder"),
        (["nowhere/*.tif"], r"nowhere/\*.tif: the pattern matches no file"),
        (["a.tif", "a.png"], r"a.tif and a.png would both become a.tif; segment them in two runs"),
    ],
    ids=["absent", "empty pattern", "twins"],
)
def test_inputs_that_cannot_be_meant_are_refused(
    inputs: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.tif", "a.png"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        find_images(inputs)


@pytest.mark.parametrize("given", ["set", "."], ids=["dataset", "folder of a dataset"])
@pytest.mark.parametrize(
    "folders", [("images", "masks"), ("Images", "Labels")], ids=["lower case", "upper case"]
)
def test_masks_of_a_dataset_are_not_images(
    given: str, folders: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in folders:
        (tmp_path / "set" / folder).mkdir(parents=True)
        tifffile.imwrite(tmp_path / "set" / folder / "a.tif", np.zeros((8, 8), np.uint8))
    assert find_images([given]) == [str(tmp_path / "set" / folders[0] / "a.tif")]


def test_ome_zarr_is_an_image_and_not_a_folder_of_images(tmp_path: Path) -> None:
    (tmp_path / "a.ome.zarr/0").mkdir(parents=True)
    assert find_images([tmp_path / "a.ome.zarr"]) == [str(tmp_path / "a.ome.zarr")]


def test_an_image_named_twice_is_done_once(images: Path) -> None:
    first = images / "images/nuclei_000.tif"
    assert find_images([first, images / "images", str(images / "images/*_000.tif")])[0] == str(first)
    assert len(find_images([first, images])) == 3


def test_attention_is_written_gate_by_gate(bundle: Bundle, images: Path, tmp_path: Path) -> None:
    first = str(images / "images/nuclei_000.tif")
    assert main(["predict", str(bundle.path), first, "--out", str(tmp_path), "--attention"]) == 0
    (file,) = (tmp_path / "attention/nuclei_000").iterdir()
    weights = tifffile.imread(file)
    assert weights.shape == (64, 80)
    assert 0 <= weights.min() < weights.max() <= 1
    words = ["predict", str(bundle.path), first, "--out", str(tmp_path / "resized"), "--attention"]
    assert main([*words, "--set", "resize=[40,32]"]) == 0
    (file,) = (tmp_path / "resized/attention/nuclei_000").iterdir()
    smaller = tifffile.imread(file)
    assert smaller.shape == (64, 80)
    assert not np.allclose(smaller, weights)


def test_a_value_of_the_configuration_is_set(bundle: Bundle, images: Path, tmp_path: Path) -> None:
    first = str(images / "images/nuclei_000.tif")
    words = ["predict", str(bundle.path), first, "--out", str(tmp_path), "--set"]
    assert main([*words, "min_size=100000"]) == 0
    assert not tifffile.imread(tmp_path / "labels/nuclei_000.tif").any()


def test_a_value_that_the_configuration_does_not_have_is_refused(
    bundle: Bundle, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", str(bundle.path), str(images), "--out", str(tmp_path), "--set", "treshold=0.4"]
    assert main(words) == 1
    assert "there is no id 'treshold'; did you mean 'threshold'?" in capsys.readouterr().err


def test_the_process_of_a_caller_stays_as_it_is(bundle: Bundle, images: Path, tmp_path: Path) -> None:
    def state() -> list[object]:
        loggers = [logging.getLogger(), *map(logging.getLogger, sorted(logging.root.manager.loggerDict))]
        return [
            sys.excepthook,
            {each.name: (each.level, each.filters[:], each.disabled) for each in loggers},
            logging.getLogger().handlers[:],
            warnings.filters[:],
            random.getstate(),
            np.random.get_state()[1].tolist(),
            torch.get_rng_state().tolist(),
            (torch.is_grad_enabled(), torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        ]

    predict(bundle.path, [images], tmp_path / "before")  # which imports all that it needs
    before = state()
    predict(bundle.path, [images], tmp_path / "out", options={"threshold": 0.4})
    assert state() == before


def test_all_that_an_inference_targets_is_a_part_of_the_package(bundle: Bundle) -> None:
    """Not the build shop, nor imports, checks and synthesis of data."""
    code = """
import sys
from monai.bundle import ConfigParser
parser = ConfigParser()
parser.read_config(sys.argv[1])
parser.get_parsed_content("network_def")
def targets(node):
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    found = {node["_target_"]} if isinstance(node, dict) and "_target_" in node else set()
    return found.union(*map(targets, children))
for target in targets(parser.get()):
    if target.startswith("cellseg_monai."):
        module, _, name = target.rpartition(".")
        getattr(__import__(module, fromlist=[name]), name)
print(*(name for name in sys.modules if name.startswith("cellseg_monai")))
"""
    config = bundle.path / "configs/inference.json"
    done = subprocess.run([sys.executable, "-c", code, config], capture_output=True, text=True, check=True)
    loaded = done.stdout.split("\n")[-2].split()
    assert "cellseg_monai.runtime" in loaded
    assert len(loaded) <= 150
    assert not {"cellseg_monai.bundling", "cellseg_monai.jobs", "cellseg_monai.studies"} & set(loaded)
