"""Which images to annotate next: those that the model is least sure of, or those least like the others."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.data import read_label_map, read_pixels
from cellseg_monai.data.datalist import Item, file_of
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.studies.options import inference_options

WAYS = ("first", "uncertain", "diverse")
BANDS = 16


def choose(
    way: str,
    items: Sequence[Item],
    count: int,
    bundle: Path,
    weights: Path,
    folder: Path,
    options: Mapping[str, Any],
) -> list[Item]:
    """Choose images to annotate; their labels are not looked at.

    Args:
        way: "first" n in the order of the list, as published; "uncertain", where the model's answers to the
            turned image agree least with its answer to the image; "diverse", each as unlike the chosen ones
            as can be.
        items: to choose from.
        count: how many.
        bundle: of the model.
        weights: of the model.
        folder: for what the model says of the images.
        options: of the bundle, by id.

    Raises:
        ValueError: the way is not known.

    Example:
        >>> choose("first", [{"image": "a.tif"}, {"image": "b.tif"}], 1, Path(), Path(), Path(), {})
        [{'image': 'a.tif'}]
    """
    if way not in WAYS:
        raise ValueError(f"way={way!r} must be one of {', '.join(WAYS)}")
    if way == "first":
        return list(items[:count])
    if way == "uncertain":
        doubt = disagreement(items, bundle, weights, folder, options)
        order = sorted(range(len(items)), key=lambda index: -doubt[index])
    else:
        order = farthest_first(np.stack([texture(read_pixels(file_of(item))) for item in items]), count)
    return [items[index] for index in order[:count]]


def disagreement(
    items: Sequence[Item], bundle: Path, weights: Path, folder: Path, options: Mapping[str, Any]
) -> list[float]:
    """1 − Dice of what the model calls cell in an image, and in the mean over its eight orientations."""
    said = []
    for tta in (False, True):
        labels = predict(
            bundle,
            [file_of(item) for item in items],
            folder / ("turned" if tta else "plain"),
            tta=tta,
            options=inference_options(bundle, weights, options),
        )
        said.append([read_label_map(label) > 0 for label in labels])
    return [
        1 - 2 * float((plain & turned).sum()) / max(1, int(plain.sum() + turned.sum()))
        for plain, turned in zip(*said, strict=True)
    ]


def texture(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """What an image looks like, whatever it shows: quantiles of its intensity and power by fineness.

    Args:
        pixels: of any depth, channels last if there are any.

    Returns:
        A vector of 32 numbers.

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
    """Places of points, each the farthest from those before it; the first is the one in the middle.

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
