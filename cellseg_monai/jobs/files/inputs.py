"""Images and label maps given as paths, folders, datasets and patterns."""

import os
from collections.abc import Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path

from cellseg_monai.annotations import FORMATS, format_of
from cellseg_monai.data import label_files, labelled, list_items
from cellseg_monai.jobs.files.names import full_name, name_of
from cellseg_monai.outputs import StrPath

Source = str | list[str]
"""File of an image, or files of its channels."""

_KINDS = {".geojson": "geojson", ".zip": "rois", ".roi": "rois", ".zarr": "ome-zarr"}
_BY_CONTENT = {".json": "dataset", ".csv": "dataset", ".xml": "image"}
"""Kind of files with these suffixes if they hold no annotations."""


def find_images(inputs: Sequence[StrPath]) -> list[Source]:
    """List images by absolute path, each once.

    Args:
        inputs: images, folders of images, datasets, and patterns.

    Raises:
        FileNotFoundError: an input does not exist, or a pattern matches no file.
        ValueError: two images of one folder differ only in their suffix.

    Example:
        >>> find_images(["absent/*.tif"])
        Traceback (most recent call last):
        ...
        FileNotFoundError: absent/*.tif: the pattern matches no file
    """
    images: dict[Path, Source] = {}
    stems: dict[Path, Path] = {}
    for image in (image for given in inputs for path in _matches(given) for image in _images_of(path)):
        first = first_file(image)
        images[first] = image
        other = stems.setdefault(first.with_suffix(""), first)
        if other != first:
            raise ValueError(
                f"{other} and {first.name} would both become {first.stem}.tif; segment them in two runs"
            )
    return list(images.values())


def find_label_maps(inputs: Sequence[StrPath], *, outlines: bool = False) -> dict[str, Path]:
    """Find label maps by name.

    Args:
        inputs: label maps, folders of label maps, datasets, and patterns.
        outlines: whether to include the outlines of other programs, and the list of a dataset in a folder.

    Raises:
        FileNotFoundError: an input does not exist, or a pattern matches no file.
        ValueError: an input contains no label map, or two files have the same name.

    Example:
        >>> find_label_maps(["absent"])
        Traceback (most recent call last):
        ...
        FileNotFoundError: absent: there is no such file or folder
    """
    found: dict[str, Path] = {}
    for given in inputs:
        named = [pair for path in _matches(given) for pair in _label_maps_of(path, outlines)]
        if not named:
            raise ValueError(f"{given}: there is no label map here")
        for name, path in named:
            other = found.setdefault(name, path)
            if other.absolute() != path.absolute():
                raise ValueError(f"{other} and {path} have the same name; process them in two runs")
    return found


def first_file(image: Source) -> Path:
    """File of an image, or of its first channel."""
    return Path(image if isinstance(image, str) else image[0])


def kind_of(path: Path) -> str:
    """Kind of content of a file, by its suffix, and by its content where several formats use the suffix.

    Returns:
        ``image``, ``ome-zarr``, ``dataset``, or one of :data:`cellseg_monai.annotations.FORMATS`.

    Example:
        >>> kind_of(Path("a.zip")), kind_of(Path("a.ome.zarr")), kind_of(Path("a.tif"))
        ('rois', 'ome-zarr', 'image')
    """
    suffix = path.suffix.lower()
    if suffix in _BY_CONTENT:
        return format_of(path) or _BY_CONTENT[suffix]
    return _KINDS.get(suffix, "image")


def _matches(given: StrPath) -> list[Path]:
    """The path itself if it exists, or else the files that match it as a pattern."""
    if Path(given).exists():
        return [Path(given)]
    if not has_magic(str(given)):
        raise FileNotFoundError(f"{given}: there is no such file or folder")
    matches = sorted(glob(str(given), recursive=True))
    if not matches:
        raise FileNotFoundError(f"{given}: the pattern matches no file")
    return [Path(match) for match in matches]


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder of files; OME-Zarr is an image."""
    return path.is_dir() and path.suffix.lower() != ".zarr"


def _images_of(path: Path) -> list[Source]:
    path = Path(os.path.abspath(path))
    if _is_folder(path) or path.suffix in (".json", ".csv"):
        return [item["image"] for item in list_items(path, recursive=path.is_dir())]
    return [str(path)]


def _label_maps_of(path: Path, outlines: bool) -> Iterator[tuple[str, Path]]:
    suffix = path.suffix.lower()
    if _is_folder(path):
        yield from _label_maps_in(path, outlines)
    elif suffix in _BY_CONTENT and kind_of(path) == "dataset":
        yield from ((item["name"], Path(item["label"])) for item in labelled(list_items(path)))
    else:
        yield name_of(path), path


def _label_maps_in(folder: Path, outlines: bool) -> Iterator[tuple[str, Path]]:
    listing = folder / "dataset.json"
    if outlines and listing.is_file():
        yield from _label_maps_of(listing, outlines)
        return
    yield from label_files(folder).items()
    for path in sorted(folder.rglob("*")) if outlines else ():
        within = path.relative_to(folder)
        in_zarr = any(parent.suffix.lower() == ".zarr" for parent in within.parents)
        if path.is_file() and not path.name.startswith(".") and not in_zarr and _has_outlines(path):
            yield full_name(within), path


def _has_outlines(path: Path) -> bool:
    return path.suffix.lower() in (*_KINDS, *_BY_CONTENT) and kind_of(path) in FORMATS
