"""Widget that trains with your labels: save them, train, correct what the new model proposes, and go on.

napari and magicgui are imported only when the widget is made.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.napari_plugin.background import Clock, in_main_thread, thread
from cellseg_monai.napari_plugin.pairs import labelled_images, save_labels, unlabelled_images
from cellseg_monai.napari_plugin.rounds import latest_bundle, least_sure, train_round
from cellseg_monai.napari_plugin.segmenting import segment, segment_files
from cellseg_monai.napari_plugin.showing import Shown

if TYPE_CHECKING:
    from cellseg_monai.planning import Trained

_EXPECTED = (ValueError, OSError, RuntimeError)
"""Errors whose message says what to do; others show where they came from."""

_FOLDERS = {"images": "images to label", "dataset": "your labels", "bundles": "trained bundles"}

_MORE = "label more images, or train longer"


def train_widget(viewer: Any = None) -> Any:
    """Make the widget: it saves labels, trains with them, and opens the image to label next.

    Args:
        viewer: viewer whose layers are labelled; by default the current one.

    Returns:
        A ``Container`` of magicgui.
    """
    import napari
    from magicgui.widgets import ComboBox, Container, FileEdit, FloatSpinBox, Label, PushButton
    from napari.layers import Image, Labels

    viewer = napari.current_viewer() if viewer is None else viewer

    def layers(kind: type) -> Callable[[Any], list[Any]]:
        return lambda _: [layer for layer in viewer.layers if isinstance(layer, kind)]

    form = Container(
        widgets=[
            *(FileEdit(name=name, label=label, mode="d", nullable=True) for name, label in _FOLDERS.items()),
            FloatSpinBox(name="minutes", value=8.0, min=0.1, max=600.0, step=1.0),
            ComboBox(name="image", choices=layers(Image)),
            ComboBox(name="cells", label="labels", choices=layers(Labels)),
            PushButton(name="save", text="Save labels"),
            PushButton(name="train", text="Train"),
            PushButton(name="next", text="Next image"),
            Label(name="news", label=" "),
        ]
    )
    for change in ("inserted", "removed"):
        getattr(viewer.layers.events, change).connect(lambda _: form.reset_choices())
    form.news.native.setWordWrap(True)  # otherwise a long line widens the widget
    steps = _Steps(viewer, form)
    form.images.changed.connect(lambda folder: steps.suggest_folders(folder))
    for name, step in {"save": steps.save, "train": steps.train, "next": steps.next_image}.items():
        form[name].changed.connect(lambda _, step=step: step())
    return form


class _Cancelled(Exception):
    """The training was cancelled."""


class _Steps:
    """What the buttons do.

    Args:
        viewer: viewer of napari.
        form: widgets by name.
    """

    def __init__(self, viewer: Any, form: Any) -> None:
        self._viewer, self._form = viewer, form
        self._cancel: Event | None = None
        self._opened: set[Path] = set()
        self._order: tuple[Path | None, list[Path]] = (None, [])
        self._shown = Shown(viewer)

    def suggest_folders(self, images: Path | None) -> None:
        """Fill in the other folders, unless they are chosen."""
        from cellseg_monai.data.pairing import IMAGE_FOLDERS

        if images is None:
            return
        root = images.parent if images.name.lower() in IMAGE_FOLDERS else images
        dataset = root if root != images else images.with_name(f"{images.name}_labelled")
        bundles = root.with_name(f"{root.name}_bundles")
        for name, folder in {"dataset": dataset, "bundles": bundles}.items():
            if self._form[name].value is None:
                self._form[name].value = folder

    def save(self) -> None:
        """Save the chosen labels with their image."""
        with self._told():
            image, labels = self._form.image.value, self._form.cells.value
            if image is None or labels is None:
                raise ValueError("there are no labels to save; open an image, and add a Labels layer")
            dataset = self._folder("dataset")
            mask = save_labels(dataset, _file_of(image) or _pixels_of(image), labels.data, image.name)
            self._shown.remember(image, labels)
            cells, images = np.unique(labels.data[labels.data > 0]).size, len(labelled_images(dataset))
            self._say(f"{mask.stem}: {cells} cells saved; labelled images: {images}")

    def train(self) -> None:
        """Start a training, or cancel the one that runs."""
        if self._cancel is not None:
            self._cancel.set()
            self._say("Cancelling the training …")
            return
        with self._told():
            dataset, bundles = self._folder("dataset"), self._folder("bundles")
            minutes, cancel = self._form.minutes.value, Event()
            clock = Clock(minutes)

            def report(line: str) -> None:
                if cancel.is_set() or worker.abort_requested:  # by napari, when it closes
                    raise _Cancelled
                in_main_thread(self._say, line)
                in_main_thread(clock.say, line)

            def end() -> None:
                clock.close()
                self._cancel, self._form.train.text = None, "Train"

            worker = self._worker(
                lambda: train_round(dataset, bundles, minutes=minutes, report=report), self._show_result, end
            )
            self._cancel, self._form.train.text = cancel, "Cancel the training"
            self._say("Looking at the images …")
            worker.start()

    def next_image(self) -> None:
        """Open the unlabelled image that the last bundle is least sure about, with proposed labels."""
        with self._told():
            images, dataset = self._folder("images"), self._folder("dataset")
            files = unlabelled_images(images, dataset)
            if not files:
                self._say(f"All images in {images.name} have labels.")
                return
            files = [file for file in files if file not in self._opened] or files
            bundles = self._form.bundles.value
            bundle = None if bundles is None else latest_bundle(bundles)

            def find() -> tuple[Path, Any]:
                if bundle is None:
                    return files[0], None
                of, order = self._order
                if of != bundle or not set(files) & set(order):
                    order = least_sure(bundle, files)
                    self._order = (bundle, order)
                file = next(each for each in order if each in files)
                return file, segment_files([file], bundle)[0]

            def finish() -> None:
                self._form.next.enabled = True

            worker = self._worker(find, self._open, finish)
            self._form.next.enabled = False
            if bundle is not None:
                self._say("Comparing the images without labels …")
            worker.start()

    def _open(self, found: tuple[Path, Any]) -> None:
        file, proposed = found
        self._form.image.value, self._form.cells.value = self._shown.open(file, proposed)
        self._opened.add(file)
        what = "label all its cells" if proposed is None else "correct the proposed labels"
        self._say(f"{file.name}: {what}, and save them")

    def _show_result(self, trained: "Trained") -> None:
        """Tell the scores, and segment the open image with the new bundle if it is good enough."""
        image, bundle = self._form.image.value, trained.bundle
        if latest_bundle(bundle.parent) != bundle:
            self._say(
                f"{trained.metric} {trained.scores[trained.kept]:.2f} is too low to propose labels: {_MORE}"
            )
            return
        self._say(str(trained))
        if image is not None:
            file, name, place = _file_of(image), f"{image.name} {bundle.name}", _place_of(image)
            pixels, rgb = _pixels_of(image), bool(image.rgb)

            def propose() -> Any:
                if file is None:
                    return segment(pixels, bundle, rgb)
                return segment_files([file], bundle)[0]

            def show(labels: Any) -> None:
                if self._form.image.value is image:  # still
                    self._add_proposal(labels, name, place)

            self._worker(propose, show).start()

    def _add_proposal(self, labels: Any, name: str, place: dict[str, Any]) -> None:
        """Add proposed labels, and choose them if no labels are drawn yet."""
        drawn = self._form.cells.value
        layer = self._shown.add(labels, name, place)
        if drawn is None or not drawn.data.any():
            self._form.cells.value = layer
            self._viewer.layers.selection.active = layer

    def _folder(self, name: str) -> Path:
        folder: Path | None = self._form[name].value
        if folder is None:
            raise ValueError(f"choose a folder for: {_FOLDERS[name]}")
        return folder

    def _say(self, news: str) -> None:
        self._form.news.value = news.partition("\n")[0]

    def _worker(
        self, work: Callable[[], Any], done: Callable[[Any], None], end: Callable[[], None] | None = None
    ) -> Any:
        """Thread that has not started yet; its errors become notifications."""

        def fail(error: Exception) -> None:
            if isinstance(error, _Cancelled):
                self._say("The training was cancelled.")
                return
            with self._told():
                raise error

        return thread(work, done, fail, end)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Show expected errors as notifications."""
        from napari.utils.notifications import show_error

        try:
            yield
        except _EXPECTED as error:
            self._say("")
            show_error(str(error))


def _file_of(image: Any) -> Path | None:
    """The file that an image layer was opened from, if this package can read it."""
    from cellseg_monai.data import SUFFIXES

    path = image.source.path
    return Path(path) if path and path.lower().endswith(SUFFIXES) and Path(path).exists() else None


def _pixels_of(image: Any) -> npt.NDArray[Any]:
    return np.asarray(image.data[0] if image.multiscale else image.data)


def _place_of(image: Any) -> dict[str, Any]:
    return {name: getattr(image, name) for name in ("scale", "translate")}
