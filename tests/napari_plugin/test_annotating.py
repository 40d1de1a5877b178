"""The annotation widget on the layers of napari, offscreen."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellseg_monai.data import list_items, read_label_map, write_synthetic_dataset
from cellseg_monai.napari_plugin import save_labels
from cellseg_monai.napari_plugin.annotating import train_widget
from cellseg_monai.napari_plugin.segmenting import segment_files
from tests.napari_plugin.conftest import write_scores


@pytest.fixture
def told(viewer: Any) -> Iterator[list[str]]:
    """Messages of the notifications of napari."""
    from napari.utils.notifications import notification_manager

    messages: list[str] = []
    listen = notification_manager.notification_ready.connect(lambda event: messages.append(event.message))
    yield messages
    notification_manager.notification_ready.disconnect(listen)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of images, beside ``made`` with their labels."""
    made = write_synthetic_dataset("nuclei", tmp_path / "made", count=4, size=(48, 64), seed=3).parent
    shutil.copytree(made / "images", tmp_path / "day1")
    return tmp_path / "day1"


@pytest.fixture
def form(viewer: Any, images: Path) -> Any:
    widget = train_widget(viewer)
    widget.images.value = images
    return widget


@pytest.fixture
def wait(application: Any) -> Callable[..., None]:
    def until(done: Callable[[], bool], seconds: float = 60) -> None:
        ends = time.monotonic() + seconds
        while not done():
            application.processEvents()
            time.sleep(0.01)
            assert time.monotonic() < ends

    return until


def press(button: Any) -> None:
    button.native.click()


def open_next(form: Any, wait: Callable[..., None]) -> None:
    press(form.next)
    wait(lambda: form.next.enabled)


def truth(images: Path, name: str) -> np.ndarray:
    return read_label_map(images.parent / f"made/labels/{name}.tif")


def label(form: Any, images: Path) -> None:
    form.cells.value.data = truth(images, form.image.value.name)
    press(form.save)


def add_bundle(bundle: Path, folder: Path) -> Path:
    """A bundle that looks as if its training ended well."""
    shutil.copytree(bundle, folder / "bundle_1")
    write_scores(folder / "bundle_1", {"trained": 0.9})
    return folder / "bundle_1"


def test_the_folder_of_images_suggests_the_others(form: Any, images: Path, tmp_path: Path) -> None:
    assert (form.dataset.value, form.bundles.value) == (tmp_path / "day1_labelled", tmp_path / "day1_bundles")
    form.images.value = tmp_path / "made/images"
    assert form.dataset.value == tmp_path / "day1_labelled"  # chosen ones stay


def test_images_of_a_dataset_suggest_the_dataset(viewer: Any, images: Path, tmp_path: Path) -> None:
    form = train_widget(viewer)
    form.images.value = tmp_path / "made/images"
    assert (form.dataset.value, form.bundles.value) == (tmp_path / "made", tmp_path / "made_bundles")


def test_what_is_missing_is_told(viewer: Any, told: list[str]) -> None:
    form = train_widget(viewer)
    for button in (form.save, form.next, form.train):
        press(button)
    assert told == [
        "there are no labels to save; open an image, and add a Labels layer",
        "choose a folder for: images to label",
        "choose a folder for: your labels",
    ]


def test_images_are_labelled_one_after_the_other(form, viewer, images: Path, tmp_path: Path, wait) -> None:
    for count in range(1, 5):
        open_next(form, wait)
        assert [layer.name for layer in viewer.layers] == [form.image.value.name, form.cells.value.name]
        assert not form.cells.value.data.any()
        label(form, images)
        assert form.news.value.endswith(f"cells saved; labelled images: {count}")
    saved = list_items(tmp_path / "day1_labelled")
    assert [item["name"] for item in saved] == [file.stem for file in sorted(images.iterdir())]
    for item in saved:
        np.testing.assert_array_equal(read_label_map(item["label"]), truth(images, item["name"]))
        assert Path(item["image"]).read_bytes() == (images / Path(item["image"]).name).read_bytes()
    press(form.next)
    assert form.news.value == "All images in day1 have labels."


