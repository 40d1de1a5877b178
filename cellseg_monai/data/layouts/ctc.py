"""Cell Tracking Challenge: numbered sequences of frames, with reference segmentations and tracks.

::

    Fluo-N2DH-GOWT1/
        01/                     t000.tif, t001.tif, …
        01_GT/SEG/              man_seg000.tif, …      gold truth, drawn by people, often for few frames
        01_GT/TRA/              man_track000.tif, …, man_track.txt
        01_ST/SEG/              man_seg000.tif, …      silver truth, computed
        02/, 02_GT/, 02_ST/     the second sequence

A frame takes the gold truth where there is one, else the silver, else it is unlabelled. Gold truth need not
hold every cell of a frame. Only planes are read: the volumes of the challenge, and gold truth of single
slices of them, are failures.
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from cellseg_monai.data.layouts.folders import images_in, read_annotation
from cellseg_monai.data.layouts.samples import Failure, Layout, Sample

_FRAME = re.compile(r"t(\d{3,})")
_SEGMENTATION = re.compile(r"man_seg(\d{3,})")


def samples(source: Path) -> Iterator[Sample | Failure]:
    """Find the frames of all sequences; a sequence is a group."""
    sequences = _sequences(source)
    for reference in sorted(source.glob("*_[GS]T")):
        sequence = reference.name[:-3]
        if sequence.isdigit() and sequence not in sequences:
            yield Failure(reference, f"there are no images {sequence}/t000.tif …; add the folder {sequence}")
    for sequence in sequences:
        yield from _frames(source, sequence)


def tracks(source: Path) -> Mapping[str, list[Path]]:
    """Find the files of the manual tracks of each sequence that has images."""
    found = {sequence: _track_files(source, sequence) for sequence in _sequences(source)}
    return {sequence: files for sequence, files in found.items() if files}


def _sequences(source: Path) -> list[str]:
    folders = (path for path in source.glob("*") if path.name.isdigit())
    return sorted(
        path.name for path in folders if any(_FRAME.fullmatch(image.stem) for image in images_in(path))
    )


def _track_files(source: Path, sequence: str) -> list[Path]:
    return sorted((source / f"{sequence}_GT" / "TRA").glob("man_track*"))


def _frames(source: Path, sequence: str) -> Iterator[Sample | Failure]:
    masks: dict[str, Path] = {}
    for truth in ("ST", "GT"):  # gold last: it replaces silver
        for file in images_in(source / f"{sequence}_{truth}" / "SEG"):
            if match := _SEGMENTATION.fullmatch(file.stem):
                masks[match[1]] = file
            else:
                yield Failure(
                    file, "is no man_seg<frame>.tif; slices of volumes cannot be imported, only planes"
                )
    for image in images_in(source / sequence):
        match = _FRAME.fullmatch(image.stem)
        if match is None:
            yield Failure(image, "is no frame t<number>.tif")
            continue
        mask = masks.pop(match[1], None)
        annotate = partial(read_annotation, mask) if mask else None
        yield Sample(f"{sequence}_{image.stem}", image, annotate, group=sequence, channels=1)
    for mask in masks.values():
        yield Failure(mask, f"belongs to no frame in {source / sequence}")
    files = _track_files(source, sequence)
    if files and not any(file.name == "man_track.txt" for file in files):
        yield Failure(files[0].parent, "has no man_track.txt; without it the tracks have no divisions")


CTC = Layout(
    description="Cell Tracking Challenge: 01/t000.tif with 01_GT/SEG, 01_ST/SEG and 01_GT/TRA, planes only",
    samples=samples,
    form=__doc__,
    tracks=tracks,
)
