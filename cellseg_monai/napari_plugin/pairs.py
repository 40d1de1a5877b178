"""Images with labels in a dataset: save a pair, list the pairs, and list the images without labels."""

import re
import shutil
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from cellseg_monai.data.datalist import Item
    from cellseg_monai.data.pairing import Pairing
    from cellseg_monai.outputs import StrPath

_WORK = "annotate"


def save_labels(
    dataset: "StrPath", image: "StrPath | npt.NDArray[Any]", labels: npt.ArrayLike, name: str = ""
) -> Path:
    """Save an image and its labels in a dataset, as ``images/NAME`` and ``masks/NAME.tif``.

    An image in the dataset is never overwritten. A mask of the same name is replaced. If this function did
    not write it, or another program changed it since, it is kept beside the new one, as
    ``NAME.tif.former-…``.

    Args:
        dataset: folder of the dataset; it is created.
        image: file of the image, which is copied as it is; or its pixels, with RGB as the last axis.
        labels: labels of all cells in the image; 0 is background.
        name: name of an image that is given as pixels.

    Returns:
        File of the mask.

    Raises:
        ValueError: the labels do not fit the image, the dataset has another image of the name, or it is not a
            folder with ``images/`` and ``masks/``.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> save_labels(folder, np.zeros((4, 5)), np.eye(4, 5, dtype=int), "day 1").relative_to(folder)
        PosixPath('masks/day 1.tif')
    """
    import tifffile

    from cellseg_monai.data.pairing import MASK_FOLDERS, pair_folder, stem
    from cellseg_monai.label_maps import as_label_map
    from cellseg_monai.outputs import claim_outputs, written_whole

    root = Path(dataset)
    _require_folders(root)
    file = Path(image) if isinstance(image, str | PathLike) else None
    pixels = _plane(file) if file else np.asarray(image)
    name = stem(file) if file else name
    if not name or re.search(r"[/\\:]", name):
        raise ValueError(f"{name!r} cannot be the name of a file; rename the layer of the image")
    values = np.asarray(labels)
    if values.shape != pixels.shape[:2]:
        raise ValueError(
            f"{name}: the labels have the shape {values.shape}, but the image {pixels.shape[:2]}; "
            "choose the labels of this image"
        )
    cells = as_label_map(values)
    stored = _store_image(root, file, pixels, name)
    pairing = pair_folder(root)
    mask = next((mask for _, image, mask in pairing.pairs if image == stored), None)
    folders = [root / each for each in MASK_FOLDERS if (root / each).is_dir()]
    target = (folders or [root / "masks"])[0] / f"{name}.tif"
    if mask is not None and (mask != target or not _written_here(mask)):
        _set_aside(mask)
    with claim_outputs(target.parent, _WORK, [target.name]), written_whole(target) as part:
        small = cells.max(initial=0) <= np.iinfo(np.uint16).max
        tifffile.imwrite(part, cells.astype(np.uint16 if small else np.int32), compression="zlib")
    return target


def labelled_images(dataset: "StrPath") -> "list[Item]":
    """List the images of a dataset that have labels; images without labels are left out.

    Args:
        dataset: folder with ``images/`` and ``masks/``.

    Raises:
        ValueError: a mask has no image, or two files have the same name.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = save_labels(folder, np.zeros((4, 5)), np.eye(4, 5, dtype=int), "a")
        >>> [item["name"] for item in labelled_images(folder)], labelled_images("nowhere")
        (['a'], [])
    """
    from cellseg_monai.data.datalist import items_of

    if not Path(dataset).is_dir():
        return []
    pairing = _sound(Path(dataset).resolve())
    return [item for item in items_of(pairing) if "label" in item]


