"""A result stays inside the folder that the user named, and apart from what it is made from."""

import os
from collections.abc import Iterable
from os import PathLike
from pathlib import Path


def inside(folder: str | PathLike[str], name: str | PathLike[str]) -> Path:
    """Join a folder and the name of a result, and refuse a name that leads out of the folder.

    Args:
        folder: the output folder.
        name: name of the result, with sub-folders.

    Returns:
        The path.

    Raises:
        ValueError: the name is absolute, climbs out by ``..``, or follows a symbolic link out.

    Example:
        >>> inside("out", "day1/a.tif").as_posix()
        'out/day1/a.tif'
        >>> inside("out", "../../a.tif")
        Traceback (most recent call last):
        ...
        ValueError: ../../a.tif: this name leads out of the output folder out; rename it
    """
    path = Path(folder) / name
    root, place = (Path(os.path.realpath(each)) for each in (folder, path.parent))
    plain = os.path.normpath(name)
    climbs = os.path.isabs(name) or plain.split(os.sep)[0] == os.pardir or plain == os.curdir
    if climbs or root not in (place, *place.parents):
        raise ValueError(
            f"{Path(name).as_posix()}: this name leads out of the output folder {folder}; rename it"
        )
    return Path(folder) / plain


def require_apart(
    folder: str | PathLike[str], inputs: Iterable[str | PathLike[str]], below: bool = False
) -> None:
    """Raise if results would lie among their inputs, where the next run would take them for inputs.

    Args:
        folder: the output folder.
        inputs: files that are read.
        below: refuse inputs in sub-folders of the output folder as well.

    Raises:
        ValueError: an input lies in the output folder.

    Example:
        >>> require_apart("cells", ["images/a.tif"])
        >>> require_apart("images", ["images/a.tif"])
        Traceback (most recent call last):
        ...
        ValueError: images holds the input images/a.tif; choose another output folder
    """
    root = Path(os.path.realpath(folder))
    for path in inputs:
        parents = Path(os.path.realpath(path)).parents
        if root in (parents if below else parents[:1]):
            raise ValueError(f"{folder} holds the input {path}; choose another output folder")
