"""Reader of napari for images and label maps."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

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
