"""Which files are to be converted, what they are called, and what they hold."""

import json
from collections.abc import Iterator, Sequence
from glob import glob, has_magic
from os import PathLike
from pathlib import Path

from cellseg_monai.data import SUFFIXES, label_files, labelled, list_items

_OUTLINES = (".geojson", ".zip", ".roi")


def find_label_maps(inputs: Sequence[str | PathLike[str]]) -> dict[str, Path]:
    """The files that paths, folders, datasets and patterns name, by name, each once.

    Raises:
        FileNotFoundError: something is not there, or a pattern matches nothing.
        ValueError: two files have one name.

    Example:
        >>> find_label_maps(["absent/*.tif"])
        Traceback (most recent call last):
        ...
        FileNotFoundError: absent/*.tif: the pattern matches no file
    """
    found: dict[str, Path] = {}
    for name, path in (pair for given in inputs for pair in _named(str(given))):
        other = found.setdefault(name, path)
        if other.absolute() != path.absolute():
            raise ValueError(f"{other} and {path} have the same name; convert them apart")
    return found


def _named(given: str) -> Iterator[tuple[str, Path]]:
    path = Path(given)
    if path.is_dir() and path.suffix.lower() != ".zarr":
        yield from _in_folder(path)
    elif path.suffix.lower() == ".csv" or (path.suffix.lower() == ".json" and kind_of(path) == "dataset"):
        yield from ((item["name"], Path(item["label"])) for item in labelled(list_items(path)))
    elif path.exists():
        yield name_of(path), path
    elif not has_magic(given):
        raise FileNotFoundError(f"{given}: there is no such file or folder")
    else:
        matches = sorted(glob(given, recursive=True))
        if not matches:
            raise FileNotFoundError(f"{given}: the pattern matches no file")
        for match in matches:
            yield from _named(match)


def _in_folder(folder: Path) -> Iterator[tuple[str, Path]]:
    """Label maps as the rest of the package finds them, and the outlines of other programs."""
    if (folder / "dataset.json").is_file():
        yield from _named(str(folder / "dataset.json"))
        return
    yield from label_files(folder).items()
    for path in sorted(folder.rglob("*")):
        within = any(parent.suffix.lower() == ".zarr" for parent in path.parents)
        outlines = path.suffix.lower() in _OUTLINES or (path.suffix.lower() == ".json" and not within)
        hidden = path.name.startswith(".")
        if path.is_file() and not hidden and outlines and not within and kind_of(path) != "dataset":
            yield (path.relative_to(folder).parent / name_of(path)).as_posix(), path


def name_of(path: Path) -> str:
    """The file name without its ending, and without ``.ome``.

    Example:
        >>> name_of(Path("a.ome.zarr")), name_of(Path("b.geojson")), name_of(Path("c.nii.gz"))
        ('a', 'b', 'c')
    """
    for ending in sorted((*SUFFIXES, *_OUTLINES, ".json"), key=len, reverse=True):
        if path.name.lower().endswith(ending):
            return path.name[: -len(ending)].removesuffix(".ome")
    return path.stem


def kind_of(path: Path) -> str:
    """What a file holds: by its name, but for .json, which three formats share.

    Example:
        >>> kind_of(Path("a.zip")), kind_of(Path("a.ome.zarr")), kind_of(Path("a.tif"))
        ('rois', 'ome-zarr', 'image')
    """
    suffix = path.suffix.lower()
    if suffix != ".json":
        return {".geojson": "geojson", ".zip": "rois", ".roi": "rois", ".zarr": "ome-zarr"}.get(
            suffix, "image"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    if isinstance(content, dict) and {"images", "annotations"} <= set(content):
        return "coco"
    features = isinstance(content, list) or "features" in content or content.get("type") == "Feature"
    return "geojson" if features else "dataset"
