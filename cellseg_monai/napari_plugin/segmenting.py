"""Segmentation of layers with a bundle, and its widget, which imports napari when it is made."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import napari.layers
    import napari.types

    from cellseg_monai.label_maps import LabelMap
    from cellseg_monai.outputs import StrPath


def segment(
    pixels: npt.ArrayLike,
    bundle: "StrPath",
    rgb: bool = False,
    options: Mapping[str, Any] | None = None,
    stack: bool = False,
) -> npt.NDArray[np.int32]:
    """Segment planes as ``cellseg predict`` segments files.

    Args:
        pixels: plane, or several planes with axes of frames or slices in front; each plane is segmented on
            its own.
        bundle: folder of the bundle, with its weights.
        rgb: whether the last axis is RGB.
        options: values of ``inference.json`` by id, such as ``{"threshold": 0.4}``.
        stack: whether the axis before rows and columns is Z, across which a cell has one id.

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

    from cellseg_monai.instances import link_planes

    values = np.asarray(pixels)
    shape = values.shape[:-1] if rgb else values.shape
    if len(shape) < 2 or 0 in shape:
        raise ValueError(f"an image must have rows and columns, but the shape is {values.shape}")
    planes = values.reshape(-1, *values.shape[len(shape) - 2 :])
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number:05}.tif" for number in range(len(planes))]
        for file, plane in zip(files, planes, strict=True):
            tifffile.imwrite(file, storable(plane), photometric="rgb" if rgb else "minisblack")
        maps = np.stack(segment_files(files, bundle, options))
    if stack and len(shape) > 2:
        maps = np.concatenate([link_planes(one) for one in maps.reshape(-1, *shape[-3:])])
    return maps.reshape(shape)


def segment_files(
    files: Sequence[Path], bundle: "StrPath", options: Mapping[str, Any] | None = None
) -> "list[LabelMap]":
    """Segment files as ``cellseg predict`` does, but return the labels.

    Args:
        files: image files.
        bundle: folder of the bundle, with its weights.
        options: values of ``inference.json`` by id, such as ``{"threshold": 0.4}``.

    Raises:
        FileNotFoundError: there is no such bundle, or it has no weights.
        ValueError: the bundle cannot segment an image.

    Example:
        >>> segment_files([Path("a.tif")], "nowhere")
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere: there is no such bundle; give its folder, or one of these names: ...
    """
    from cellseg_monai.data import read_label_map
    from cellseg_monai.jobs import predict

    with TemporaryDirectory() as out, first_reason(out):
        return [read_label_map(file) for file in predict(bundle, files, out, options=options)]


@contextmanager
def first_reason(out: "StrPath") -> Iterator[None]:
    """Raise the reason why the first image failed, instead of a reference to the table of all reasons."""
    from cellseg_monai.outputs.failures import read_failures

    try:
        yield
    except RuntimeError as error:
        if reasons := read_failures(Path(out)):
            raise ValueError(reasons[0]) from error
        raise


def storable(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
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
        image: "napari.layers.Image",
        bundle: Path = Path(),
        threshold: float = 0.5,
        min_size: int = 15,
        stack: bool = False,
    ) -> "napari.types.LayerDataTuple":
        pixels = image.data[0] if image.multiscale else image.data
        options = {"threshold": threshold, "min_size": min_size}
        labels = segment(pixels, bundle, bool(image.rgb), options, stack)
        placed = {name: getattr(image, name) for name in ("scale", "translate")}
        return labels, {"name": f"{image.name} cells", **placed}, "labels"

    widget = magicgui(
        segment_layer,
        call_button="Segment",
        bundle={"mode": "d", "label": "folder of the bundle"},
        threshold={"min": 0.0, "max": 1.0, "step": 0.05},
        min_size={"min": 0, "max": 1_000_000, "label": "smallest cell (pixels)"},
        stack={"label": "one id across the planes of a stack"},
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
