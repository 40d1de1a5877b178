"""A dataset on disk as the list of dictionaries that MONAI's ``Dataset`` takes."""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from cellseg_monai.data.pairing import Pairing, pair_folder, stem

Item = dict[str, Any]
"""``image`` (path) and, where known, ``label`` (path), ``name``, ``group``, ``modality``, ``weight``."""

LISTINGS = (".json", ".csv")
_PATHS = ("image", "label", "class_map")


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
        source: a folder with ``images/`` and ``masks/`` or ``labels/``, or with ``x.tif`` and ``x_mask.tif``;
            a folder with a ``dataset.json``; a Decathlon-style ``.json`` file; or a ``.csv`` table.
        section: which part of a JSON file or of a table with a ``section`` column.
        recursive: look into sub-folders of a folder.
        group: regular expression that finds in a name what must not be torn apart by a split (a patient, a
            slide, a well), where the dataset does not state it: its first bracket, or all that it matches.
        modality: likewise for the kind of microscopy.

    Returns:
        One dictionary an image, in the order of the names. Unlabelled images have no ``label``; a folder
        where only some images have a mask is refused.

    Raises:
        FileNotFoundError: the source, or a file that it lists, is not there.
        ValueError: an image without mask, a mask without image, two of one name, or a malformed list.

    Example:
        >>> from cellseg_monai.data import write_synthetic_dataset
        >>> import tempfile
        >>> folder = write_synthetic_dataset("nuclei", f"{tempfile.mkdtemp()}/set", count=2, size=(32, 48))
        >>> [item["name"] for item in list_items(folder)]
        ['nuclei_000', 'nuclei_001']
    """
    path = Path(source)
    if path.is_dir() and (path / "dataset.json").is_file():
        path = path / "dataset.json"
    if path.is_dir():
        items = items_of(pair_folder(path, recursive), path)
    elif not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such folder or file")
    elif path.suffix in LISTINGS:
        items = _items_of_listing(path, section)
    else:
        raise ValueError(f"{path}: a dataset is a folder, a .json file or a .csv table")
    if not items:
        raise ValueError(
            f"{path}: no image found; expected images/ beside masks/, or x.tif beside x_mask.tif"
        )
    for item in items:
        _add_found(item, "group", group)
        _add_found(item, "modality", modality)
    return items


def root_of(source: str | PathLike[str]) -> Path:
    """The folder below which the images of a dataset lie; results take their sub-folders from there.

    That is the dataset's own folder or that of its list, or, where the list names images elsewhere, the
    deepest folder that holds them all. A source that is not there is taken for a folder.

    Example:
        >>> root_of("my_cells")
        PosixPath('my_cells')
    """
    path = Path(source)
    listing = path / "dataset.json" if path.is_dir() else path
    if not listing.is_file():
        return path
    folder = Path(os.path.abspath(listing.parent))
    images = [Path(os.path.abspath(_as_list(item["image"])[0])) for item in list_items(listing)]
    if all(folder in image.parents for image in images):
        return folder
    return Path(os.path.commonpath([image.parent for image in images]))


def combine_datasets(datasets: Sequence[Sequence[Item]], weights: Sequence[float]) -> list[Item]:
    """Join datasets so that each gets its share of the draws, whatever its number of images.

    Args:
        datasets: the lists.
        weights: the share of each, in any unit.

    Returns:
        All items; ``weight`` is the chance of being drawn, for ``torch.utils.data.WeightedRandomSampler``.

    Example:
        >>> big, small = [{"image": "a"}, {"image": "b"}], [{"image": "c"}]
        >>> [item["weight"] for item in combine_datasets([big, small], [1, 1])]
        [0.25, 0.25, 0.5]
    """
    if len(datasets) != len(weights):
        raise ValueError(f"{len(datasets)} datasets need as many weights, {len(weights)} were given")
    if any(weight < 0 for weight in weights) or sum(weights) <= 0:
        raise ValueError(f"weights are shares, not negative and not all zero: {list(weights)}")
    for position, items in enumerate(datasets):
        if not items:
            raise ValueError(f"dataset {position} is empty; leave it out")
    total = sum(weights)
    return [
        item | {"weight": weight / total / len(items)}
        for items, weight in zip(datasets, weights, strict=True)
        for item in items
    ]


def items_of(pairing: Pairing, folder: Path) -> list[Item]:
    """The items of a paired folder; whatever does not pair is an error."""
    if pairing.doubles:
        name, files = next(iter(pairing.doubles.items()))
        raise ValueError(
            f"{folder}: {len(files)} files claim the name {name}: {', '.join(map(str, files))}; keep one"
        )
    if pairing.masks_without_image:
        raise ValueError(
            f"{pairing.masks_without_image[0]}: there is no image of this name; "
            "add the image or remove the mask"
        )
    lonely = [image for _, image, mask in pairing.pairs if mask is None]
    if lonely and pairing.has_masks:
        raise ValueError(
            f"{lonely[0]}: there is no mask of this name ({len(lonely)} such images); "
            "add the mask, or keep unlabelled images in a folder of their own"
        )
    return [
        {"name": name, "image": str(image)} | ({} if mask is None else {"label": str(mask)})
        for name, image, mask in pairing.pairs
    ]


def listed_entries(listing: Path) -> dict[str, list[tuple[str, Any]]]:
    """The entries of a JSON file or table by section, each with its place in the file."""
    if listing.suffix == ".csv":
        table = pd.read_csv(listing, dtype=str)
        sections = table.pop("section") if "section" in table else ["training"] * len(table)
        entries: dict[str, list[tuple[str, Any]]] = {}
        for number, (section, (_, row)) in enumerate(zip(sections, table.iterrows(), strict=True), start=2):
            entries.setdefault(str(section), []).append((f"line {number}", row.dropna().to_dict()))
        return entries
    try:
        content = json.loads(listing.read_text())
    except ValueError as error:
        raise ValueError(f"{listing}: not a JSON file: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{listing}: a datalist is an object with sections such as 'training', not a list")
    return {
        section: [(f"{section}[{index}]", entry) for index, entry in enumerate(listed)]
        for section, listed in content.items()
        if isinstance(listed, list)
    }


def locate(entry: Any, listing: Path, place: str) -> Item:
    """One entry with absolute paths that exist, and a name."""
    if isinstance(entry, str):  # how the Decathlon lists unlabelled images
        entry = {"image": entry}
    if not isinstance(entry, Mapping) or "image" not in entry:
        raise ValueError(f"{listing}: {place} names no image: {entry}")
    item = dict(entry)
    for key in _PATHS:
        if key in item:
            files = [Path(os.path.normpath(listing.parent / file)) for file in _as_list(item[key])]
            for file in files:
                if not file.exists():
                    raise FileNotFoundError(f"{file}: there is no such file; {listing} lists it at {place}")
            item[key] = [str(file) for file in files] if isinstance(item[key], list) else str(files[0])
    if "weight" in item:
        item["weight"] = float(item["weight"])
    item.setdefault("name", stem(Path(_as_list(item["image"])[0])))
    return item


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _items_of_listing(listing: Path, section: str) -> list[Item]:
    sections = listed_entries(listing)
    if section not in sections:
        raise ValueError(
            f"{listing}: there is no section {section!r}; it has {', '.join(sections) or 'none'}"
        )
    return [locate(entry, listing, place) for place, entry in sections[section]]


def _add_found(item: Item, key: str, pattern: str | None) -> None:
    if pattern is None or key in item:
        return
    found = re.search(pattern, item["name"])
    if found is None:
        raise ValueError(f"{item['image']}: the {key} pattern {pattern!r} finds nothing in {item['name']!r}")
    item[key] = found[1] if found.re.groups else found[0]


def group_of(item: Item) -> str:
    """What must stay together in a split: the group, or the image itself.

    Example:
        >>> group_of({"image": "a.tif", "group": "patient 3"}), group_of({"image": "a.tif"})
        ('patient 3', 'a.tif')
    """
    return str(item.get("group", item["image"]))


def file_of(item: Item) -> str:
    """The file of an image.

    Raises:
        ValueError: it consists of several.

    Example:
        >>> file_of({"image": "a.tif"})
        'a.tif'
    """
    if isinstance(item["image"], list):
        raise ValueError(
            f"{', '.join(item['image'])}: an image of several files cannot be used here; join them in one"
        )
    return str(item["image"])


def labelled(items: Iterable[Item]) -> list[Item]:
    """Only the items that have a label.

    Raises:
        ValueError: none has.

    Example:
        >>> labelled([{"image": "a.tif", "label": "b.tif"}, {"image": "c.tif"}])
        [{'image': 'a.tif', 'label': 'b.tif'}]
    """
    items = list(items)
    found = [item for item in items if "label" in item]
    if not found:
        first = f", such as {items[0]['image']}," if items else ""
        raise ValueError(f"none of the {len(items)} images{first} has a label; put masks/ beside images/")
    return found
