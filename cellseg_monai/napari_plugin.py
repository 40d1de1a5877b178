"""Plugin for napari: a reader for images and label maps, and a widget that segments with a bundle.

``napari.yaml`` beside this file declares both. napari itself is imported only when the widget is made.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import napari.layers
    import napari.types

    from cellseg_monai.outputs import StrPath

LayerData = tuple[Any, dict[str, Any], str]
"""Pixels, settings and kind of a layer, as napari expects them."""


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Return the reader for image files.

    Args:
        path: one path, or several that are opened together.

    Returns:
        :func:`read_layers`, or None if a file does not have the suffix of an image.

    Example:
        >>> get_reader("cells.tif") is read_layers, get_reader("cells.txt")
        (True, None)
    """
    from cellseg_monai.data import SUFFIXES

    names = [path] if isinstance(path, str) else path
    return read_layers if names and all(name.lower().endswith(SUFFIXES) for name in names) else None


def read_layers(path: str | Sequence[str]) -> list[LayerData]:
    """Read files as layers: as labels if they are in a folder of label maps, otherwise as images.

    An RGB image becomes one layer, other channels become one layer each. The pixel size is stored in the
    ``metadata`` of the layer, but does not scale it, since label maps rarely contain it.

    Args:
        path: one path, or several.

    Raises:
        ValueError: a file cannot be read.

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
    has_channels = pixels.ndim > 2 + ("Z" in picture.axes)
    if has_channels and pixels.shape[-1] == 3:
        settings["rgb"] = True
    elif has_channels:
        names = picture.channel_names or range(pixels.shape[-1])
        settings |= {"channel_axis": pixels.ndim - 1, "name": [f"{path.stem} {name}" for name in names]}
    return pixels, settings, "image"


def segment(
    pixels: npt.ArrayLike,
    bundle: "StrPath",
    rgb: bool = False,
    options: Mapping[str, Any] | None = None,
) -> npt.NDArray[np.int32]:
    """Segment planes as ``cellseg predict`` segments files.

    Args:
        pixels: plane, or several planes with an axis of frames or slices in front; each plane is segmented
            on its own.
        bundle: folder of the bundle, with its weights.
        rgb: whether the last axis is RGB.
        options: values of ``inference.json`` by id, such as ``{"threshold": 0.4}``.

    Returns:
        Labels with the shape of the pixels, without RGB axis.

    Raises:
        FileNotFoundError: there is no such bundle, or it has no weights.
        ValueError: there are no rows and columns, or the bundle cannot segment the image.

    Example:
        >>> segment(np.zeros((8, 8)), "nowhere")
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere: there is no such bundle; give its folder, or one of these names: ...
    """
    import tifffile

    from cellseg_monai.jobs import predict
    from cellseg_monai.outputs.failures import read_failures

    values = np.asarray(pixels)
    shape = values.shape[:-1] if rgb else values.shape
    if len(shape) < 2 or 0 in shape:
        raise ValueError(f"an image must have rows and columns, but the shape is {values.shape}")
    planes = values.reshape(-1, *values.shape[len(shape) - 2 :])
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"images/{number:05}.tif" for number in range(len(planes))]
        files[0].parent.mkdir()
        for file, plane in zip(files, planes, strict=True):
            tifffile.imwrite(file, _storable(plane), photometric="rgb" if rgb else "minisblack")
        try:
            labels = predict(bundle, files, Path(folder) / "out", options=options)
        except RuntimeError as error:
            reasons = read_failures(Path(folder) / "out")
            if not reasons:
                raise
            raise ValueError(reasons[0]) from error
        maps = [tifffile.imread(file) for file in labels]
    return np.stack(maps).astype(np.int32, copy=False).reshape(shape)


def _storable(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Convert to a type that TIFF supports."""
    wide = {"i8": np.int32, "u8": np.uint32, "f2": np.float32, "b1": np.uint8}
    return np.ascontiguousarray(plane, wide.get(plane.dtype.str[1:], plane.dtype))


def segment_widget() -> Any:
    """Make the widget: it segments an image layer with a bundle and two of its options.

    Returns:
        A ``FunctionGui`` of magicgui, which adds a Labels layer.
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
