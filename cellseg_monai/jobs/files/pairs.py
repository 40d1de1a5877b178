"""Predictions and the true label maps that they belong to."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from cellseg_monai.data import label_files, labelled, list_items, pair_folder
from cellseg_monai.data.datalist import as_list, part_of_name
from cellseg_monai.jobs.files.inputs import find_label_maps
from cellseg_monai.jobs.files.names import same_name
from cellseg_monai.outputs import StrPath


class Pair(NamedTuple):
    """Files of one image to score.

    Attributes:
        name: name of the image.
        truth: file of the true label map.
        prediction: file of the predicted label map, None if it is missing.
        image: file of the image, None if only masks were given.
        modality: kind of microscopy, empty if the dataset does not state it.
    """

    name: str
    truth: Path
    prediction: Path | None = None
    image: Path | None = None
    modality: str = ""

    def of_modality(self, pattern: str) -> "Pair":
        """Return the pair with the modality that a pattern finds in the name."""
        item = {"name": self.name, "image": self.truth}
        return self._replace(modality=part_of_name(pattern, item, "modality"))


class Pairs(NamedTuple):
    """All images to score.

    Attributes:
        scored: one pair for each true label map.
        without_truth: predictions without a true label map of their name.
    """

    scored: list[Pair]
    without_truth: list[Path]


def pair_files(
    pred: StrPath, truth: StrPath, section: str = "training", modality: str | None = None
) -> Pairs:
    """Find the prediction of each true label map by its name, in any format.

    Args:
        pred: folder of predicted label maps.
        truth: dataset as in :func:`~cellseg_monai.data.list_items`, or folder of label maps without images.
        section: section of a JSON file or table.
        modality: regular expression that finds the modality in a name, where the dataset does not state it.

    Returns:
        One :class:`Pair` for each true label map, in the order of the truth.

    Raises:
        ValueError: no prediction has the name of a true label map, or two have the same name.
    """
    wanted = _true_files(Path(truth), section, modality)
    predictions = label_files(pred)
    often = Counter(Path(pair.name).name for pair in wanted)
    scored = []
    for pair in wanted:
        found = same_name(pair.name, predictions)  # sub-folders may differ if the rest is unique
        unique = found == [pair.name] or (len(found) == 1 == often[Path(pair.name).name])
        scored.append(pair._replace(prediction=predictions[found[0]] if unique else None))
    used = {pair.prediction for pair in scored}
    if used <= {None}:
        there = f"such as {next(iter(predictions))!r}" if predictions else "as it holds no label map"
        raise ValueError(
            f"{pred}: no prediction has the name of a true label map, {there}; "
            f"the truth {truth} has names such as {scored[0].name!r}"
        )
    return Pairs(scored, [path for path in predictions.values() if path not in used])


def _true_files(truth: Path, section: str, modality: str | None) -> list[Pair]:
    if not _is_dataset(truth):
        pairs = [Pair(name, path) for name, path in find_label_maps([truth]).items()]
        return pairs if modality is None else [pair.of_modality(modality) for pair in pairs]
    return [
        Pair(
            item["name"],
            _one_file(item["label"]),
            image=_one_file(item["image"]),
            modality=item.get("modality", ""),
        )
        for item in labelled(list_items(truth, section, recursive=True, modality=modality))
    ]


def _is_dataset(truth: Path) -> bool:
    """Whether there are images with their masks, and not only masks."""
    if not truth.is_dir() or (truth / "dataset.json").is_file():
        return True
    return any(mask is not None for _, _, mask in pair_folder(truth, recursive=True).pairs)


def _one_file(path: str | list[str]) -> Path:
    files = as_list(path)
    if len(files) > 1:
        raise ValueError(f"{', '.join(files)}: an image of several files cannot be scored; merge the files")
    return Path(files[0])