def test_labels_that_are_not_saved_are_hidden(form, viewer, images: Path, wait, told: list[str]) -> None:
    open_next(form, wait)
    form.cells.value.data = truth(images, "nuclei_000")
    open_next(form, wait)
    shown = {layer.name: layer.visible for layer in viewer.layers}
    assert shown == {
        "nuclei_000": False,
        "nuclei_000 labels": False,
        "nuclei_001": True,
        "nuclei_001 labels": True,
    }
    assert told == ["nuclei_000 labels: changed and not saved; the layers of the image are hidden"]
    np.testing.assert_array_equal(viewer.layers["nuclei_000 labels"].data, truth(images, "nuclei_000"))


def test_a_bundle_proposes_labels(form, images: Path, bundle: Path, tmp_path: Path, wait) -> None:
    found = add_bundle(bundle, tmp_path / "day1_bundles")
    open_next(form, wait)
    image, cells = form.image.value, form.cells.value
    assert cells.data.any()
    np.testing.assert_array_equal(cells.data, segment_files([Path(image.source.path)], found)[0])
    first = image.name
    open_next(form, wait)  # without saving: another image
    assert form.image.value.name != first


def test_an_image_that_cannot_be_segmented_is_told(form, images, bundle, tmp_path, wait, told) -> None:
    add_bundle(bundle, tmp_path / "day1_bundles")
    (images / "broken.tif").write_text("no image")
    open_next(form, wait)
    assert len(told) == 1
    assert "broken.tif" in told[0]


def test_a_layer_without_file_is_saved_under_its_name(form, viewer, tmp_path: Path) -> None:
    viewer.add_image(np.zeros((8, 9), np.float32), name="from Python")
    viewer.add_labels(np.eye(8, 9, dtype=int))
    press(form.save)
    assert form.news.value == "from Python: 1 cells saved; labelled images: 1"
    assert [item["name"] for item in list_items(tmp_path / "day1_labelled")] == ["from Python"]


def test_too_few_labels_are_told(form: Any, images: Path, wait, told: list[str]) -> None:
    open_next(form, wait)
    label(form, images)
    press(form.train)
    wait(lambda: form.train.text == "Train")
    (message,) = told
    assert message.endswith(
        "1 labelled image, but a training needs at least 2; label more images and save their labels"
    )


@pytest.mark.slow
def test_train_correct_and_cancel(form, viewer, real_images: Path, tmp_path: Path, wait, told) -> None:
    """Real images, since a short training is to find their cells."""
    items = list_items(real_images / "nuclei/train")
    for item in items[:2]:
        save_labels(tmp_path / "day1_labelled", item["image"], read_label_map(item["label"]))
    form.minutes.value = 0.3
    viewer.open(items[2]["image"], plugin="cellseg-monai")
    press(form.train)
    assert form.train.text == "Cancel the training"
    wait(lambda: form.news.value.startswith("epoch"), 300)
    wait(lambda: form.train.text == "Train", 300)
    assert "bundle_1 has the" in form.news.value
    wait(lambda: len(viewer.layers) == 2)
    proposed = form.cells.value
    assert proposed.name.endswith("bundle_1")
    np.testing.assert_array_equal(
        proposed.data, segment_files([Path(items[2]["image"])], tmp_path / "day1_bundles/bundle_1")[0]
    )
    press(form.save)
    assert form.news.value.endswith("labelled images: 3")
    form.minutes.value = 5
    press(form.train)
    wait(lambda: form.news.value.startswith("3 images") or form.news.value.startswith("2 images"), 300)
    press(form.train)
    assert form.news.value == "Cancelling the training …"
    wait(lambda: form.train.text == "Train", 300)
    assert form.news.value == "The training was cancelled."
    assert not (tmp_path / "day1_bundles/bundle_2/models/model.pt").exists()
    assert not told
