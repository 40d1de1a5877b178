"""Cut the images of a dataset and their masks into tiles, as files."""

import json
from collections import Counter
from itertools import product
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from cellseg_monai.data.datalist import PATHS, Item, file_of, items_of_all_sections
from cellseg_monai.data.pairing import require_no_dataset
from cellseg_monai.data.readers.formats import read_label_map, read_picture
from cellseg_monai.outputs import claim_outputs, write_text, written_whole

_FOLDERS = {"image": "images", "label": "labels", "class_map": "classes"}


def write_tiles(
    source: str | PathLike[str], destination: str | PathLike[str], *, grid: tuple[int, int]
) -> Path:
    """Write every image as a grid of tiles that do not overlap, each with its part of the mask.

    The pixels are not changed. Each tile has the ``group`` of its image, or the image as its group, so splits
    keep the tiles of one image together. A cell at the edge of tiles is in several of them.

    Args:
        source: folder, ``dataset.json`` or table; the images of all its sections are cut.
        destination: folder of the new dataset.
        grid: number of tiles along rows and columns. If it does not divide the image, tiles differ by one
            pixel.

    Returns:
        The ``dataset.json`` of the tiles.

    Raises:
        ValueError: an image is a volume, is smaller than the grid, or differs from its mask in size.
        FileExistsError: the destination already has a dataset or images.

    Example:
        >>> from cellseg_monai.data import list_items, write_synthetic_dataset
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     whole = write_synthetic_dataset("nuclei", f"{folder}/whole", count=1, size=(64, 96))
        ...     tiles = list_items(write_tiles(whole, f"{folder}/tiles", grid=(2, 3)))
        ...     len(tiles), tiles[0]["name"], read_label_map(tiles[0]["label"]).shape
        (6, 'nuclei_000_0_0', (32, 32))
    """
    folder, (rows, columns) = Path(destination), grid
    if min(grid) < 1:
        raise ValueError(f"a grid needs at least one row and one column, not {rows} x {columns}")
    require_no_dataset(folder)
    items = items_of_all_sections(source)
    name, times = Counter(item["name"] for item in items).most_common(1)[0]
    if times > 1:
        raise ValueError(f"{source}: {times} images have the name {name!r}; rename all but one of them")
    places = list(product(range(rows), range(columns)))
    listed = [_tile(item, *place) for item in items for place in places]
    targets = [tile[key] for tile in listed for key in _FOLDERS if key in tile]
    with claim_outputs(folder, "tile", [*targets, "dataset.json"], [file_of(item) for item in items]):
        for item in items:
            pixel_size, arrays = _read(item, grid)
            for key, pixels in arrays.items():
                bands = np.array_split(pixels, rows)
                parts = [part for band in bands for part in np.array_split(band, columns, axis=1)]
                for place, part in zip(places, parts, strict=True):
                    _write(folder / _tile(item, *place)[key], part, pixel_size)
        write_text(folder / "dataset.json", json.dumps({"training": listed}, indent=2) + "\n")
    return folder / "dataset.json"


def _tile(item: Item, row: int, column: int) -> Item:
    """Return the item of a tile, with paths relative to its dataset."""
    name = f"{item['name']}_{row}_{column}"
    files = {key: f"{_FOLDERS[key]}/{name}.tif" for key in PATHS if key in item}
    return {**item, **files, "name": name, "group": item.get("group", item["name"])}


def _read(item: Item, grid: tuple[int, int]) -> tuple[tuple[float, ...] | None, dict[str, npt.NDArray[Any]]]:
    """Return the pixel size of an image, and image and maps as rows and columns (and channels)."""
    file = file_of(item)
    picture = read_picture(file)
    if "Z" in picture.axes:
        raise ValueError(f"{file}: has the shape {picture.stored_shape}; only planes can be cut into tiles")
    arrays = {"image": picture.rows_columns()}
    arrays |= {key: read_label_map(item[key]) for key in PATHS if key in item and key != "image"}
    for key, pixels in arrays.items():
        if pixels.shape[:2] != arrays["image"].shape[:2]:
            raise ValueError(
                f"{item[key]}: its size {pixels.shape[:2]} differs from {arrays['image'].shape[:2]} of {file}"
            )
    if any(side < number for side, number in zip(arrays["image"].shape, grid, strict=False)):
        raise ValueError(f"{file}: {arrays['image'].shape[:2]} pixels cannot be cut into {grid} tiles")
    return picture.pixel_size, arrays


def _write(path: Path, pixels: npt.NDArray[Any], pixel_size: tuple[float, ...] | None) -> None:
    colour = pixels.ndim == 3 and pixels.shape[-1] in (3, 4)
    scale = (
        {}
        if pixel_size is None
        else {
            "resolution": tuple(1e4 / micrometres for micrometres in pixel_size),
            "resolutionunit": "CENTIMETER",
        }
    )
    with written_whole(path) as part:
        tifffile.imwrite(
            part,
            pixels,
            compression="zlib",
            photometric="rgb" if colour else "minisblack",
            metadata={"axes": "YXS" if colour else "YXC"[: pixels.ndim]},
            **scale,
        )
