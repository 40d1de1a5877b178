"""A published dataset to a plain one: images as they were, int32 label TIFFs, and a list of both."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tifffile

from cellseg_monai.data.layouts.registry import find_layout
from cellseg_monai.data.layouts.report import Conflict, ImportReport
from cellseg_monai.data.layouts.samples import Annotation, Failure, Layout, Sample
from cellseg_monai.data.pairing import require_no_images
from cellseg_monai.data.readers import read_picture
from cellseg_monai.outputs import claim_outputs, write_text, written_whole

_DATASET = "dataset.json"
_LISTS = ("training", "validation", "test", "unlabelled")
_NOT_IN_FILE_NAMES = frozenset('/\\:*?"<>|')


def import_dataset(
    layout: str, source: str | os.PathLike[str], destination: str | os.PathLike[str]
) -> ImportReport:
    """Convert a dataset in a published layout to a plain one.

    Writes ``images/<name>.*`` (the bytes unchanged), ``labels/<name>.tif`` (int32, deflated), ``tracks/``
    where there are any and, last of all, ``dataset.json`` with the lists ``training``, ``validation``,
    ``test`` and ``unlabelled``. An import that was interrupted leaves no ``dataset.json`` and can be run
    again.

    Args:
        layout: name of the published layout, see :data:`LAYOUTS`.
        source: folder of the published files, unpacked.
        destination: folder to write, made if need be.

    Returns:
        What was imported, and what was not: one unreadable file does not stop the others.

    Raises:
        ValueError: there is no such layout, or every file of the source was at fault.
        FileNotFoundError: the source is not there, or holds nothing in this layout.
        FileExistsError: the destination already holds a dataset or images.

    Example:
        >>> import numpy as np, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> published = Path(folder.name, "published")
        >>> for part in ("train/images", "train/masks"):
        ...     (published / part).mkdir(parents=True)
        ...     tifffile.imwrite(published / part / "a.tif", np.eye(4, dtype="uint8"))
        >>> import_dataset("stardist", published, Path(folder.name, "plain")).imported
        {'training': 1}
        >>> tifffile.imread(Path(folder.name, "plain", "labels", "train_a.tif")).dtype
        dtype('int32')
        >>> folder.cleanup()
    """
    published, source, destination = find_layout(layout), Path(source), Path(destination)
    _check_folders(source, destination)
    require_no_images(destination)
    found = list(published.samples(source))  # all, before anything is written: the destination may lie below
    if not found:
        raise FileNotFoundError(f"{source} holds nothing in the layout {layout!r}:\n\n{published.form}")
    samples = sorted((item for item in found if isinstance(item, Sample)), key=lambda sample: sample.name)
    failures = [item for item in found if isinstance(item, Failure)]
    tracks = published.tracks(source) if published.tracks else {}
    named = [sample for sample in samples if not _NOT_IN_FILE_NAMES & set(sample.name)]
    targets = [_DATASET, *(name for sample in named for name in _names(sample))]
    targets += [_track_name(sequence, file) for sequence, files in tracks.items() for file in files]
    conflicts: list[Conflict] = []
    lists: dict[str, list[dict[str, str]]] = {part: [] for part in _LISTS}
    taken: set[str] = set()
    with claim_outputs(destination, "import", targets, [sample.image for sample in samples]):
        for sample in samples:
            try:
                _check_name(sample.name, taken)
                annotation = _annotation(sample)
            except (OSError, ValueError) as error:
                failures.append(Failure(sample.image, str(error).removeprefix(f"{sample.image}: ")))
                continue
            part = sample.split if annotation else "unlabelled"
            lists[part].append(_write(sample, annotation, destination))
            if annotation and (annotation.contested_pixels or annotation.lost_objects):
                conflicts.append(Conflict(sample.name, annotation.contested_pixels, annotation.lost_objects))
        filled = {part: items for part, items in lists.items() if items}
        if not filled:
            raise ValueError(f"nothing of {source} could be imported:\n" + "\n".join(map(str, failures)))
        heading = _heading(published, source) | _copied_tracks(tracks, destination)
        write_text(destination / _DATASET, json.dumps({**heading, **filled}, indent=2) + "\n")
    imported = {part: len(items) for part, items in filled.items()}
    return ImportReport(destination / _DATASET, imported, tuple(failures), tuple(conflicts))


def _check_folders(source: Path, destination: Path) -> None:
    if not source.is_dir():
        raise FileNotFoundError(f"the source {source} is no folder; unpack the published archive there")
    if (destination / _DATASET).exists():
        raise FileExistsError(f"{destination} already holds a {_DATASET}; give another destination")
    if destination.exists() and destination.samefile(source):
        raise ValueError(f"source and destination are both {source}; give another destination")


def _check_name(name: str, taken: set[str]) -> None:
    if _NOT_IN_FILE_NAMES & set(name):
        raise ValueError(f'{name!r} cannot name files on every system; rename it without / \\ : * ? " < > |')
    if name.casefold() in taken:
        raise ValueError(f"another image is already named {name!r}; rename one of them")
    taken.add(name.casefold())


def _annotation(sample: Sample) -> Annotation | None:
    """Read the image, which also shows that it can be read, and the labels in its size."""
    picture = read_picture(sample.image)
    channels = picture.channel_first().shape[0]
    if "Z" in picture.axes or channels != (sample.channels or channels):
        raise ValueError(f"is a volume or a stack of shape {picture.stored_shape}; only planes are imported")
    columns, rows = picture.size
    return sample.annotate((rows, columns)) if sample.annotate else None


def _names(sample: Sample) -> tuple[str, str]:
    return f"images/{sample.name}{sample.image.suffix}", f"labels/{sample.name}.tif"


def _write(sample: Sample, annotation: Annotation | None, destination: Path) -> dict[str, str]:
    image, label = _names(sample)
    with written_whole(destination / image) as part:
        shutil.copyfile(sample.image, part)
    item = {"image": image}
    if annotation:
        with written_whole(destination / label) as part:
            tifffile.imwrite(part, annotation.label_map, compression="zlib", photometric="minisblack")
        item["label"] = label
    if sample.group:
        item["group"] = sample.group
    if sample.modality:
        item["modality"] = sample.modality
    return item


def _heading(published: Layout, source: Path) -> dict[str, Any]:
    heading: dict[str, Any] = {"name": source.resolve().name, "description": published.description}
    if published.licence:
        heading["licence"] = published.licence
    if published.class_names:
        heading["labels"] = {str(code): name for code, name in sorted(published.class_names(source).items())}
    return heading


def _track_name(sequence: str, file: Path) -> str:
    return f"tracks/{sequence}/{file.name}"


def _copied_tracks(tracks: Mapping[str, list[Path]], destination: Path) -> dict[str, Any]:
    for sequence, files in tracks.items():
        for file in files:
            with written_whole(destination / _track_name(sequence, file)) as part:
                shutil.copyfile(file, part)
    return {"tracks": {sequence: f"tracks/{sequence}" for sequence in sorted(tracks)}} if tracks else {}
