"""The worst, the median and the best image of a run, with what became of their objects."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellseg_monai.data import read_label_map, read_pixels
from cellseg_monai.export.report import (
    Layer,
    base_picture,
    layered_figure,
    legend,
    mask_layer,
    note,
    object_layer,
)
from cellseg_monai.jobs.reporting.runs import Run
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics.fates import Fates, object_fates, pixel_fates
from cellseg_monai.metrics.mask_content import pieces_of_mask
from cellseg_monai.transforms import PercentileStretch

# Okabe and Ito's colours; kinds also differ by outline: errors are filled, the missed have a broken outline.
KINDS = {
    "truth": ("Truth", (255, 255, 255), False),
    "pred": ("Prediction", (230, 159, 0), False),
    "matched": ("Matched", (0, 158, 115), True),
    "missed": ("Missed", (213, 94, 0), True),
    "added": ("Added", (86, 180, 233), True),
    "split": ("Split", (240, 228, 66), True),
    "merged": ("Merged", (204, 121, 167), True),
}


def gallery(run: Run, metric: str, each: int = 3) -> str:
    """Draw the images with the lowest, the middle and the highest scores.

    Args:
        run: with scores and files.
        metric: to rank by.
        each: how many of each.

    Returns:
        HTML.
    """
    assert run.scores is not None
    if run.files is None:
        return note("The run does not tell where its images are, so none is drawn.")
    files = run.files.set_index("image")
    shown, failed = [], []
    for title, part in ranked(run.scores, metric, each).items():
        figures = []
        for row in part.to_dict("records"):
            try:
                lead = "" if each > 1 else f"{title}: "
                figures.append(_figure(lead, files.loc[row["image"]], row, metric, run.summary))
            except (OSError, ValueError, KeyError) as error:
                failed.append(f"{row['image']}: {error}")
        if figures and each > 1:
            shown.append(f'<h3>{title}</h3><div class="pictures">{"".join(figures)}</div>')
        else:
            shown += figures
    complaint = note("These images could not be drawn:", warning=True, items=failed) if failed else ""
    drawn = "".join(shown)
    return complaint + (drawn if each > 1 else f'<div class="pictures">{drawn}</div>')


def key_to_colours() -> str:
    """What the layers mean, and the buttons to switch them; once, before the galleries."""
    keys = [(key, name, f"rgb{colour}", on) for key, (name, colour, on) in KINDS.items()]
    words = note(
        "Found objects are outlined, errors are filled. Missed: a true object without prediction. Added: a "
        "prediction without true object. Split: one true object in several predictions. Merged: several true "
        "objects in one. The buttons switch layers; in a picture, + and − zoom, arrow keys or the mouse move."
    )
    return words + legend(keys)


def ranked(scores: pd.DataFrame, metric: str, each: int) -> dict[str, pd.DataFrame]:
    """Rows of the worst, median and best images; none occurs twice.

    Example:
        >>> table = pd.DataFrame({"image": list("abcde"), "dice": [0.1, 0.9, 0.5, 0.7, 0.3]})
        >>> {title: rows.image.tolist() for title, rows in ranked(table, "dice", 1).items()}
        {'Worst': ['a'], 'Median': ['c'], 'Best': ['b']}
    """
    known = (
        scores[np.isfinite(scores[metric].to_numpy(float))]
        .sort_values([metric, "image"])
        .reset_index(drop=True)
    )
    each = min(each, max(1, len(known) // 3))
    worst = list(range(min(each, len(known))))
    best = [index for index in range(len(known) - each, len(known)) if index >= each]
    free = [index for index in range(len(known)) if index not in {*worst, *best}]
    start = max(0, (len(free) - each + 1) // 2)
    places = {"Worst": worst, "Median": free[start : start + each], "Best": best[::-1]}
    return {title: known.iloc[indices] for title, indices in places.items() if indices}


def _figure(lead: str, files: pd.Series, row: Mapping[Any, Any], metric: str, summary: dict[str, Any]) -> str:
    name = row["image"]
    truth, pred, fates, binary = compared(name, files, summary)
    told = _told(fates, binary)
    if not isinstance(files.prediction, str):
        told = f"no prediction; {told}"
    base = base_picture(_to_draw(files.picture, truth.shape))
    score = f"{metric} {row[metric]:.3f}"
    return layered_figure(
        f"{lead}{name}",
        f"{score}; {told}",
        base,
        _layers(pred, truth, fates, binary),
        f"{name}: {score}; {told}",
    )


class Compared(NamedTuple):
    """Truth and prediction of an image, what became of each object, and whether they are binary masks."""

    truth: LabelMap
    pred: LabelMap
    fates: Fates
    binary: bool


def compared(image: str, files: pd.Series, summary: Mapping[str, Any]) -> Compared:
    """An image of an evaluation once more, as it was scored.

    Args:
        image: its name.
        files: its row of ``files.csv``.
        summary: of the evaluation.
    """
    truth = read_label_map(files.truth)
    pred = read_label_map(files.prediction) if isinstance(files.prediction, str) else np.zeros_like(truth)
    if summary.get("pieces"):
        truth, pred = pieces_of_mask(truth), pieces_of_mask(pred)
    binary = image in {*summary.get("binary_truth", ()), *summary.get("binary_predictions", ())}
    return Compared(truth, pred, (pixel_fates if binary else object_fates)(pred, truth), binary)


def _told(fates: Fates, binary: bool) -> str:
    if binary:
        return "binary masks: pixels, not objects"
    return ", ".join(f"{number} {kind}" for kind, number in fates.counts().items() if number) or "no objects"


def _layers(pred: LabelMap, truth: LabelMap, fates: Fates, binary: bool) -> list[Layer]:
    def colour(kind: str) -> tuple[int, int, int]:
        return KINDS[kind][1]

    layers = []
    for kind, label_map in fates._asdict().items():
        if not label_map.any():
            continue
        if binary:
            layers.append(
                Layer(kind, mask_layer(label_map > 0, colour(kind), fill=90 if kind == "matched" else 190))
            )
            continue
        fill = 0 if kind == "matched" else 110
        layers.append(Layer(kind, object_layer(label_map, colour(kind), fill=fill, dashed=kind == "missed")))
    for kind, label_map in (("truth", truth), ("pred", pred)):
        layers.append(Layer(kind, object_layer(label_map, colour(kind), width=2)))
    return layers


def _to_draw(path: Any, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """The image as grey or colours in [0, 1]; grey ground where there is none to draw."""
    if not isinstance(path, str) or not Path(path).is_file():
        return np.full(shape, 0.25)
    pixels = read_pixels(path)
    if pixels.shape[:2] != shape:
        raise ValueError(f"the image is {pixels.shape[:2]} and its truth {shape}")
    channels = np.atleast_3d(pixels)
    channels = channels[..., :3] if channels.shape[2] > 2 else channels[..., :1]
    first = np.moveaxis(channels, -1, 0)
    if pixels.dtype == np.uint8 and len(first) == 3:
        drawn = first / 255  # colours of stained tissue stay as they are
    else:
        drawn = PercentileStretch(0.5, 99.5, channel_wise=False)(first.astype(np.float32)).numpy()
    return drawn[0] if len(drawn) == 1 else np.moveaxis(drawn, 0, -1)
