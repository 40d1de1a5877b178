"""Which weights to start from: the models that come with the package, tried on a few labelled crops."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cellseg_monai.data.datalist import Item
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics import instance_counts, instance_scores, pixel_counts, pixel_scores
from cellseg_monai.planning.crops import Crop, labelled_crops, segment
from cellseg_monai.planning.facts import Masks
from cellseg_monai.runtime.finding import METADATA, known_bundles
from cellseg_monai.runtime.settings import WEIGHTS, kept_settings

Labelled = tuple[Crop, LabelMap]

FINALISTS = 2
"""Number of models that are tried on all crops and at all scales, after one crop at one scale."""

SLOW = 4.0
"""A model that takes this many times longer than the fastest one is no start: there would be few steps."""

CLOSE = 0.02
"""Difference of two scores that a few crops cannot tell apart."""

SCALES = (0.7, 1.0, 1.4)
"""Scales to try, relative to the one at which the median cell has the size that networks see best."""


class Trial(NamedTuple):
    """Score of a model at a scale.

    Attributes:
        model: folder of a bundle.
        scale: scale of the image for the network.
        score: F1 at an IoU of 0.5, or Dice for binary masks; the mean over the crops.
        seconds: seconds for a megapixel of the image.
        learned: number of images that the model has learned from.

    Example:
        >>> print(Trial(Path("bundles/skip_unet"), 0.5, 0.71, 1.2))
        skip_unet at scale 0.5: 0.710
    """

    model: Path
    scale: float
    score: float
    seconds: float
    learned: int = 0

    def __str__(self) -> str:
        return f"{self.model.name} at scale {self.scale:g}: {self.score:.3f}"


def try_models(
    items: Sequence[Item],
    masks: Masks,
    scale: float,
    *,
    channels: int = 1,
    stains: bool = False,
    models: Sequence[Path] | None = None,
    seconds: float = 60.0,
    reading: Mapping[str, Any] | None = None,
) -> list[Trial]:
    """Try models on crops of labelled images, the best first; see :func:`safest_first`.

    Each model is tried on one crop, the small ones first; the best two of those that are fast enough to
    train then on all crops and at other scales.

    Args:
        items: labelled images.
        masks: what the masks hold; models of cells are not tried on classes.
        scale: scale that suits the size of the cells.
        channels: channels of the images; models that cannot read so many are not tried.
        stains: whether the channels are stains, which are not converted between grey and colour.
        models: folders of bundles with weights; by default those of the package.
        seconds: time after which no further trial begins.
        reading: what to read of the images, by the ids of a configuration.

    Example:
        >>> try_models([{"image": "a.tif", "label": "b.tif"}], "classes", 1.0)
        []
    """
    if masks == "classes":
        return []
    ends = time.monotonic() + seconds
    crops = labelled_crops(items)
    fitting = trained_models(models, channels, stains)
    first = _in_time(ends, ((model, scale, crops[:1], masks) for model in fitting), reading)
    fastest = min((trial.seconds for trial in first), default=0.0)
    first = sorted((trial for trial in first if trial.seconds <= SLOW * fastest), key=_by_score)
    finalists = ((trial.model, kept_settings(trial.model / WEIGHTS)) for trial in first[:FINALISTS])
    tries = ((model, one, crops, masks) for model, kept in finalists for one in scales_around(scale, kept))
    further = _in_time(ends, tries, reading)
    return safest_first(sorted(further or first, key=_by_score))


def safest_first(trials: list[Trial]) -> list[Trial]:
    """Put one of those first that are as good as the best.

    It is the one at the largest scale, as borders are more exact there. Of models at one scale it is the one
    that has learned from the most images: it may know more than these crops show, and a model that has
    learned from few images may be the best here only because it knows these.

    Example:
        >>> trials = [Trial(Path("a"), 0.33, 0.914, 1.0), Trial(Path("b"), 0.66, 0.901, 1.0)]
        >>> [trial.model.name for trial in safest_first(trials)]
        ['b', 'a']
        >>> trials = [Trial(Path("a"), 1.0, 0.925, 1.0, 16), Trial(Path("b"), 1.0, 0.908, 1.0, 529)]
        >>> [trial.model.name for trial in safest_first(trials)]
        ['b', 'a']
    """
    close = [trial for trial in trials if trial.score > trials[0].score - CLOSE]
    first = max(close, key=lambda trial: (trial.scale, trial.learned), default=None)
    return [] if first is None else [first, *(trial for trial in trials if trial is not first)]


def _in_time(
    ends: float,
    trials: Iterable[tuple[Path, float, Sequence[Labelled], Masks]],
    reading: Mapping[str, Any] | None,
) -> list[Trial]:
    """Results of the trials that begin in time."""
    return [try_model(*each, reading=reading) for each in trials if time.monotonic() < ends]


def trained_models(
    models: Sequence[Path] | None = None, channels: int = 1, stains: bool = False
) -> list[Path]:
    """Those bundles that have weights for images of so many channels, the small ones first.

    Args:
        models: folders of bundles; by default those of the package.
        channels: channels of the images; grey and colour images are converted to each other.
        stains: whether the channels are stains, which are not converted.
    """
    folders = known_bundles().values() if models is None else models
    trained = (folder for folder in folders if (folder / WEIGHTS).is_file())
    fitting = (
        folder
        for folder in trained
        if _reads(kept_settings(folder / WEIGHTS)["in_channels"], channels, stains)
    )
    return sorted(fitting, key=lambda folder: (folder / WEIGHTS).stat().st_size)


def _reads(own: int, channels: int, stains: bool) -> bool:
    return own == channels or (not stains and {own, channels} == {1, 3})


def scales_around(scale: float, settings: Mapping[str, Any]) -> list[float]:
    """Scales to try around the one that suits the median cell, and that of the training if it is near.

    A network that finds the scale has the image as it is.

    Args:
        scale: scale that suits the median cell.
        settings: settings of the weights.

    Example:
        >>> scales_around(0.5, {"scale": 0.4}), scales_around(1.0, {"scale": 0.25})
        ([0.35, 0.4, 0.5, 0.7], [0.7, 1.0])
        >>> scales_around(0.5, {"scale": 1.0, "diameter": 24})
        [1.0]
    """
    if finds_scale(settings):
        return [1.0]
    around = {round(min(1.0, scale * factor), 2) for factor in SCALES}
    own = settings.get("scale", scale)
    near = min(SCALES) * scale <= own <= max(SCALES) * scale
    return sorted(around | ({own} if near else set()))


def finds_scale(settings: Mapping[str, Any]) -> bool:
    """Whether weights with these settings find the scale of each image themselves."""
    return "diameter" in settings


def _by_score(trial: Trial) -> float:
    return -trial.score


def try_model(
    folder: Path,
    scale: float,
    crops: Sequence[Labelled],
    masks: Masks,
    *,
    plain: bool = True,
    reading: Mapping[str, Any] | None = None,
) -> Trial:
    """Score a model at a scale on labelled crops.

    Args:
        folder: folder of a bundle.
        scale: scale of the image for the network.
        crops: crops with their truth.
        masks: what the masks hold.
        plain: whether to leave out the mean over turns, which takes eight times as long.
        reading: what to read of the images, by the ids of a configuration.
    """
    kept = kept_settings(folder / WEIGHTS)
    options = at_scale(kept, scale) | ({"tta": False} if plain else {})
    found = segment(folder, options | dict(reading or {}), [crop for crop, _ in crops])
    scores = [score(masks, cells, truth) for cells, (_, truth) in zip(found.cells, crops, strict=True)]
    metadata = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    at, learned = 1.0 if finds_scale(kept) else scale, metadata.get("training_images", 0)
    return Trial(folder, at, float(np.mean(scores)), found.seconds, learned)


def at_scale(settings: Mapping[str, Any], scale: float) -> dict[str, Any]:
    """Settings of weights for another scale: windows and cells keep their size for the network.

    Nothing changes for a network that finds the scale.

    Example:
        >>> at_scale({"scale": 0.5, "patch_size": 256, "window": "auto", "min_size": 20}, 1.0)
        {'scale': 1.0, 'patch_size': 128, 'window': 'auto', 'min_size': 5}
    """
    if finds_scale(settings):
        return {}
    ratio = settings["scale"] / scale
    window = settings["window"]
    return {
        "scale": scale,
        "patch_size": round(settings["patch_size"] * ratio),
        "window": round(window * ratio) if isinstance(window, int) else window,
        "min_size": round(settings["min_size"] * ratio**2),
    }


def score(masks: Masks, found: LabelMap, truth: LabelMap) -> float:
    """F1 at an IoU of 0.5, or Dice for binary masks."""
    if masks == "binary":
        return float(pixel_scores(pixel_counts(found, truth)).dice[0])
    return float(instance_scores(instance_counts(found, truth, 0.5)).f1[0])
