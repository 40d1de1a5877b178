"""The published layouts by name, and the conversion of a dataset from one of them to a plain one."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellseg_monai.data.layouts import annotations, bcss, challenges, ctc, livecell, monuseg, tools
from cellseg_monai.data.layouts.samples import Annotation, Failure, ImportReport, Layout, Sample
from cellseg_monai.data.layouts.writing import Writer, copy_whole, names_of
from cellseg_monai.data.pairing import require_no_dataset
from cellseg_monai.data.readers.formats import read_picture
from cellseg_monai.outputs import claim_outputs, write_text

LAYOUTS: Mapping[str, Layout] = {
    "annotations": Layout(annotations.samples),
    "bcss": Layout(bcss.samples, licence="CC0-1.0", class_names=bcss.class_names, outside=bcss.OUTSIDE),
    "bcss512": Layout(
        bcss.samples_512,
        licence="CC0-1.0",
        class_names=lambda source: bcss.PUBLISHED_CLASSES,
        outside=bcss.OUTSIDE,
    ),
    "cellpose": Layout(tools.cellpose),
    "ctc": Layout(ctc.samples, tracks=ctc.tracks),
    "dsb2018": Layout(challenges.dsb2018, licence="CC0-1.0"),
    "livecell": Layout(livecell.samples, licence="CC-BY-NC-4.0"),
    "monuseg": Layout(monuseg.samples, licence="CC-BY-NC-SA-4.0"),
    "neurips-cellseg": Layout(challenges.neurips_cellseg, licence="CC-BY-NC-ND-4.0"),
    "stardist": Layout(tools.stardist),
}
"""Layouts by name."""

_DATASET = "dataset.json"
_LISTS = ("training", "validation", "test", "unlabelled")
_NOT_IN_FILE_NAMES = frozenset('/\\:*?"<>|')


def find_layout(name: str) -> Layout:
    """Return the layout of a name.

    Raises:
        ValueError: there is no layout of this name. The message lists all layouts.

    Example:
        >>> find_layout("dsb2018").licence
        'CC0-1.0'
    """
    if name not in LAYOUTS:
        known = "\n".join(f"  {key}: {layout.description}" for key, layout in LAYOUTS.items())
        raise ValueError(f"there is no layout {name!r}; choose one of\n{known}")
    return LAYOUTS[name]


def import_dataset(
    layout: str, source: str | os.PathLike[str], destination: str | os.PathLike[str]
) -> ImportReport:
    """Convert a dataset from a published layout to a plain one.

    This writes ``images/<name>.*`` (unchanged), ``labels/<name>.tif`` (int32, compressed), ``tracks/`` if
    there are any and, last, ``dataset.json`` with the lists ``training``, ``validation``, ``test`` and
    ``unlabelled``. Classes of objects are written to ``classes/<name>.tif``. An interrupted import leaves no
    ``dataset.json`` and can be repeated.

    Args:
        layout: name of the published layout, see :data:`LAYOUTS`.
        source: folder of the unpacked published files.
        destination: folder to write, which is created if needed.

    Returns:
        Imported and rejected files. One unreadable file does not stop the others.

    Raises:
        ValueError: there is no such layout, or no file could be imported.
        FileNotFoundError: the source does not exist, or has no files in this layout.
        FileExistsError: the destination already has a dataset or images.

    Example:
        >>> import numpy as np, tempfile, tifffile
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
    if not source.is_dir():
        raise FileNotFoundError(f"the source {source} is not a folder; unpack the published archive there")
    if destination.exists() and destination.samefile(source):
        raise ValueError(f"source and destination are both {source}; choose another destination")
    require_no_dataset(destination)
    found = list(published.samples(source))  # all, because the destination may be inside the source
    if not found:
        raise FileNotFoundError(f"{source} has no files in the layout {layout!r}:\n\n{published.form}")
    samples, failures = _with_valid_names(found)
    tracks = {f"tracks/{name}": file for name, file in published.tracks(source).items()}
    targets = [_DATASET, *(name for sample in samples for name in names_of(sample)), *tracks]
    lists: dict[str, list[dict[str, str]]] = {part: [] for part in _LISTS}
    writer = Writer(destination)
    with claim_outputs(destination, "import", targets, [sample.image for sample in samples]):
        for sample in samples:
            try:
                annotation = _annotation(sample)
            except (OSError, ValueError) as error:
                failures.append(Failure(sample.image, str(error).removeprefix(f"{sample.image}: ")))
                continue
            lists[sample.split if annotation else "unlabelled"].append(writer.write(sample, annotation))
        filled = {part: items for part, items in lists.items() if items}
        if not filled:
            raise ValueError(f"no file of {source} could be imported:\n" + "\n".join(map(str, failures)))
        for target, file in tracks.items():
            copy_whole(file, destination / target)
        heading = _heading(published, source, tracks, writer.class_codes)
        write_text(destination / _DATASET, json.dumps({**heading, **filled}, indent=2) + "\n")
    codes = () if published.outside is None else sorted(writer.values)
    return ImportReport(
        destination / _DATASET,
        {part: len(items) for part, items in filled.items()},
        tuple(failures),
        tuple(writer.conflicts),
        {code: "ignore" if code == published.outside else code for code in codes},
        dict(sorted(writer.origins.items())),
        writer.objects,
        tuple(writer.notes),
    )


def _with_valid_names(found: list[Sample | Failure]) -> tuple[list[Sample], list[Failure]]:
    """Sort the samples by name, and turn those with invalid or repeated names into failures."""
    failures = [item for item in found if isinstance(item, Failure)]
    valid: dict[str, Sample] = {}
    for sample in sorted((item for item in found if isinstance(item, Sample)), key=lambda item: item.name):
        if _NOT_IN_FILE_NAMES & set(sample.name):
            reason = f'{sample.name!r} is not a valid file name on every system; avoid / \\ : * ? " < > |'
        elif valid.setdefault(sample.name.casefold(), sample) is not sample:
            reason = f"another image already has the name {sample.name!r}; rename one of them"
        else:
            continue
        failures.append(Failure(sample.image, reason))
    return list(valid.values()), failures


def _annotation(sample: Sample) -> Annotation | None:
    """Read the image, which also shows that it is readable, and its labels."""
    picture = read_picture(sample.image)
    channels = picture.channel_first().shape[0]
    if "Z" in picture.axes or channels != (sample.channels or channels):
        raise ValueError(f"is a volume or stack of shape {picture.stored_shape}; only planes are imported")
    columns, rows = picture.size
    return sample.annotate((rows, columns)) if sample.annotate else None


def _heading(
    published: Layout, source: Path, tracks: Mapping[str, Path], class_codes: Mapping[str, int]
) -> dict[str, Any]:
    names = published.class_names(source)
    folders = sorted({Path(target).parent for target in tracks})
    heading = {
        "name": source.resolve().name,
        "description": published.description,
        "licence": published.licence,
        "labels": {str(code): name for code, name in sorted(names.items())},
        "classes": {str(code): name for name, code in class_codes.items()},
        "tracks": {folder.name: folder.as_posix() for folder in folders},
    }
    return {key: value for key, value in heading.items() if value}
