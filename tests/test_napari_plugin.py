"""The reader and the widget of napari, with plain layer data, and offscreen where napari is installed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
import yaml
from monai.bundle import ConfigParser

import cellseg_monai
from cellseg_monai.cli import main
from cellseg_monai.data import SUFFIXES, synthesize, write_synthetic_dataset
from cellseg_monai.napari_plugin import get_reader, read_layers, segment, segment_widget
from tests.bundles.reduced import copied

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
MANIFEST = Path(cellseg_monai.__file__).with_name("napari.yaml")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A narrow bundle with weights as they come, and values of its own."""
    folder = copied("patch_attention_unet", tmp_path_factory.mktemp("bundle")).path
    file = folder / "configs/inference.json"
    config = ConfigParser.load_config_file(file)
    config["network_def"]["architecture"]["channels"] = [8, 16]
    config |= {"threshold": 0.45, "min_size": 3, "device": "cpu"}
    ConfigParser.export_config_file(config, str(file))
    torch.manual_seed(0)
    network = ConfigParser(config).get_parsed_content("network_def")
    torch.save(network.state_dict(), folder / "models/model.pt")
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    return write_synthetic_dataset("tissue", folder, count=1, size=(48, 64), seed=1).parent


def test_the_manifest_names_what_is_there() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())
    names = [command["python_name"] for command in manifest["contributions"]["commands"]]
    plugin = "cellseg_monai.napari_plugin"
    assert names == [f"{plugin}:{get_reader.__name__}", f"{plugin}:{segment_widget.__name__}"]
    (reader,) = manifest["contributions"]["readers"]
    assert {f"*{suffix}" for suffix in SUFFIXES} == set(reader["filename_patterns"])


def test_the_manifest_is_one_of_npe2() -> None:
    npe2 = pytest.importorskip("npe2", reason="optional: pip install 'cellseg-monai[napari]'")
    manifest = npe2.PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    assert manifest.name == "cellseg-monai"


def test_importing_the_plugin_imports_neither_napari_nor_torch() -> None:
    code = (
        "import sys, cellseg_monai.napari_plugin; print({'napari', 'magicgui', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("a.tif", True),
        ("A.TIF", True),
        (["a.png", "b.ome.zarr"], True),
        (["a.png", "b.txt"], False),
        ([], False),
    ],
    ids=["one", "capitals", "several", "one of another kind", "none"],
)
def test_which_files_are_read(path: str | list[str], read: bool) -> None:
    assert (get_reader(path) is not None) is read


def test_images_and_labels_by_their_folders(dataset: Path) -> None:
    image, labels = (dataset / "images/tissue_000.tif", dataset / "labels/tissue_000.tif")
    (picture, cells) = read_layers([str(image), str(labels)])
    assert (picture[2], picture[0].shape, picture[1]["rgb"]) == ("image", (48, 64, 3), True)
    assert (cells[2], cells[0].shape, cells[0].dtype) == ("labels", (48, 64), np.int32)
    np.testing.assert_array_equal(cells[0], tifffile.imread(labels))


def test_channels_that_are_no_colours_are_layers(tmp_path: Path) -> None:
    pixels = np.arange(2 * 4 * 5, dtype=np.uint16).reshape(2, 4, 5)
    tifffile.imwrite(tmp_path / "two.tif", pixels, metadata={"axes": "CYX"}, ome=False)
    ((data, settings, kind),) = read_layers(str(tmp_path / "two.tif"))
    assert (kind, data.shape, settings["channel_axis"], len(settings["name"])) == ("image", (4, 5, 2), 2, 2)
    np.testing.assert_array_equal(np.moveaxis(data, -1, 0), pixels)


def predicted(bundle: Path, image: np.ndarray, folder: Path, *options: str) -> np.ndarray:
    """What ``cellseg predict`` gives for a file."""
    tifffile.imwrite(folder / "a.tif", image)
    words = ["predict", str(bundle), str(folder / "a.tif"), "--out", str(folder / "out"), "--set", *options]
    assert main(words) == 0
    return tifffile.imread(folder / "out/labels/a.tif")


@pytest.mark.parametrize("kind", ["nuclei", "tissue"])
def test_a_layer_gets_the_cells_of_cellseg_predict(kind: str, bundle: Path, tmp_path: Path) -> None:
    image = synthesize(kind, (64, 96), seed=3).image
    options = {"threshold": 0.5, "min_size": 9}
    found = segment(image, bundle, kind == "tissue", options)
    assert found.max() > 0
    np.testing.assert_array_equal(found, predicted(bundle, image, tmp_path, "threshold=0.5", "min_size=9"))
    assert not np.array_equal(found, segment(image, bundle, kind == "tissue", {**options, "min_size": 200}))


def test_frames_are_segmented_one_by_one_and_the_excepthook_stays(bundle: Path) -> None:
    frames = np.stack([synthesize("nuclei", (32, 48), seed=seed).image for seed in range(2)]).astype(np.int64)
    hook = sys.excepthook
    labels = segment(frames, bundle)
    assert sys.excepthook is hook
    assert labels.shape == (2, 32, 48)
    np.testing.assert_array_equal(labels[1], segment(frames[1], bundle))


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros(5), "an image must have rows and columns"),
        (np.full((9, 9), np.nan), "81 NaN or infinite pixels"),
    ],
    ids=["a line", "NaN"],
)
def test_what_cannot_be_segmented_is_told(pixels: np.ndarray, message: str, bundle: Path) -> None:
    with pytest.raises(ValueError, match=message):
        segment(pixels, bundle)


@pytest.fixture(scope="module")
def application() -> Any:
    pytest.importorskip("napari", reason="optional: pip install 'cellseg-monai[napari]'")
    qt = pytest.importorskip("qtpy.QtWidgets", reason="there is no Qt for napari here")
    return qt.QApplication.instance() or qt.QApplication([])


@pytest.fixture
def viewer(application: Any) -> Any:
    """The layers of napari without its window, which would need OpenGL."""
    from napari.components import ViewerModel

    return ViewerModel()


def test_the_widget_gives_a_layer(viewer: Any, bundle: Path) -> None:
    image = viewer.add_image(synthesize("nuclei", (48, 64), seed=3).image, name="day 1", scale=(2, 2))
    widget = segment_widget()
    widget.image.choices = [image]
    widget.bundle.value = bundle
    assert (widget.threshold.value, widget.min_size.value) == (0.45, 3)  # those of the bundle
    widget.min_size.value = 9
    data, settings, kind = widget()
    assert (kind, settings["name"]) == ("labels", "day 1 cells")
    np.testing.assert_array_equal(
        data, segment(image.data, bundle, options={"threshold": 0.45, "min_size": 9})
    )
    layer = viewer._add_layer_from_data(data, settings, kind)[0]
    assert layer.scale.tolist() == [2, 2]


def test_napari_opens_files_by_the_reader(viewer: Any, dataset: Path) -> None:
    import npe2

    manager = npe2.PluginManager.instance()
    manager.register(npe2.PluginManifest.from_file(MANIFEST))
    try:
        layers = viewer.open(
            [str(dataset / f"{kind}/tissue_000.tif") for kind in ("images", "labels")], plugin="cellseg-monai"
        )
        assert [type(layer).__name__ for layer in layers] == ["Image", "Labels"]
    finally:
        manager.unregister("cellseg-monai")
