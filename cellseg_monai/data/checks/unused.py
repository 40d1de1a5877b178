"""Images and masks in the folder of a dataset that nothing reads: in another place, or not in the list."""

from collections.abc import Collection, Iterator
from pathlib import Path
from shlex import quote

from cellseg_monai.data.checks.finding import Finding, found, note, warning
from cellseg_monai.data.datalist import PATHS, Item, as_list
from cellseg_monai.data.layouts.annotation_files import annotation_kind
from cellseg_monai.data.pairing import IMAGE_FOLDERS, MASK_FOLDERS, picture_files
from cellseg_monai.data.readers.formats import SUFFIXES
from cellseg_monai.data.readers.microscopes import advice_for
from cellseg_monai.outputs.counting import counted

_NOTES = (".md", ".txt", ".pdf", ".db", ".ini", ".log", ".npy", ".json", ".csv", ".xml", ".yaml", ".html")
"""Endings of files that describe images."""


def check_unused(root: Path, items: Collection[Item], parts: Collection[Path] = ()) -> Iterator[Finding]:
    """Find images, masks and other files in the folder of a dataset that are not used.

    Args:
        root: folder of the dataset.
        items: items of the dataset.
        parts: sub-folders that are checked as datasets of their own.

    Yields:
        A finding for each file beside used ones, and one for each folder without any.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("images/a.tif", "b.tif", "other/c.tif"):
        ...     (folder / name).parent.mkdir(exist_ok=True)
        ...     (folder / name).touch()
        >>> items = [{"image": folder / "images/a.tif"}]
        >>> [Path(finding.file).name for finding in check_unused(folder, items)]
        ['b.tif', 'other']
    """
    used = {Path(file).resolve() for item in items for key in PATHS for file in as_list(item.get(key, []))}
    left = [path for path in picture_files(root) if path.resolve() not in used and not _within(path, parts)]
    places: dict[Path, list[Path]] = {}
    for path in left:
        places.setdefault(path.parent, []).append(path)
    listed = (root / "dataset.json").is_file()
    for folder, files in places.items():
        if listed:
            remedy = "add it to dataset.json, or move it to another folder"
            yield from (
                warning("unused", str(file), "dataset.json does not list it", remedy) for file in files
            )
        elif any(file.parent == folder for file in used):
            continue  # a file without its partner, or with a double, is reported as such
        elif folder == root and used and not parts:
            yield from (
                warning("unused", str(file), "it is beside images/", "move it into images/") for file in files
            )
        elif used or parts:
            yield _folder(root, folder, len(files))
    for folder in {root / name for name in (*IMAGE_FOLDERS, *MASK_FOLDERS)} & set(_folders(root)):
        yield from _unknown(folder)


def _within(path: Path, parts: Collection[Path]) -> bool:
    return any(part in path.parents for part in parts)


def _folders(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.is_dir()]


def _folder(root: Path, folder: Path, count: int) -> Finding:
    """A folder with images, none of which is used."""
    within = folder.relative_to(root).parts
    message = f"it has {counted(count, 'image')} that nothing uses"
    if within[0].lower() in MASK_FOLDERS and len(within) == 1:
        remedy = f"to compare it with the masks in use: cellseg evaluate --pred {quote(str(folder))} "
        return note("unused", str(folder), message, f"{remedy}--truth {quote(str(root))} --out SCORES")
    if within[0].lower() in (*IMAGE_FOLDERS, *MASK_FOLDERS):
        remedy = f"to check them: cellseg data check {quote(str(root))} --recursive; to train, move them up"
        return warning("unused", str(folder), f"{message}, as they are in a sub-folder", remedy)
    remedy = f"to segment them: cellseg predict MODEL {quote(str(folder))} --out RESULT"
    return note("unused", str(folder), message, remedy)


def _unknown(folder: Path) -> Iterator[Finding]:
    """Files among images or masks that are neither pictures nor annotations nor notes."""
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if path.is_file() and not name.startswith(".") and not name.endswith((*SUFFIXES, *_NOTES)):
            if folder.name.lower() in MASK_FOLDERS or advice_for(path) or annotation_kind(path):
                continue  # the check of annotations reports it
            message = f"files of this kind ({path.suffix or 'no ending'}) are not read"
            yield found("unknown format", str(path), message)
