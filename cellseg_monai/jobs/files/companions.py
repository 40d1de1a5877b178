"""Files that belong to a label map by name: its image, its classes, its probability."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from monai.transforms import Compose, LoadImaged

from cellseg_monai.data import MicroscopyReader, label_files, pair_folder, read_picture
from cellseg_monai.transforms import PercentileStretchd


class Planes(NamedTuple):
    """What an image file holds.

    Attributes:
        pixels: channels, rows, columns.
        channel_names: of the file, or ``ch0``, ``ch1``, …
        pixel_size: micrometres along x and along y, None if the file does not tell.
    """

    pixels: npt.NDArray[Any]
    channel_names: tuple[str, ...]
    pixel_size: tuple[float, float] | None


def find_label_maps(labels: Path) -> dict[str, Path]:
    """Label maps by name: one file, or all of a folder.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: there is none in the folder.

    Example:
        >>> find_label_maps(Path("absent"))
        Traceback (most recent call last):
        ...
        FileNotFoundError: absent: there is no such file or folder
    """
    if not labels.exists():
        raise FileNotFoundError(f"{labels}: there is no such file or folder")
    # OME-Zarr is a folder and a file
    found = {labels.stem: labels} if labels.is_file() or labels.suffix == ".zarr" else label_files(labels)
    if not found:
        raise ValueError(f"{labels}: there is no label map here")
    return found


def find_pictures(folder: Path) -> dict[str, Path]:
    """Images of a folder by name; masks among them are left out.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there is none in it.
    """
    if folder.is_file():
        return {folder.stem: folder}
    found = {name: image for name, image, _ in pair_folder(folder, recursive=True).pairs}
    if not found:
        raise ValueError(f"{folder}: there is no image here")
    return found


def find_companions(path: Path, maps: dict[str, Path]) -> dict[str, Path]:
    """What belongs to label maps, by name: a folder, or one file, which belongs to a single label map.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there is nothing in it.

    Example:
        >>> import tempfile
        >>> raw = Path(tempfile.mkdtemp()) / "raw.tif"
        >>> raw.touch()
        >>> list(find_companions(raw, {"cells": Path("cells.tif")}))
        ['cells']
    """
    files = find_pictures(path)
    return dict(zip(maps, files.values(), strict=True)) if path.is_file() and len(maps) == 1 else files


def find_pictures_beside(labels: Path, maps: dict[str, Path]) -> dict[str, Path] | None:
    """The images of a dataset whose masks are the label maps; None if there are masks alone."""
    if not labels.is_dir():
        return None
    pairs = pair_folder(labels, recursive=True).pairs
    return {name: image for name, image, _ in pairs if image not in set(maps.values())} or None


def companion(name: str, kind: str, files: dict[str, Path]) -> Path:
    """The file of a name; if sub-folders differ, that of the same last part.

    Args:
        name: of the label map.
        kind: what is looked for, in words.
        files: by name.

    Raises:
        ValueError: there is none, or there are several.

    Example:
        >>> companion("day1/a", "image", {"a": Path("a.tif"), "b": Path("b.tif")}).name
        'a.tif'
    """
    if name in files:
        return files[name]
    last = name.split("/")[-1]
    matches = [path for other, path in files.items() if other.split("/")[-1] == last]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ValueError(
            f"{len(matches)} files could be the {kind} of {name}: {', '.join(map(str, matches))}"
        )
    raise ValueError(
        f"there is no {kind} named {name}; there are {len(files)}, such as {next(iter(files.values()))}"
    )


def read_planes(path: Path) -> Planes:
    """Read an image as channels, rows and columns.

    Raises:
        ValueError: the file cannot be read, or is a volume.
    """
    picture = read_picture(path)
    if "Z" in picture.axes:
        depth = picture.pixels.shape[picture.axes.index("Z")]
        raise ValueError(
            f"{path}: an image is one plane, this file holds {depth}; save the planes one by one"
        )
    pixels = np.ascontiguousarray(np.swapaxes(picture.channel_first(), 1, 2))
    names = picture.channel_names
    if len(names) != len(pixels) or len(set(names)) < len(names):
        names = tuple(f"ch{number}" for number in range(len(pixels)))
    return Planes(pixels, names, plane_size(picture.pixel_size))


def drawable(image: str | list[str]) -> npt.NDArray[Any]:
    """Rows and columns to draw on, grey or red-green-blue, from 0 to 1; of other channels the brightest.

    Args:
        image: its file, or the files of its channels.

    Example:
        >>> import tempfile, tifffile
        >>> path = Path(tempfile.mkdtemp()) / "two_channels.tif"
        >>> tifffile.imwrite(path, np.random.rand(2, 20, 30), metadata={"axes": "CYX"})
        >>> drawable(str(path)).shape
        (20, 30)
    """
    read = Compose(
        [
            LoadImaged("image", reader=MicroscopyReader(), ensure_channel_first=True),
            PercentileStretchd("image"),
        ]
    )
    pixels = np.asarray(read({"image": image})["image"]).T
    return pixels if pixels.shape[-1] in (1, 3) else pixels.max(axis=-1)


def plane_size(pixel_size: tuple[float, ...] | None) -> tuple[float, float] | None:
    """The size along x and y alone."""
    return None if pixel_size is None else (pixel_size[0], pixel_size[1])