def unlabelled_images(images: "StrPath", dataset: "StrPath") -> list[Path]:
    """List the images of a folder that have no labels in a dataset.

    Args:
        images: folder of images; it may be ``images/`` of the dataset.
        dataset: folder with ``images/`` and ``masks/``, which need not exist yet.

    Raises:
        FileNotFoundError: there is no such folder of images.
        ValueError: the folder has no image, or two files have the same name.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in "ab":
        ...     _ = save_labels(folder / "one", np.zeros((4, 5)), np.eye(4, 5, dtype=int), name)
        >>> _ = save_labels(folder / "other", np.zeros((4, 5)), np.eye(4, 5, dtype=int), "b")
        >>> [file.name for file in unlabelled_images(folder / "one/images", folder / "other")]
        ['a.tif']
    """
    from cellseg_monai.data.pairing import stem

    files = [image for _, image, _ in _sound(Path(images)).pairs]
    if not files:
        raise ValueError(f"{images}: there is no image in this folder; choose the folder of your images")
    done = {stem(Path(item["image"])) for item in labelled_images(dataset)}
    return [file for file in files if stem(file) not in done]


def _require_folders(root: Path) -> None:
    """Raise if files in ``images/`` and ``masks/`` would hide those of the dataset, or not be part of it."""
    from cellseg_monai.data.pairing import IMAGE_FOLDERS, pair_folder

    listed = (root / "dataset.json").exists()
    beside = root.is_dir() and not any((root / each).is_dir() for each in IMAGE_FOLDERS)
    if listed or (beside and pair_folder(root).pairs):
        what = "a dataset.json" if listed else "images, but no folder images/"
        raise ValueError(f"{root}: this folder has {what}; choose another folder for the labels")


def _plane(file: Path) -> npt.NDArray[Any]:
    from cellseg_monai.data import read_picture

    picture = read_picture(file)
    if "Z" in picture.axes:
        depth = picture.pixels.shape[picture.axes.index("Z")]
        raise ValueError(f"{file}: a stack of {depth} planes; save the planes to train with as files")
    return picture.rows_columns()


def _store_image(root: Path, file: Path | None, pixels: npt.NDArray[Any], name: str) -> Path:
    """Copy or write the image into the dataset, unless the dataset has it already."""
    import tifffile

    from cellseg_monai.data.pairing import IMAGE_FOLDERS, stem
    from cellseg_monai.napari_plugin.segmenting import storable
    from cellseg_monai.outputs import written_whole

    if file is None and pixels.shape[2:] not in ((), (3,), (4,)):
        raise ValueError(f"{name}: the shape of the image is {pixels.shape}; save one plane as a file")
    folders = [root / each for each in IMAGE_FOLDERS if (root / each).is_dir()]
    folder = (folders or [root / "images"])[0]
    for known in sorted(folder.glob("*")):
        if stem(known) == name:
            if np.array_equal(_plane(known), pixels):
                return known
            raise ValueError(f"{known}: another image has this name; rename one of them")
    target = folder / (f"{name}.tif" if file is None else file.name)
    with written_whole(target) as part:
        if file is None:
            tifffile.imwrite(part, storable(pixels), photometric="rgb" if pixels.ndim == 3 else "minisblack")
        elif file.is_dir():
            shutil.copytree(file, part)
        else:
            shutil.copyfile(file, part)
    return target


def _written_here(mask: Path) -> bool:
    """Whether a mask is as :func:`save_labels` wrote it."""
    from cellseg_monai.outputs import written_in
    from cellseg_monai.outputs.digest import digest_of

    entry = written_in(mask.parent).get(mask.name)
    return entry is not None and entry.work == _WORK and entry.digest in (None, digest_of(mask))


def _set_aside(mask: Path) -> None:
    """Rename a mask, so that it is kept, and not read as an image any more."""
    from cellseg_monai.outputs.digest import digest_of

    mask.replace(mask.with_name(f"{mask.name}.former-{digest_of(mask)[:8]}"))


def _sound(folder: Path) -> "Pairing":
    """Images and masks of a folder; raise if names do not match, but for images without masks."""
    from cellseg_monai.data.pairing import pair_folder

    pairing = pair_folder(folder)
    for kind, file, message, remedy in pairing.mismatches():
        if kind != "missing mask":
            raise ValueError(f"{file}: {message}; {remedy}")
    return pairing
