"""Cell Tracking Challenge: numbered sequences of frames, with reference segmentations and tracks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from cellseg_monai.data.layouts.folders import images_in, paired
from cellseg_monai.data.layouts.samples import Failure, Sample

_FRAME = re.compile(r"t\d{3,}")
_SEGMENTATION = re.compile(r"man_seg\d{3,}")


def samples(source: Path) -> Iterator[Sample | Failure]:
    """Cell Tracking Challenge: 01/t000.tif with 01_GT/SEG, 01_ST/SEG and 01_GT/TRA, planes only.

    ::

        Fluo-N2DH-GOWT1/
            01/                     t000.tif, t001.tif, …
            01_GT/SEG/              man_seg000.tif, …      gold truth, drawn by people, often for few frames
            01_GT/TRA/              man_track000.tif, …, man_track.txt
            01_ST/SEG/              man_seg000.tif, …      silver truth, computed
            02/, 02_GT/, 02_ST/     the second sequence

    A frame uses the gold truth if there is one, otherwise the silver truth, otherwise it is unlabelled. Gold
    truth may not contain every cell of a frame. A sequence is a group. Only planes are imported: volumes, and
    gold truth of single slices of them, are failures.
    """
    sequences = _sequences(source)
    for reference in sorted(source.glob("*_[GS]T")):
        sequence = reference.name[:-3]
        if sequence.isdigit() and sequence not in sequences:
            yield Failure(reference, f"there are no images {sequence}/t000.tif …; add the folder {sequence}")
    for sequence in sequences:
        yield from _frames(source, sequence)


def tracks(source: Path) -> Mapping[str, Path]:
    """Find the files of the manual tracks by sequence and file name, for sequences that have images."""
    sequences = _sequences(source)
    return {f"{name}/{file.name}": file for name in sequences for file in _track_files(source, name)}


def _sequences(source: Path) -> list[str]:
    folders = (path for path in source.glob("*") if path.name.isdigit())
    return sorted(
        path.name for path in folders if any(_FRAME.fullmatch(image.stem) for image in images_in(path))
    )


def _track_files(source: Path, sequence: str) -> list[Path]:
    return sorted((source / f"{sequence}_GT" / "TRA").glob("man_track*"))


def _frames(source: Path, sequence: str) -> Iterator[Sample | Failure]:
    files = images_in(source / sequence)
    masks: dict[str, Path] = {}
    for truth in ("ST", "GT"):  # gold truth comes last, so it replaces silver truth
        masks |= {file.stem: file for file in images_in(source / f"{sequence}_{truth}" / "SEG")}
    for file in masks.values():
        if not _SEGMENTATION.fullmatch(file.stem):
            yield Failure(file, "is not named man_seg<frame>.tif; slices of volumes cannot be imported")
    for file in files:
        if not _FRAME.fullmatch(file.stem):
            yield Failure(file, "is not a frame named t<number>.tif")
    for found in paired(
        [file for file in files if _FRAME.fullmatch(file.stem)],
        [file for stem, file in masks.items() if _SEGMENTATION.fullmatch(stem)],
        prefix=f"{sequence}_",
        key=lambda stem: stem.removeprefix("man_seg").removeprefix("t"),
        complete=False,
    ):
        yield replace(found, group=sequence, channels=1) if isinstance(found, Sample) else found
    tracked = _track_files(source, sequence)
    if tracked and not any(file.name == "man_track.txt" for file in tracked):
        yield Failure(tracked[0].parent, "has no man_track.txt; without it the tracks have no divisions")
