"""Which images to annotate next: the most uncertain ones, or those least like the others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.data import read_label_map, read_pixels
from cellseg_monai.data.datalist import Item, file_of
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.metrics import pixel_counts, pixel_scores
from cellseg_monai.studies.bundle_options import options_of_trained
from cellseg_monai.studies.recipe import Recipe

WAYS = ("first", "uncertain", "diverse")
BANDS = 16


def choose(
    way: str, items: Sequence[Item], count: int, recipe: Recipe, weights: Path, folder: Path
) -> list[Item]:
    """Choose images to annotate, without looking at their labels.

    Args:
        way: "first": the first images of the list, as published. "uncertain": the images whose prediction
            changes most when the image is rotated and flipped. "diverse": images that differ as much as
            possible from those already chosen.
        items: images to choose from.
        count: number of images to choose.
        recipe: bundle and options of the model's training.
        weights: file of the model's weights.
        folder: folder for the predictions.

    Raises:
        ValueError: If the way is unknown.

    Example:
        >>> choose("first", [{"image": "a.tif"}, {"image": "b.tif"}], 1, Recipe(Path()), Path(), Path())
        [{'image': 'a.tif'}]
    """
    if way not in WAYS:
        raise ValueError(f"way={way!r} must be one of {', '.join(WAYS)}")
    if way == "first":
        return list(items[:count])
    if way == "uncertain":
        doubt = np.array(disagreement(items, recipe, weights, folder))
        order = np.argsort(-doubt, kind="stable").tolist()
    else:
        order = farthest_first(np.stack([texture(read_pixels(file_of(item))) for item in items]), count)
    return [items[index] for index in order[:count]]


def disagreement(items: Sequence[Item], recipe: Recipe, weights: Path, folder: Path) -> list[float]:
    """Return 1 − Dice of the foreground predicted for each image, and for the mean of its eight orientations.

    Args:
        items: images to predict.
        recipe: bundle and options of the model's training.
        weights: file of the model's weights.
        folder: folder for the predictions.

    Returns:
        One value per image; 1 if both predictions are empty, since such an image is worth a look.
    """
    files = [file_of(item) for item in items]
    options = options_of_trained(recipe.bundle, weights, recipe.options)
    plain, turned = (
        predict(recipe.bundle, files, folder / name, tta=name == "turned", options=options)
        for name in ("plain", "turned")
    )
    pairs = zip(map(read_label_map, plain), map(read_label_map, turned), strict=True)
    return [1 - float(pixel_scores(pixel_counts(*pair), empty=0.0).dice[0]) for pair in pairs]


def texture(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return what an image looks like: quantiles of the intensity, and power by spatial frequency.

    Args:
        pixels: image of any bit depth, with channels last if there are several.

    Returns:
        Vector of 32 values.

    Example:
        >>> texture(np.eye(64)).shape
        (32,)
    """
    grey = np.asarray(pixels, float)
    grey = grey.mean(axis=2) if grey.ndim == 3 else grey
    quantiles = np.quantile(grey, np.linspace(0, 1, BANDS)) / max(float(np.abs(grey).max()), 1e-12)
    power = np.abs(np.fft.rfft2((grey - grey.mean()) / (grey.std() + 1e-12))) ** 2 / grey.size
    rows, columns = (np.fft.fftfreq(grey.shape[0]), np.fft.rfftfreq(grey.shape[1]))
    frequency = np.hypot(rows[:, None], columns[None])
    band = np.digitize(frequency, np.geomspace(1 / 256, 0.5, BANDS - 1)).ravel()
    sums, counts = np.bincount(band, power.ravel(), BANDS), np.bincount(band, minlength=BANDS)
    return np.concatenate([quantiles, np.log1p(sums / np.maximum(counts, 1))])


def farthest_first(points: npt.NDArray[np.float64], count: int) -> list[int]:
    """Return indices of points, each the farthest from those before it; the first is closest to the mean.

    Args:
        points: one point per row.
        count: number of points to choose.

    Example:
        >>> farthest_first(np.array([[0.0], [4.0], [5.0], [12.0]]), 3)
        [2, 3, 0]
    """
    scaled = (points - points.mean(axis=0)) / (points.std(axis=0) + 1e-12)
    chosen = [int(np.argmin((scaled**2).sum(axis=1)))]
    distance = np.full(len(scaled), np.inf)
    while len(chosen) < min(count, len(scaled)):
        distance = np.minimum(distance, ((scaled - scaled[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(np.argmax(distance)))
    return chosen
