"""The reader and the widget of napari, with plain layer data, and offscreen where napari is installed."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import yaml

from cellseg_monai.cli import main
from cellseg_monai.data import SUFFIXES, synthesize
from cellseg_monai.napari_plugin import get_reader, read_layers, segment
from cellseg_monai.napari_plugin.segmenting import segment_widget
from tests.napari_plugin.conftest import MANIFEST


def test_the_manifest_names_what_is_there() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())
    names = [command["python_name"].split(":") for command in manifest["contributions"]["commands"]]
    assert [attribute for _, attribute in names] == ["get_reader", "segment_widget", "train_widget"]
    assert all(callable(getattr(import_module(module), attribute)) for module, attribute in names)
    (reader,) = manifest["contributions"]["readers"]
    assert {f"*{suffix}" for suffix in SUFFIXES} == set(reader["filename_patterns"])


def test_the_manifest_is_one_of_npe2() -> None:
    npe2 = pytest.importorskip("npe2", reason="optional: pip install 'cellseg-monai[napari]'")
    manifest = npe2.PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    assert manifest.name == "cellseg-monai"


def test_importing_the_plugin_imports_neither_napari_nor_torch() -> None:
    code = (
        "import sys; from cellseg_monai.napari_plugin import annotating, reading, segmenting; "
        "print({'napari', 'magicgui', 'torch'} & set(sys.modules))"
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


def test_cells_of_a_stack_have_one_id_in_each_of_its_planes(bundle: Path) -> None:
    plane = synthesize("nuclei", (32, 48), seed=0).image.astype(np.int64)
    frames = np.stack([np.stack([plane, plane[::-1]])] * 3, axis=1)
    labels = segment(frames, bundle, stack=True)
    assert labels.shape == (2, 3, 32, 48)
    for stack, pixels in zip(labels, frames, strict=True):
        alone = segment(pixels[0], bundle)
        assert len(np.unique(stack)) == len(np.unique(alone)) > 1
        assert (stack == stack[0]).all()
        np.testing.assert_array_equal(stack[0] > 0, alone > 0)


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
    stack = viewer.add_image(np.stack([image.data] * 2), name="a stack")
    widget.image.choices = [stack]
    widget.stack.value = True
    planes, _, _ = widget()
    np.testing.assert_array_equal(planes[0], planes[1])


def test_napari_opens_files_by_the_reader(viewer: Any, dataset: Path) -> None:
    layers = viewer.open(
        [str(dataset / f"{kind}/tissue_000.tif") for kind in ("images", "labels")], plugin="cellseg-monai"
    )
    assert [type(layer).__name__ for layer in layers] == ["Image", "Labels"]
