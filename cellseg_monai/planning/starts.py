"""Which weights to start from: the models that come with the package, tried on a few labelled crops."""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor

from cellseg_monai.data import read_label_map
from cellseg_monai.data.datalist import Item
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics import instance_counts, instance_scores, pixel_counts, pixel_scores
from cellseg_monai.planning.facts import Masks
from cellseg_monai.runtime.finding import find_inference, known_bundles
from cellseg_monai.runtime.overrides import literal_options
from cellseg_monai.runtime.settings import WEIGHTS, kept_settings
from cellseg_monai.training import load_pretrained

logger = logging.getLogger(__name__)

CROPS = 3
SIDE = 384
"""Number of crops, and their largest side in pixels of the image."""

FINALISTS = 2
"""Number of models that are tried on all crops and at all scales, after one crop at one scale."""

SLOW = 4.0
"""A model that takes this many times longer than the fastest one is no start: there would be few steps."""

SCALES = (0.7, 1.0, 1.4)
"""Scales to try, relative to the one at which the median cell has the size that networks see best."""


class Trial(NamedTuple):
    """Score of a model at a scale.

    Attributes:
        model: folder of a bundle.
        scale: scale of the image for the network.
        score: F1 at an IoU of 0.5, or Dice for binary masks; the mean over the crops.
        seconds: seconds for a megapixel of the image.

    Example:
        >>> print(Trial(Path("bundles/skip_unet"), 0.5, 0.71, 1.2))
        skip_unet at scale 0.5: 0.710
    """

    model: Path
    scale: float
    score: float
    seconds: float

    def __str__(self) -> str:
        return f"{self.model.name} at scale {self.scale:g}: {self.score:.3f}"


def try_models(
    items: Sequence[Item],
    masks: Masks,
    scale: float,
    *,
    models: Sequence[Path] | None = None,
    seconds: float = 60.0,
) -> list[Trial]:
    """Try models on crops of labelled images, the best first.

    Each model is tried on one crop, the small ones first; the best two of those that are fast enough to
    train then on all crops and at other scales.

    Args:
        items: labelled images.
        masks: what the masks hold; models of cells are not tried on classes.
        scale: scale that suits the size of the cells.
        models: folders of bundles with weights; by default those of the package.
        seconds: time after which no further trial begins.

    Example:
        >>> try_models([{"image": "a.tif", "label": "b.tif"}], "classes", 1.0)
        []
    """
    if masks == "classes":
        return []
    ends = time.monotonic() + seconds
    folders = list(known_bundles().values()) if models is None else list(models)
    weights = sorted(filter(Path.is_file, (folder / WEIGHTS for folder in folders)), key=_size)
    crops = list(_crops(items))
    first = _in_time(ends, ((file.parents[1], scale, crops[:1], masks) for file in weights))
    fastest = min((trial.seconds for trial in first), default=0.0)
    first = sorted((trial for trial in first if trial.seconds <= SLOW * fastest), key=_by_score)
    others = {round(min(1.0, scale * factor), 2) for factor in SCALES}
    further = _in_time(
        ends, ((trial.model, one, crops, masks) for trial in first[:FINALISTS] for one in sorted(others))
    )
    return sorted(further or first, key=_by_score)


def _in_time(ends: float, trials: Iterable[tuple[Path, float, Sequence["_Crop"], Masks]]) -> list[Trial]:
    """Results of the trials that begin in time."""
    return [_trial(*each) for each in trials if time.monotonic() < ends]


def _size(file: Path) -> int:
    return file.stat().st_size


def _by_score(trial: Trial) -> float:
    return -trial.score


class _Crop(NamedTuple):
    image: str
    region: tuple[slice, slice]
    truth: LabelMap


def _crops(items: Sequence[Item]) -> Iterator[_Crop]:
    """Of a few images, the region whose share of foreground is closest to that of the whole image."""
    for index in np.unique(np.linspace(0, len(items) - 1, CROPS).round().astype(int)):
        labels = read_label_map(items[index]["label"])
        rows, columns = (min(SIDE, side) for side in labels.shape)
        corners = [
            (row, column)
            for row in {0, (labels.shape[0] - rows) // 2, labels.shape[0] - rows}
            for column in {0, (labels.shape[1] - columns) // 2, labels.shape[1] - columns}
        ]
        regions = [(slice(row, row + rows), slice(column, column + columns)) for row, column in corners]
        wanted = float((labels > 0).mean())
        region = min(regions, key=lambda each: abs(float((labels[each] > 0).mean()) - wanted))
        yield _Crop(items[index]["image"], region, labels[region])


def _trial(folder: Path, scale: float, crops: Sequence[_Crop], masks: Masks) -> Trial:
    read, network, inferer, decode = _parts(
        folder, at_scale(kept_settings(folder / WEIGHTS), scale) | {"tta": False}
    )
    scores, pixels, seconds = [], 0, 0.0
    for crop in crops:
        image = read({"image": crop.image})["image"].as_tensor()
        columns, rows = crop.region[1], crop.region[0]
        part = image[:, columns, rows].contiguous()  # MONAI's order of axes is x, y
        began = time.monotonic()
        with torch.inference_mode():
            logits = inferer(part[None], network)[0]
        found = decode({"pred": MetaTensor(logits)})["pred"]
        seconds += time.monotonic() - began
        pixels += crop.truth.size
        scores.append(_score(masks, np.asarray(found[0]).T.astype(np.int32), crop.truth))
    return Trial(folder, scale, float(np.mean(scores)), 1e6 * seconds / pixels)


def at_scale(settings: Mapping[str, Any], scale: float) -> dict[str, Any]:
    """Settings of weights for another scale: windows and cells keep their size for the network.

    Example:
        >>> at_scale({"scale": 0.5, "patch_size": 256, "window": "auto", "min_size": 20}, 1.0)
        {'scale': 1.0, 'patch_size': 128, 'window': 'auto', 'min_size': 5}
    """
    ratio = settings["scale"] / scale
    window = settings["window"]
    return {
        "scale": scale,
        "patch_size": round(settings["patch_size"] * ratio),
        "window": round(window * ratio) if isinstance(window, int) else window,
        "min_size": round(settings["min_size"] * ratio**2),
    }


def _parts(folder: Path, options: Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
    """Preprocessing, network with its weights, inferer and decoding of a bundle."""
    inference = find_inference(folder, options)
    parser = ConfigParser(ConfigParser.load_config_files(inference.files))
    given = {"bundle_root": str(inference.bundle), "settings#given": list(inference.options)}
    for name, value in literal_options(given | inference.options).items():
        parser[name] = value
    parts = (parser.get_parsed_content(name) for name in ("preprocessing", "network", "inferer", "decoding"))
    read, network, inferer, decoding = parts
    load_pretrained(network, str(parser.get_parsed_content("weights")))
    return read, network.eval(), inferer, decoding


def _score(masks: Masks, found: LabelMap, truth: LabelMap) -> float:
    if masks == "binary":
        return float(pixel_scores(pixel_counts(found, truth)).dice[0])
    return float(instance_scores(instance_counts(found, truth, 0.5)).f1[0])
