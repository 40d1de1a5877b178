"""Results stay inside the folder that the user named, and apart from their inputs."""

import os
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

StrPath = str | PathLike[str]
"""Path of a file or folder."""


def inside(folder: StrPath, name: StrPath) -> Path:
    """Join an output folder and the name of a result, which must not lead out of the folder.

    Args:
        folder: output folder.
        name: name of the result, which may include sub-folders.

    Returns:
        Path of the result.

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


def require_apart(folder: StrPath, inputs: Iterable[StrPath], *, below: bool = False) -> None:
    """Raise if results would lie among their inputs, where the next run would read them.

    Args:
        folder: output folder.
        inputs: files that are read.
        below: whether inputs in sub-folders of the output folder are an error as well.

    Raises:
        ValueError: an input lies in the output folder.

    Example:
        >>> require_apart("cells", ["images/a.tif"])
        >>> require_apart("images", ["images/a.tif"])
        Traceback (most recent call last):
        ...
        ValueError: images contains the input images/a.tif; choose another output folder
    """
    root = Path(os.path.realpath(folder))
    for path in inputs:
        parents = Path(os.path.realpath(path)).parents
        if root in (parents if below else parents[:1]):
            raise ValueError(f"{folder} contains the input {path}; choose another output folder")
