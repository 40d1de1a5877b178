"""Rounds of annotation: train again from the last bundle, and choose the image to annotate next."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellseg_monai.data.datalist import Item
    from cellseg_monai.outputs import StrPath
    from cellseg_monai.planning import Trained

COMPARED = 12
"""Number of images among which the next one is chosen; more would take too long on a CPU."""

_NUMBERED = re.compile(r"bundle_(\d+)")
_WEIGHTS = Path("models/model.pt")
_VALIDATION_SHARE = 0.2
_WORTH_CORRECTING = 0.4


def train_round(
    dataset: "StrPath",
    bundles: "StrPath",
    *,
    minutes: float,
    report: Callable[[str], None],
) -> "Trained":
    """Train with the labelled images of a dataset into a new folder.

    The training starts from :func:`latest_bundle`; if there is none, the images decide. The validation images
    of that bundle remain validation images, since its weights were never trained with them. A fifth of all
    images are validation images.

    Args:
        dataset: folder with ``images/`` and ``masks/``; images without masks are left out.
        bundles: folder for ``bundle_1``, ``bundle_2`` and so on.
        minutes: duration of everything.
        report: function that is called with each line of progress; if it raises, the training ends.

    Raises:
        ValueError: there are fewer than two labelled images, or they cannot be trained on.
        RuntimeError: the training failed.

    Example:
        >>> train_round("nowhere", "bundles", minutes=8, report=print)
        Traceback (most recent call last):
        ...
        ValueError: nowhere: 0 labelled images, but a training needs at least 2; label more images and save...
    """
    from cellseg_monai.napari_plugin.pairs import labelled_images
    from cellseg_monai.outputs import write_text
    from cellseg_monai.outputs.counting import counted
    from cellseg_monai.planning import train

    items = labelled_images(dataset)
    if len(items) < 2:
        raise ValueError(
            f"{dataset}: {counted(len(items), 'labelled image')}, but a training needs at least 2; "
            "label more images and save their labels"
        )
    last = latest_bundle(bundles)
    parts = dict(zip(("training", "validation"), split_round(items, last), strict=True))
    numbers = [number for number, _ in _numbered(bundles)]
    out = Path(bundles) / f"bundle_{max(numbers, default=0) + 1}"
    with TemporaryDirectory() as folder:
        lists = {name: Path(folder) / f"{name}.json" for name in parts}
        for name, part in parts.items():
            write_text(lists[name], json.dumps({"training": part}))
        return train(
            lists["training"],
            out,
            start=None if last is None else str(last.resolve()),
            minutes=minutes,
            validation=lists["validation"],
            report=report,
        )


def latest_bundle(bundles: "StrPath") -> Path | None:
    """Return the last bundle of :func:`train_round` that is good enough to start from and to propose labels.

    Bundles of trainings that did not end are passed over, and those whose score on the validation images is
    below 0.4: there would be too much to correct.

    Args:
        bundles: folder of the bundles, which need not exist.

    Returns:
        Folder of the bundle; None if there is none.

    Example:
        >>> latest_bundle("nowhere") is None
        True
    """
    good = [folder for _, folder in _numbered(bundles) if _score(folder) >= _WORTH_CORRECTING]
    return good[-1] if good else None


def split_round(items: "Sequence[Item]", last: Path | None) -> "tuple[list[Item], list[Item]]":
    """Split labelled images into training and validation images, as the last training did.

    Args:
        items: labelled images.
        last: folder of the last bundle; None for the first training.

    Returns:
        Training images and validation images. New images become validation images until these are a fifth.

    Example:
        >>> [len(part) for part in split_round([{"image": f"{name}.tif"} for name in "abcde"], None)]
        [4, 1]
    """
    from cellseg_monai.data import split_items
    from cellseg_monai.data.datalist import listed_entries
    from cellseg_monai.planning.run import Run
    from cellseg_monai.planning.splits import MAIN

    if last is None:
        return split_items(items)
    run = Run(last, MAIN)
    trained = {item["image"] for item in run.learned}
    validated = {entry["image"] for _, entry in listed_entries(run.validation)["training"]}
    kept = [item for item in items if item["image"] in validated]
    new = [item for item in items if item["image"] not in trained | validated]
    missing = max(1, round(_VALIDATION_SHARE * len(items))) - len(kept)
    chosen = {item["image"] for item in kept + new[: max(0, missing)]}
    if not 0 < len(chosen) < len(items):  # images of the last training are gone
        return split_items(items)
    return (
        [item for item in items if item["image"] not in chosen],
        [item for item in items if item["image"] in chosen],
    )


def least_sure(bundle: "StrPath", images: Sequence[Path]) -> list[Path]:
    """Sort images so that the one that a bundle is least sure about comes first.

    The measure is how much the prediction changes when the image is rotated and flipped.

    Args:
        bundle: folder of the bundle, with its weights.
        images: files of the images; if there are more than :data:`COMPARED`, so many of them are compared,
            spread evenly over the list.

    Returns:
        The images that were compared.

    Raises:
        ValueError: an image cannot be segmented.

    Example:
        >>> least_sure("bundles/unknown", [Path("a.tif")])
        [PosixPath('a.tif')]
    """
    import numpy as np

    from cellseg_monai.napari_plugin.segmenting import first_reason
    from cellseg_monai.studies import Recipe, choose

    spread = np.linspace(0, len(images) - 1, min(COMPARED, len(images))).round().astype(int)
    compared = [images[index] for index in spread]
    if len(compared) < 2:
        return compared
    items = [{"image": str(file)} for file in compared]
    with TemporaryDirectory() as folder:
        recipe, weights = Recipe(Path(bundle)), Path(bundle) / _WEIGHTS
        with first_reason(f"{folder}/plain"):
            chosen = choose("uncertain", items, len(items), recipe, weights, Path(folder))
    return [Path(item["image"]) for item in chosen]


def _score(bundle: Path) -> float:
    """Score of the weights in a bundle; 0 if its training did not end."""
    from cellseg_monai.planning.candidates import Candidate
    from cellseg_monai.planning.result import RIVALS

    if not (bundle / _WEIGHTS).is_file():
        return 0.0
    record = json.loads((bundle / "plan.json").read_text(encoding="utf-8"))
    candidates = map(Candidate.from_record, record["candidates"])
    return max(candidate.score for candidate in candidates if candidate.name in RIVALS)


def _numbered(bundles: "StrPath") -> list[tuple[int, Path]]:
    found = ((_NUMBERED.fullmatch(folder.name), folder) for folder in Path(bundles).glob("bundle_*"))
    return sorted((int(match[1]), folder) for match, folder in found if match)
