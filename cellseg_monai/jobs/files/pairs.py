"""Which prediction belongs to which truth."""

import re
from collections import Counter
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from cellseg_monai.data import label_files, labelled, list_items, pair_folder


class Pair(NamedTuple):
    """The files of one image to score.

    Attributes:
        name: of the image.
        truth: file of the true label map.
        prediction: file of the predicted one, None if there is none.
        image: file of the image itself, None if only masks were given.
        modality: kind of microscopy, empty if the dataset does not name it.
    """

    name: str
    truth: Path
    prediction: Path | None
    image: Path | None
    modality: str


class Pairs(NamedTuple):
    """All images to score.

    Attributes:
        scored: one for each true label map.
        without_truth: predictions that no true label map has the name of.
    """

    scored: list[Pair]
    without_truth: list[Path]


def pair_files(
    pred: str | PathLike[str],
    truth: str | PathLike[str],
    section: str = "training",
    modality: str | None = None,
) -> Pairs:
    """Find the prediction of each true label map by its name, whatever the formats.

    Args:
        pred: folder of predicted label maps.
        truth: a dataset as :func:`~cellseg_monai.data.list_items` takes it, or a folder of label maps alone.
        section: which part of a truth that is a JSON file or a table.
        modality: regular expression that finds the modality in a name, where the dataset does not state it.

    Returns:
        One :class:`Pair` a true label map, in the order of the truth.

    Raises:
        ValueError: no prediction has the name of any true label map, or two have one name.
    """
    wanted = _true_files(Path(truth), section, modality)
    predictions = label_files(pred)
    by_last = _unique_last_parts(predictions, wanted)
    scored = []
    for pair in wanted:
        key = pair.name if pair.name in predictions else by_last.get(pair.name.split("/")[-1])
        scored.append(pair._replace(prediction=predictions.pop(key) if key in predictions else None))
    if all(pair.prediction is None for pair in scored):
        there = f"such as {next(iter(predictions))!r}" if predictions else "as it holds no label map"
        raise ValueError(
            f"{pred}: no prediction has the name of a true label map, {there}; "
            f"the truth {truth} has names such as {scored[0].name!r}"
        )
    return Pairs(scored, list(predictions.values()))


def _true_files(truth: Path, section: str, modality: str | None) -> list[Pair]:
    if _is_dataset(truth):
        items = labelled(list_items(truth, section, recursive=True, modality=modality))
        return [
            Pair(
                item["name"],
                _one_file(item["label"]),
                None,
                _one_file(item["image"]),
                item.get("modality", ""),
            )
            for item in items
        ]
    found = label_files(truth)
    if not found:
        raise ValueError(f"{truth}: there is no label map here")
    return [Pair(name, path, None, None, _found(modality, name)) for name, path in found.items()]


def _is_dataset(truth: Path) -> bool:
    """Whether there are images with their masks, and not masks alone."""
    if not truth.is_dir() or (truth / "dataset.json").is_file():
        return True
    return any(mask is not None for _, _, mask in pair_folder(truth, recursive=True).pairs)


def _one_file(path: str | list[str]) -> Path:
    if isinstance(path, list):
        raise ValueError(f"{', '.join(path)}: an image of several files cannot be scored; join them in one")
    return Path(path)


def _found(pattern: str | None, name: str) -> str:
    if pattern is None:
        return ""
    found = re.search(pattern, name)
    if found is None:
        raise ValueError(f"the modality pattern {pattern!r} finds nothing in {name!r}")
    return found[1] if found.re.groups else found[0]


def _unique_last_parts(predictions: dict[str, Path], wanted: list[Pair]) -> dict[str, str]:
    """Predictions by file name alone, where that is clear: sub-folders may differ on the two sides."""
    last = Counter(name.split("/")[-1] for name in predictions)
    true_last = Counter(pair.name.split("/")[-1] for pair in wanted)
    exact = {pair.name for pair in wanted}
    return {
        part: name
        for name in predictions
        if name not in exact and last[part := name.split("/")[-1]] == 1 == true_last[part]
    }
