"""The package in napari: a reader of images and label maps, and a widget that segments by a bundle.

``napari.yaml`` beside this file tells napari of both, which is imported only where the widget is made.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import napari.layers
    import napari.types

LayerData = tuple[Any, dict[str, Any], str]
"""Pixels, settings of the layer, and its kind, as napari takes them."""


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """The reader of files whose names end like images.

    Args:
        path: one path, or several that are opened together.

    Returns:
        :func:`read_layers`, or None if one of the files is of another kind.

    Example:
        >>> get_reader("cells.tif") is read_layers, get_reader("cells.txt")
        (True, None)
    """
    from cellseg_monai.data import SUFFIXES

    names = [path] if isinstance(path, str) else path
    return read_layers if names and all(name.lower().endswith(SUFFIXES) for name in names) else None


def read_layers(path: str | Sequence[str]) -> list[LayerData]:
    """A layer for each file: of labels if it lies in a folder of label maps, else of the image.

    Colour becomes one layer, other channels one each. The size of a pixel goes into the layer's ``metadata``,
    and does not scale it, since label maps seldom know theirs.

    Args:
        path: one path, or several.

    Raises:
        ValueError: a file cannot be read; the message names it.

    Example:
        >>> from cellseg_monai.data import write_synthetic_dataset
        >>> import tempfile
        >>> folder = write_synthetic_dataset("nuclei", tempfile.mkdtemp(), count=1, size=(40, 60)).parent
        >>> files = [f"{folder}/{kind}/nuclei_000.tif" for kind in ("images", "labels")]
        >>> [(kind, data.shape, settings["name"]) for data, settings, kind in read_layers(files)]
        [('image', (40, 60), 'nuclei_000'), ('labels', (40, 60), 'nuclei_000 labels')]
    """
    names = [path] if isinstance(path, str) else path
    return [_read_layer(Path(name)) for name in names]


def _read_layer(path: Path) -> LayerData:
    from cellseg_monai.data import read_label_map, read_picture
    from cellseg_monai.data.pairing import MASK_FOLDERS

    if path.parent.name.lower() in MASK_FOLDERS:
        return read_label_map(path), {"name": f"{path.stem} labels"}, "labels"
    picture = read_picture(path)
    settings: dict[str, Any] = {"name": path.stem, "metadata": {"pixel_size_um": picture.pixel_size}}
    pixels = picture.rows_columns()
    if pixels.ndim > 2 + ("Z" in picture.axes):
        if pixels.shape[-1] == 3:
            settings["rgb"] = True
        else:
            channels = picture.channel_names or range(pixels.shape[-1])
            settings |= {
                "channel_axis": pixels.ndim - 1,
                "name": [f"{path.stem} {name}" for name in channels],
            }
    return pixels, settings, "image"


def segment(
    pixels: npt.ArrayLike,
    bundle: str | PathLike[str],
    rgb: bool = False,
    options: Mapping[str, Any] | None = None,
) -> npt.NDArray[np.int32]:
    """Label maps of planes, by what ``cellseg predict`` does to their files.

    Args:
        pixels: rows and columns, with frames or slices in front if there are several; each is segmented by
            itself.
        bundle: folder of the bundle, with its weights.
        rgb: the last axis is colour.
        options: values of ``inference.json`` by id, such as ``{"threshold": 0.4}``.

    Returns:
        Labels of the shape of the pixels, without colour.

    Raises:
        FileNotFoundError: there is no such bundle, or it has no weights.
        ValueError: there are no rows and columns, or the bundle does not take this.

    Example:
        >>> segment(np.zeros((8, 8)), "nowhere")
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere: there is no such bundle; give its folder, or one of these names: ...
    """
    import pandas as pd
    import tifffile

    from cellseg_monai.jobs import predict

    values = np.asarray(pixels)
    shape = values.shape[:-1] if rgb else values.shape
    if len(shape) < 2 or 0 in shape:
        raise ValueError(f"an image has rows and columns, and the shape {values.shape} has none")
    planes = values.reshape(-1, *values.shape[len(shape) - 2 :])
    hook = sys.excepthook  # a bundle sets its own, for the command line
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"images/{number:05}.tif" for number in range(len(planes))]
        files[0].parent.mkdir()
        for file, plane in zip(files, planes, strict=True):
            tifffile.imwrite(file, _storable(plane), photometric="rgb" if rgb else "minisblack")
        try:
            labels = predict(bundle, files, Path(folder) / "out", options=options)
        except RuntimeError as error:
            failures = Path(folder) / "out/failures.csv"
            if not failures.is_file() or pd.read_csv(failures).empty:
                raise
            raise ValueError(str(pd.read_csv(failures)["error"][0])) from error
        finally:
            sys.excepthook = hook
        maps = [tifffile.imread(file) for file in labels]
    return np.stack(maps).astype(np.int32, copy=False).reshape(shape)


def _storable(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Of a kind that TIFF and its readers know."""
    wide = {"i8": np.int32, "u8": np.uint32, "f2": np.float32, "b1": np.uint8}
    return np.ascontiguousarray(plane, wide.get(plane.dtype.str[1:], plane.dtype))


def segment_widget() -> Any:
    """The widget: an image layer, a bundle and two of its options; a Labels layer comes out.

    Returns:
        A ``FunctionGui`` of magicgui.
    """
    from magicgui import magicgui
    from monai.bundle import ConfigParser

    def segment_layer(
        image: "napari.layers.Image", bundle: Path = Path(), threshold: float = 0.5, min_size: int = 15
    ) -> "napari.types.LayerDataTuple":
        pixels = image.data[0] if image.multiscale else image.data
        labels = segment(pixels, bundle, bool(image.rgb), {"threshold": threshold, "min_size": min_size})
        placed = {name: getattr(image, name) for name in ("scale", "translate")}
        return labels, {"name": f"{image.name} cells", **placed}, "labels"

    widget = magicgui(
        segment_layer,
        call_button="Segment",
        bundle={"mode": "d", "label": "folder of the bundle"},
        threshold={"min": 0.0, "max": 1.0, "step": 0.05},
        min_size={"min": 0, "max": 1_000_000, "label": "smallest cell (pixels)"},
    )

    def show_own_values(bundle: Path) -> None:
        file = bundle / "configs/inference.json"
        config = ConfigParser(ConfigParser.load_config_file(str(file)) if file.is_file() else {})
        config["bundle_root"] = str(bundle)
        for name in ("threshold", "min_size"):
            if name in config:
                getattr(widget, name).value = config.get_parsed_content(name)

    widget.bundle.changed.connect(show_own_values)
    return widget
