"""Which mask belongs to which image in a folder: by stem, across formats."""

import os
import re
from collections import defaultdict
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from cellseg_monai.data.readers import SUFFIXES
from cellseg_monai.data.readers.ome_zarr import SUFFIXES as FOLDER_SUFFIXES
from cellseg_monai.outputs import written_in

IMAGE_FOLDERS = ("images", "image")
MASK_FOLDERS = ("masks", "labels", "mask", "label")

_MASK_ENDING = re.compile(r"[_-](?:cp_masks|masks?|labels?)$", re.IGNORECASE)
_IMAGE_ENDING = re.compile(r"[_-](?:image|img)$", re.IGNORECASE)


_OF_DATASETS = ("synthesize", "import")
"""Work whose results are images."""


@dataclass
class Pairing:
    """What a folder holds.

    Attributes:
        pairs: name, image and its mask (None where there is no mask), in the order of the names.
        masks_without_image: masks left over.
        doubles: names that more than one image or more than one mask lay claim to, with the files.
        has_masks: whether the folder holds any mask at all.
    """

    pairs: list[tuple[str, Path, Path | None]] = field(default_factory=list)
    masks_without_image: list[Path] = field(default_factory=list)
    doubles: dict[str, list[Path]] = field(default_factory=dict)

    @property
    def has_masks(self) -> bool:
        """Whether any mask was found: without one, the folder is a set of unlabelled images."""
        return bool(self.masks_without_image) or any(mask for _, _, mask in self.pairs)


def pair_folder(folder: str | PathLike[str], recursive: bool = False) -> Pairing:
    """Pair images with masks.

    Two habits are understood: ``images/`` beside ``masks/`` or ``labels/``, where stems are equal or the mask
    adds ``_mask``, ``_masks``, ``_label`` or ``_labels``; and ``x.tif`` beside ``x_mask.tif`` in one folder.

    Args:
        folder: where to look.
        recursive: look into sub-folders as well; a pair then lies in the same sub-folder on both sides.
            Results of earlier runs are left out.

    Returns:
        The pairs, and what does not pair.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("images/a.tif", "images/b.png", "masks/a.png"):
        ...     (folder / name).parent.mkdir(exist_ok=True)
        ...     (folder / name).touch()
        >>> [(name, mask and mask.name) for name, _, mask in pair_folder(folder).pairs]
        [('a', 'a.png'), ('b', None)]
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: there is no such folder")
    image_folder = _first_existing(root, IMAGE_FOLDERS)
    if image_folder is None:
        files = _files(root, recursive, results=False)
        masks = [path for path in files if _MASK_ENDING.search(stem(path))]
        images = [path for path in files if path not in set(masks)]
        return _match(_by_name(images, root), _by_name(masks, root))
    mask_folder = _first_existing(root, MASK_FOLDERS)
    masks = _files(mask_folder, recursive) if mask_folder else []
    return _match(
        _by_name(_files(image_folder, recursive, results=False), image_folder),
        _by_name(masks, mask_folder or image_folder),
    )


def require_no_images(folder: Path) -> None:
    """Raise if a new dataset would hide images that are in its folder.

    What an interrupted run has left may be there.

    Args:
        folder: of the new dataset.

    Raises:
        FileExistsError: it holds ``images/`` or masks that no earlier run has written.

    Example:
        >>> require_no_images(Path("nowhere"))
    """
    interrupted = any(entry.work in _OF_DATASETS for entry in written_in(folder).values())
    for name in () if interrupted else IMAGE_FOLDERS + MASK_FOLDERS:
        if (folder / name).is_dir() and any((folder / name).iterdir()):
            raise FileExistsError(
                f"{folder / name} has files, which a new dataset would hide; choose another folder"
            )


def label_files(folder: str | PathLike[str]) -> dict[str, Path]:
    """The label maps of a folder by name, as a program wrote them or a person saved them.

    Sub-folders are searched. A name is the path without ending, without ``_mask`` and its like, and without
    folders called ``images``, ``masks`` or ``labels``: so ``labels/images/a.tif`` and ``a_cp_masks.png`` are
    both ``a``. If the folder has ``masks/`` or ``labels/``, only that is searched; if ``a_mask.tif`` lies
    beside ``a.tif``, the latter is the image.

    Args:
        folder: where to look.

    Returns:
        Files in the order of their names.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: two files claim one name.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("a.tif", "a_mask.tif", "b_cp_masks.png"):
        ...     (folder / name).touch()
        >>> {name: path.name for name, path in label_files(folder).items()}
        {'a': 'a_mask.tif', 'b': 'b_cp_masks.png'}
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: there is no such folder")
    root = _first_existing(root, MASK_FOLDERS) or root
    named: dict[str, list[Path]] = defaultdict(list)
    for name, paths in _by_name(_files(root, recursive=True), root).items():
        parts = [part for part in name.split("/")[:-1] if part not in IMAGE_FOLDERS + MASK_FOLDERS]
        named["/".join([*parts, name.split("/")[-1]])] += paths
    found = {}
    for name, paths in sorted(named.items()):
        masks = [path for path in paths if _MASK_ENDING.search(stem(path))] or paths
        if len(masks) > 1:
            raise ValueError(f"{root}: {' and '.join(map(str, masks))} claim the name {name}; keep one")
        found[name] = masks[0]
    return found


