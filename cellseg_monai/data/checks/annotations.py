"""Files that a dataset does not use: annotations that must be imported first, and files of microscopes."""

from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from cellseg_monai.annotations import FORMATS
from cellseg_monai.data.checks.finding import Finding, error, found, warning
from cellseg_monai.data.layouts.annotation_files import annotation_kind, title_of
from cellseg_monai.data.layouts.seg_npy import ENDING as SEG_NPY
from cellseg_monai.data.layouts.volumes import zarr_labels
from cellseg_monai.data.pairing import IMAGE_FOLDERS, MASK_FOLDERS, Pairing
from cellseg_monai.data.readers.formats import SUFFIXES
from cellseg_monai.data.readers.microscopes import advice_for

_HARMLESS = (".md", ".db", ".ini", SEG_NPY)
"""Endings of notes, of files of Windows, and of what Cellpose saves beside its masks."""


def check_annotations(root: Path, pairing: Pairing) -> Iterator[Finding]:
    """Find annotations that are not masks, and files that no reader knows, in the folders of a dataset.

    Args:
        root: folder of the dataset.
        pairing: its images and masks.

    Yields:
        Findings: annotations are errors if they are all that the images have, and warnings beside masks.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.roi").touch()
        >>> [finding.check for finding in check_annotations(folder, Pairing())]
        ['annotations']
    """
    masks = [root / name for name in MASK_FOLDERS if (root / name).is_dir()]
    folders = [root, *(root / name for name in IMAGE_FOLDERS if (root / name).is_dir()), *masks]
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if not path.name.startswith("."):
                yield from _check_file(root, path, pairing, among_masks=folder in masks)


def _check_file(root: Path, path: Path, pairing: Pairing, *, among_masks: bool) -> Iterator[Finding]:
    try:
        kind = _kind(path)
    except ValueError as problem:
        yield found("unreadable", str(path), str(problem).removeprefix(f"{path}: "))
        return
    complete = pairing.has_masks and all(mask for _, _, mask in pairing.pairs)
    if kind is not None and not (complete and kind not in FORMATS):  # Cellpose saves masks beside its file
        report = warning if pairing.has_masks else error
        message = f"holds annotations ({title_of(kind)}), which are not used as masks"
        yield report(
            "annotations", str(path), message, f"cellseg data import annotations {quote(str(root))} DST"
        )
    elif advice := advice_for(path):
        yield found("microscope file", str(path), advice.partition(";")[0])
    elif among_masks and path.is_file() and not path.name.lower().endswith((*SUFFIXES, *_HARMLESS)):
        yield found("no mask", str(path), "it is neither a mask nor annotations in a known format")


def _kind(path: Path) -> str | None:
    if path.is_dir():
        return "zarr" if path.suffix.lower() == ".zarr" and zarr_labels(path) else None
    return annotation_kind(path)
