"""Which mask belongs to which image in a folder: by file name, whatever the format."""

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from cellseg_monai.data.readers.formats import SUFFIXES, read_label_map
from cellseg_monai.data.readers.ome_zarr import SUFFIXES as FOLDER_SUFFIXES
from cellseg_monai.outputs import written_in

IMAGE_FOLDERS = ("images", "image")
MASK_FOLDERS = ("masks", "labels", "mask", "label")

_MASK_ENDING = re.compile(r"[_-](?:cp_masks|masks?|labels?)$", re.IGNORECASE)
_IMAGE_ENDING = re.compile(r"[_-](?:image|img)$", re.IGNORECASE)

SLICER = ".seg.nrrd"
"""Ending of segmentations of 3D Slicer, which are cut to a part of the image and so are no masks."""

_PARTS_OF_IMAGES = (".oif.files",)
"""Ending of folders with the planes of an image of Olympus."""

_OF_DATASETS = ("synthesize", "import", "tile")
"""Commands whose results are datasets."""


class Mismatch(NamedTuple):
    """A file that does not form a pair.

    Attributes:
        kind: short name of the problem.
        file: the file.
        message: what is wrong.
        remedy: what to do about it.
    """

    kind: str
    file: Path
    message: str
    remedy: str


@dataclass
class Pairing:
    """Images and masks of a folder.

    Attributes:
        pairs: name, image and mask (None if there is no mask), sorted by name.
        masks_without_image: masks without an image of the same name.
        doubles: files of each name that several images or several masks share.
    """

    pairs: list[tuple[str, Path, Path | None]] = field(default_factory=list)
    masks_without_image: list[Path] = field(default_factory=list)
    doubles: dict[str, list[Path]] = field(default_factory=dict)

    @property
    def has_masks(self) -> bool:
        """Whether there is any mask; if not, the folder is a set of unlabelled images."""
        return bool(self.masks_without_image) or any(mask for _, _, mask in self.pairs)

    def mismatches(self) -> Iterator[Mismatch]:
        """List the files that do not form a pair."""
        for name, files in self.doubles.items():
            names = ", ".join(file.name for file in files)
            message = f"{len(files)} files share the name {name}: {names}"
            yield Mismatch("double pair", files[0], message, "keep one of them")
        for file in self.masks_without_image:
            message = "there is no image of this name"
            yield Mismatch("missing image", file, message, "add the image or remove the mask")
        for _, file, mask in self.pairs:
            if mask is None and self.has_masks:
                remedy = "add the mask, or move unlabelled images to a folder of their own"
                yield Mismatch("missing mask", file, "there is no mask of this name", remedy)


def pair_folder(folder: str | PathLike[str], recursive: bool = False) -> Pairing:
    """Pair images with masks.

    Two conventions are supported. In the first, ``images/`` is beside ``masks/`` or ``labels/``, and a mask
    has the name of its image, optionally with ``_mask``, ``_masks``, ``_label`` or ``_labels``. In the
    second, ``x.tif`` and ``x_mask.tif`` are in one folder.

    Args:
        folder: folder of the dataset.
        recursive: whether to search sub-folders as well. A pair is then in the same sub-folder on both sides,
            and results of earlier runs, and masks of datasets in sub-folders, are left out.

    Returns:
        The pairs, and the files that do not form a pair.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("images/a.tif", "images/b.png", "masks/a.png"):
        ...     (folder / name).parent.mkdir(exist_ok=True)
        ...     (folder / name).touch()
        >>> [(name, mask and mask.name) for name, _, mask in pair_folder(folder).pairs]
        [('a', 'a.png'), ('b', None)]
    """
    root = _existing(folder)
    image_folder = _first_existing(root, IMAGE_FOLDERS)
    if image_folder is None:
        files = _files(root, recursive, images=True)
        masks = [path for path in files if is_mask_name(path)]
        images = [path for path in files if path not in set(masks)]
        return _match(_by_name(images, root), _by_name(masks, root))
    mask_folder = _mask_folder(root)
    return _match(
        _by_name(_files(image_folder, recursive, images=True), image_folder),
        _by_name(_files(mask_folder, recursive), mask_folder) if mask_folder else {},
    )


def require_no_dataset(folder: Path) -> None:
    """Raise if the folder of a new dataset already has a dataset, or images that the new one would hide.

    Files that an interrupted run left behind do not count.

    Args:
        folder: folder of the new dataset.

    Raises:
        FileExistsError: the folder has a ``dataset.json``, or images or masks that no earlier run has
            written.

    Example:
        >>> require_no_dataset(Path("nowhere"))
    """
    if (folder / "dataset.json").exists():
        raise FileExistsError(f"{folder / 'dataset.json'} already exists; delete it or choose another folder")
    interrupted = any(entry.work in _OF_DATASETS for entry in written_in(folder).values())
    for name in () if interrupted else IMAGE_FOLDERS + MASK_FOLDERS:
        if (folder / name).is_dir() and any((folder / name).iterdir()):
            raise FileExistsError(
                f"{folder / name} is not empty, and a new dataset would hide its files; choose another folder"
            )