def stem(path: Path) -> str:
    """The file name without its ending, also where that has two parts.

    Example:
        >>> stem(Path("a.ome.tif")), stem(Path("b.nii.gz")), stem(Path("c.0.png"))
        ('a', 'b', 'c.0')
    """
    name = path.name
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
            break
    return name[:-4] if name.lower().endswith(".ome") else name


def _first_existing(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _files(folder: Path, recursive: bool, results: bool = True) -> list[Path]:
    """Image files, and folders that are images: nothing is looked for in these.

    Args:
        folder: where to look.
        recursive: look into sub-folders.
        results: take results of earlier runs, too.
    """
    found: list[Path] = []
    left_out: set[Path] = set()
    for parent, folders, files in os.walk(folder):
        images = [name for name in folders if name.lower().endswith(FOLDER_SUFFIXES)]
        folders[:] = sorted(set(folders) - set(images)) if recursive else []
        left_out |= set() if results else _results_in(Path(parent))
        named = (name for name in files if not name.lower().endswith(FOLDER_SUFFIXES))
        found += [Path(parent, name) for name in (*images, *named) if name.lower().endswith(SUFFIXES)]
    return sorted(path for path in found if path not in left_out and not path.name.startswith("."))


def _results_in(folder: Path) -> set[Path]:
    """Files that an earlier run wrote, other than those of a dataset."""
    written = written_in(folder).items()
    return {folder / name for name, entry in written if entry.work not in _OF_DATASETS}


def _by_name(files: list[Path], root: Path) -> dict[str, list[Path]]:
    """Files by their place and bare name, the endings that mark image or mask removed."""
    named = defaultdict(list)
    for path in files:
        bare = _IMAGE_ENDING.sub("", _MASK_ENDING.sub("", stem(path)))
        named[(path.parent.relative_to(root) / bare).as_posix()].append(path)
    return dict(named)


def _match(images: dict[str, list[Path]], masks: dict[str, list[Path]]) -> Pairing:
    pairing = Pairing()
    for name in sorted(images | masks):
        claims = images.get(name, []), masks.get(name, [])
        if max(map(len, claims)) > 1:
            pairing.doubles[name] = [path for claim in claims if len(claim) > 1 for path in claim]
        elif claims[0]:
            pairing.pairs.append((name, claims[0][0], claims[1][0] if claims[1] else None))
        else:
            pairing.masks_without_image.extend(claims[1])
    return pairing
