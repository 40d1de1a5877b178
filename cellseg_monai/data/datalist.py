"""A dataset on disk as the list of dictionaries that MONAI's ``Dataset`` takes."""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from shlex import quote
from typing import Any

import pandas as pd

from cellseg_monai.data.pairing import Pairing, pair_folder, stem
from cellseg_monai.data.readers.microscopes import advice_in

Item = dict[str, Any]
"""``image`` (path) and, where known, ``label`` (path), ``name``, ``group``, ``modality``, ``weight``."""

PATHS = ("image", "label", "class_map")


def list_items(
    source: str | PathLike[str],
    section: str = "training",
    *,
    recursive: bool = False,
    group: str | None = None,
    modality: str | None = None,
) -> list[Item]:
    """List the images of a dataset with their labels.

    Args:
        source: folder with ``images/`` and ``masks/`` or ``labels/``, or with ``x.tif`` and ``x_mask.tif``;
            folder with a ``dataset.json``; Decathlon-style ``.json`` file; or ``.csv`` table.
        section: section of a JSON file, or of a table with a ``section`` column.
        recursive: whether to search the sub-folders of a folder.
        group: regular expression that finds the group (patient, slide, well) in the name of an image, for
            datasets that do not list it. Splits keep a group together. The group is the first bracket of the
            expression, or the whole match.
        modality: regular expression that finds the kind of microscopy in the name of an image.

    Returns:
        One dictionary per image, sorted by name. Unlabelled images have no ``label``. A folder in which only
        some images have a mask raises an error.

    Raises:
        FileNotFoundError: the source, or a file that it lists, does not exist.
        ValueError: an image without mask, a mask without image, two files of one name, or a malformed list.

    Example:
        >>> from cellseg_monai.data import write_synthetic_dataset
        >>> import tempfile
        >>> folder = write_synthetic_dataset("nuclei", f"{tempfile.mkdtemp()}/set", count=2, size=(32, 48))
        >>> [item["name"] for item in list_items(folder)]
        ['nuclei_000', 'nuclei_001']
    """
    path = _listing_of(Path(source))
    if path.is_dir():
        pairing = pair_folder(path, recursive)
        _require_pairs(pairing)
        items = items_of(pairing)
    elif path.is_file():
        sections = listed_entries(path)
        if section not in sections:
            names = ", ".join(sections) or "none"
            raise ValueError(f"{path}: there is no section {section!r}; the sections are: {names}")
        items = [located(entry, path, place) for place, entry in sections[section]]
    else:
        raise FileNotFoundError(f"{path}: there is no such folder or file")
    if not items:
        remedy = advice_in(path) or "put images in images/ beside masks/, or x.tif beside x_mask.tif"
        raise ValueError(f"{path}: no image found; {remedy}")
    for item in items:
        for key, pattern in {"group": group, "modality": modality}.items():
            if pattern is not None and key not in item:
                item[key] = part_of_name(pattern, item, key)
    return items


def items_of_all_sections(source: str | PathLike[str]) -> list[Item]:
    """List the images of a dataset, whatever section its list has them in.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     for name in "ab":
        ...         _ = Path(folder, f"{name}.tif").touch()
        ...     _ = Path(folder, "dataset.json").write_text('{"training": ["a.tif"], "test": ["b.tif"]}')
        ...     [item["name"] for item in items_of_all_sections(folder)]
        ['a', 'b']
    """
    listing = _listing_of(Path(source))
    if not listing.is_file():
        return list_items(source)
    filled = [section for section, entries in listed_entries(listing).items() if entries]
    return [item for section in filled for item in list_items(listing, section)]


def root_of(source: str | PathLike[str]) -> Path:
    """Return the folder that contains the images of a dataset; results use its sub-folders.

    This is the folder of the dataset or of its list. If the list refers to images elsewhere, it is the
    deepest folder that contains all images. A source that does not exist is returned as it is.

    Example:
        >>> root_of("my_cells")
        PosixPath('my_cells')
    """
    listing = _listing_of(Path(source))
    if not listing.is_file():
        return listing
    folder = Path(os.path.abspath(listing.parent))
    images = [Path(os.path.abspath(as_list(item["image"])[0])) for item in list_items(listing)]
    if all(folder in image.parents for image in images):
        return folder
    return Path(os.path.commonpath([image.parent for image in images]))


def combine_datasets(datasets: Sequence[Sequence[Item]], weights: Sequence[float]) -> list[Item]:
    """Join datasets so that each is drawn with its share, regardless of its number of images.

    Args:
        datasets: lists of items.
        weights: share of each dataset, in any unit.

    Returns:
        All items. ``weight`` is the probability of drawing an item with
        ``torch.utils.data.WeightedRandomSampler``.

    Example:
        >>> big, small = [{"image": "a"}, {"image": "b"}], [{"image": "c"}]
        >>> [item["weight"] for item in combine_datasets([big, small], [1, 1])]
        [0.25, 0.25, 0.5]
    """
    if len(datasets) != len(weights):
        raise ValueError(f"got {len(datasets)} datasets but {len(weights)} weights; give one weight each")
    if any(weight < 0 for weight in weights) or sum(weights) <= 0:
        raise ValueError(f"weights must not be negative and must not all be zero: {list(weights)}")
    for position, items in enumerate(datasets):
        if not items:
            raise ValueError(f"dataset {position} is empty; leave it out")
    total = sum(weights)
    return [
        item | {"weight": weight / total / len(items)}
        for items, weight in zip(datasets, weights, strict=True)
        for item in items
    ]