def label_files(folder: str | PathLike[str]) -> dict[str, Path]:
    """Find the label maps of a folder by name.

    Sub-folders are searched as well. A name is the path without suffix, without an ending such as ``_mask``,
    and without folders called ``images``, ``masks`` or ``labels``. So ``labels/images/a.tif`` and
    ``a_cp_masks.png`` both have the name ``a``. If the folder has ``masks/`` or ``labels/``, only this
    sub-folder is searched. If ``a_mask.tif`` is beside ``a.tif``, the latter is the image.

    Args:
        folder: folder of the label maps.

    Returns:
        Files by name, sorted by name.

    Raises:
        FileNotFoundError: the folder does not exist.
        ValueError: two files have the same name.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("a.tif", "a_mask.tif", "b_cp_masks.png"):
        ...     (folder / name).touch()
        >>> {name: path.name for name, path in label_files(folder).items()}
        {'a': 'a_mask.tif', 'b': 'b_cp_masks.png'}
    """
    root = _existing(folder)
    root = _mask_folder(root) or root
    named: dict[str, list[Path]] = defaultdict(list)
    for name, paths in _by_name(_files(root, recursive=True), root).items():
        *parts, last = name.split("/")
        kept = [part for part in parts if part not in IMAGE_FOLDERS + MASK_FOLDERS]
        named["/".join([*kept, last])] += paths
    found = {}
    for name, paths in sorted(named.items()):
        masks = [path for path in paths if is_mask_name(path)] or paths
        if len(masks) > 1:
            raise ValueError(f"{root}: {' and '.join(map(str, masks))} share the name {name}; keep one")
        found[name] = masks[0]
    return found


def stem(path: Path) -> str:
    """Return the file name without its suffix, including suffixes with two parts.

    Example:
        >>> stem(Path("a.ome.tif")), stem(Path("b.nii.gz")), stem(Path("c.0.png"))
        ('a', 'b', 'c.0')
    """
    name = path.name
    suffix = max((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), key=len, default="")
    name = name[: len(name) - len(suffix)]
    return name[:-4] if name.lower().endswith(".ome") else name


def is_mask_name(path: Path) -> bool:
    """Whether the name of a file ends like that of a mask.

    Example:
        >>> is_mask_name(Path("a_mask.tif")), is_mask_name(Path("a.tif"))
        (True, False)
    """
    return _MASK_ENDING.search(stem(path)) is not None


def _existing(folder: str | PathLike[str]) -> Path:
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: there is no such folder")
    return root


def _first_existing(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _mask_folder(root: Path) -> Path | None:
    """The first folder of masks whose first file can be read as one, or else the first with a picture."""
    folders = [root / name for name in MASK_FOLDERS if (root / name).is_dir()]
    filled = [folder for folder in folders if _files(folder, recursive=True)] or folders
    if len(filled) > 1:
        filled.sort(key=lambda folder: not _holds_a_mask(folder))
    return next(iter(filled), None)


def _holds_a_mask(folder: Path) -> bool:
    files = _files(folder, recursive=True)
    try:
        return bool(files) and read_label_map(files[0]).ndim == 2
    except ValueError:
        return False


def picture_files(folder: Path) -> list[Path]:
    """List images and masks in a folder and its sub-folders, without results of earlier runs.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.tif").touch()
        >>> [path.name for path in picture_files(folder)]
        ['a.tif']
    """
    found = _files(folder, recursive=True)
    written = {
        path.parent / name
        for path in folder.rglob(".cellseg")
        for name, entry in written_in(path.parent).items()
        if entry.work not in _OF_DATASETS
    }
    return [path for path in found if path not in written]


def _files(folder: Path, recursive: bool, *, images: bool = False) -> list[Path]:
    """List image files, and folders that are images; those folders are not searched.

    Args:
        folder: folder to search.
        recursive: whether to search sub-folders.
        images: whether to search for images: results of earlier runs, and folders of masks beside folders of
            images, are left out.
    """
    found: list[Path] = []
    left_out: set[Path] = set()
    for parent, folders, files in os.walk(folder):
        zarrs = [name for name in folders if name.lower().endswith(FOLDER_SUFFIXES)]
        kept = {name for name in folders if not name.lower().endswith(_PARTS_OF_IMAGES)}
        folders[:] = sorted(kept - set(zarrs)) if recursive else []
        if images:
            if {name.lower() for name in folders} & set(IMAGE_FOLDERS):
                folders[:] = [name for name in folders if name.lower() not in MASK_FOLDERS]
            written = written_in(Path(parent)).items()
            left_out |= {Path(parent, name) for name, entry in written if entry.work not in _OF_DATASETS}
        named = (name for name in files if not name.lower().endswith(FOLDER_SUFFIXES))
        found += [Path(parent, name) for name in (*zarrs, *named) if _is_picture(name.lower())]
    return sorted(path for path in found if path not in left_out and not path.name.startswith("."))


def _is_picture(name: str) -> bool:
    return name.endswith(SUFFIXES) and not name.endswith(SLICER)


def _by_name(files: list[Path], root: Path) -> dict[str, list[Path]]:
    """Group files by relative path, without suffix and without the endings of images and masks."""
    named = defaultdict(list)
    for path in files:
        bare = _IMAGE_ENDING.sub("", _MASK_ENDING.sub("", stem(path)))
        named[(path.parent.relative_to(root) / bare).as_posix()].append(path)
    return dict(named)


def _match(images: dict[str, list[Path]], masks: dict[str, list[Path]]) -> Pairing:
    pairing = Pairing()
    for name in sorted(images | masks):
        found = images.get(name, []), masks.get(name, [])
        if max(map(len, found)) > 1:
            pairing.doubles[name] = [path for files in found if len(files) > 1 for path in files]
        elif found[0]:
            pairing.pairs.append((name, found[0][0], found[1][0] if found[1] else None))
        else:
            pairing.masks_without_image.extend(found[1])
    return pairing