def items_of(pairing: Pairing) -> list[Item]:
    """Return the items of a paired folder."""
    return [
        {"name": name, "image": str(image)} | ({} if mask is None else {"label": str(mask)})
        for name, image, mask in pairing.pairs
    ]


def _require_pairs(pairing: Pairing) -> None:
    problems = list(pairing.mismatches())
    if problems:
        _, file, message, remedy = problems[0]
        more = f" ({len(problems)} problems in all: see cellseg data check)" if len(problems) > 1 else ""
        raise ValueError(f"{file}: {message}; {remedy}{more}")


def _listing_of(source: Path) -> Path:
    """The ``dataset.json`` in a folder, or the source itself."""
    return source / "dataset.json" if (source / "dataset.json").is_file() else source


def listed_entries(listing: Path) -> dict[str, list[tuple[str, Any]]]:
    """Read the entries of a JSON file or table by section, each with its place in the file."""
    from cellseg_monai.annotations import FORMATS, format_of  # an inference, which gets its items, needs none

    if kind := format_of(listing):
        raise ValueError(
            f"{listing}: holds annotations ({FORMATS[kind].title}) and is not a list of images; "
            f"make a dataset with: cellseg data import annotations {quote(str(listing.parent))} DST"
        )
    if listing.suffix == ".csv":
        entries: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        for line, row in enumerate(pd.read_csv(listing, dtype=str).to_dict("records"), start=2):
            entry = {str(column): value for column, value in row.items() if isinstance(value, str)}
            entries[entry.pop("section", "training")].append((f"line {line}", entry))
        return dict(entries)
    if listing.suffix != ".json":
        raise ValueError(f"{listing}: a dataset must be a folder, a .json file or a .csv table")
    content = json.loads(listing.read_text())
    if not isinstance(content, dict):
        raise ValueError(
            f"{listing}: a datalist must be an object with sections such as 'training', not a list"
        )
    return {
        section: [(f"{section}[{index}]", entry) for index, entry in enumerate(listed)]
        for section, listed in content.items()
        if isinstance(listed, list)
    }


def located(entry: Any, listing: Path, place: str) -> Item:
    """Return an entry with a name, and with absolute paths of files that exist."""
    if isinstance(entry, str):  # the Decathlon lists unlabelled images like this
        entry = {"image": entry}
    if not isinstance(entry, Mapping) or "image" not in entry:
        raise ValueError(f"{listing}: {place} has no image: {entry}")
    item = dict(entry)
    for key in (key for key in PATHS if key in item):
        if not item[key] or not all(isinstance(file, str) for file in as_list(item[key])):
            raise ValueError(
                f"{listing}: {place}: {key} must be a file name or a list of them, not {item[key]!r}"
            )
        files = [Path(os.path.normpath(listing.parent / file)) for file in as_list(item[key])]
        for file in files:
            if not file.exists():
                raise FileNotFoundError(f"{file}: there is no such file; {listing} lists it at {place}")
        item[key] = [str(file) for file in files] if isinstance(item[key], list) else str(files[0])
    if "weight" in item:
        try:
            item["weight"] = float(item["weight"])
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{listing}: {place}: weight must be a number, not {item['weight']!r}"
            ) from error
    item.setdefault("name", stem(Path(as_list(item["image"])[0])))
    return item


def as_list(value: Any) -> list[Any]:
    """Return one file or several files as a list."""
    return value if isinstance(value, list) else [value]


def files_of(items: Iterable[Item], keys: Sequence[str] = ("image", "label")) -> list[str]:
    """Return the files of all images and masks.

    Example:
        >>> files_of([{"image": ["a_c1.tif", "a_c2.tif"], "label": "a_mask.tif"}])
        ['a_c1.tif', 'a_c2.tif', 'a_mask.tif']
    """
    return [file for item in items for key in keys if key in item for file in as_list(item[key])]


def part_of_name(pattern: str, item: Item, key: str) -> str:
    """Return the part of the name of an image that a pattern finds: its first bracket, or the whole match."""
    found = re.search(pattern, item["name"])
    if found is None:
        raise ValueError(
            f"{item['image']}: the {key} pattern {pattern!r} does not match the name {item['name']!r}"
        )
    return found[1] if found.re.groups else found[0]


def group_of(item: Item) -> str:
    """Return the group that a split must keep together, or the image if it has no group.

    Example:
        >>> group_of({"image": "a.tif", "group": "patient 3"}), group_of({"image": "a.tif"})
        ('patient 3', 'a.tif')
    """
    return str(item.get("group", item["image"]))


def file_of(item: Item) -> str:
    """Return the file of an image.

    Raises:
        ValueError: the image consists of several files.

    Example:
        >>> file_of({"image": "a.tif"})
        'a.tif'
    """
    if isinstance(item["image"], list):
        raise ValueError(
            f"{', '.join(item['image'])}: an image of several files is not supported here; merge the files"
        )
    return str(item["image"])


def labelled(items: Iterable[Item]) -> list[Item]:
    """Return only the items that have a label.

    Raises:
        ValueError: no item has a label.

    Example:
        >>> labelled([{"image": "a.tif", "label": "b.tif"}, {"image": "c.tif"}])
        [{'image': 'a.tif', 'label': 'b.tif'}]
    """
    items = list(items)
    found = [item for item in items if "label" in item]
    if not found:
        first = f", such as {items[0]['image']}," if items else ""
        raise ValueError(
            f"none of the {len(items)} images{first} has a label; put masks/ beside images/, or "
            "make a dataset of outlines with: cellseg data import annotations"
        )
    return found
