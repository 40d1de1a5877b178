"""The worst, median and best images of a run, with the fates of their objects."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellseg_monai.colours import class_colours
from cellseg_monai.data import read_label_map, read_pixels
from cellseg_monai.export.report import note
from cellseg_monai.export.report.figure import Layer, layered_figure, legend, swatches
from cellseg_monai.export.report.layers import base_picture, class_layer, mask_layer, object_layer
from cellseg_monai.jobs.files.planes import displayed
from cellseg_monai.jobs.reporting.run_folder import RunFolder
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics.fates import Fates, object_fates, pixel_fates
from cellseg_monai.metrics.mask_content import pieces_of_mask
from cellseg_monai.transforms import class_target

# Okabe and Ito's colours. Kinds also differ in shape: errors are filled, missed objects are dashed.
KINDS = {
    "truth": ("Truth", (255, 255, 255), False),
    "pred": ("Prediction", (230, 159, 0), False),
    "matched": ("Matched", (0, 158, 115), True),
    "missed": ("Missed", (213, 94, 0), True),
    "added": ("Added", (86, 180, 233), True),
    "split": ("Split", (240, 228, 66), True),
    "merged": ("Merged", (204, 121, 167), True),
}
"""Title and colour of each layer, and whether it is shown at first."""

CLASS_KINDS = {
    "truthclasses": ("Truth", (255, 255, 255), False),
    "predclasses": ("Prediction", (230, 159, 0), True),
    "wrong": ("Wrong class", (204, 121, 167), False),
}
"""The same for maps of classes, whose colours are those of the classes."""


def gallery(run: RunFolder, metric: str, each: int = 3) -> str:
    """Draw the images with the lowest, middle and highest scores.

    Args:
        run: run with scores.
        metric: score to rank by.
        each: number of images of each kind.

    Returns:
        HTML.
    """
    if run.files is None:
        return note("The run does not record where its images are, so none is drawn.")
    files = run.files.set_index("image")
    drawn, failed = "", []
    for title, part in ranked(run.table, metric, each).items():
        figures = ""
        for row in part.to_dict("records"):
            lead = "" if each > 1 else f"{title}: "
            try:
                figures += _figure(lead, files.loc[row["image"]], row, metric, run.summary)
            except (OSError, ValueError, KeyError) as error:
                failed.append(f"{row['image']}: {error}")
        if figures and each > 1:
            figures = f'<div><h3>{title}</h3><div class="pictures">{figures}</div></div>'
        drawn += figures
    complaint = note("These images could not be drawn:", warning=True, items=failed) if failed else ""
    return f'{complaint}<div class="{"ranks" if each > 1 else "pictures"}">{drawn}</div>'


def key_to_colours(runs: Sequence[RunFolder]) -> str:
    """Return the meaning of the layers, and the buttons that switch them, to stand before the galleries.

    Args:
        runs: runs whose pictures are drawn.
    """
    named = [names_of_classes(run.summary) for run in runs]
    of_classes = "".join(dict.fromkeys(_key_to_classes(names) for names in named if names))
    return of_classes + ("" if all(named) else _key_to_objects())


def names_of_classes(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return the name of each class by its number; nothing if the evaluation was one of objects.

    Args:
        summary: summary of the evaluation; one of an earlier version has no names.

    Example:
        >>> names_of_classes({"classes": {"0": 0, "128": 1, "255": "ignore"}})
        {'0': 'class 0', '1': 'class 1'}
        >>> names_of_classes({"classes": {"0": 0}, "class_names": {"0": "background"}})
        {'0': 'background'}
        >>> names_of_classes({})
        {}
    """
    numbers = {number for number in (summary.get("classes") or {}).values() if isinstance(number, int)}
    return summary.get("class_names") or {str(number): f"class {number}" for number in sorted(numbers)}


def _key_to_classes(names: Mapping[str, str]) -> str:
    keys = [(key, name, f"rgb{colour}", on) for key, (name, colour, on) in CLASS_KINDS.items()]
    colours = [
        (name, "rgb({},{},{})".format(*class_colours([int(number)])[0].tolist()))
        for number, name in names.items()
        if int(number) > 0
    ]
    words = note("Each class has its colour. The buttons switch layers; pixels of a wrong class are purple.")
    return words + swatches(colours) + legend(keys)


def _key_to_objects() -> str:
    keys = [(key, name, f"rgb{colour}", on) for key, (name, colour, on) in KINDS.items()]
    words = note(
        "Matched objects are outlined, errors are filled. Missed: a true object without a prediction. Added: "
        "a prediction without a true object. Split: one true object in several predictions. Merged: several "
        "true objects in one prediction. The buttons switch layers. In a picture, + and − zoom, and the "
        "arrow keys or the mouse move it."
    )
    return words + legend(keys)


def ranked(scores: pd.DataFrame, metric: str, each: int) -> dict[str, pd.DataFrame]:
    """Return the rows of the worst, median and best images; no image occurs twice.

    Args:
        scores: table with one row per image.
        metric: score to rank by; images without this score are left out.
        each: number of images of each kind; fewer if there are not enough images.

    Example:
        >>> table = pd.DataFrame({"image": list("abcde"), "dice": [0.1, 0.9, 0.5, 0.7, 0.3]})
        >>> {title: rows.image.tolist() for title, rows in ranked(table, "dice", 1).items()}
        {'Worst': ['a'], 'Median': ['c'], 'Best': ['b']}
    """
    known = scores[np.isfinite(scores[metric].to_numpy(float))].sort_values([metric, "image"])
    each = min(each, max(1, len(known) // 3))
    worst, others = known[:each], known[each:]
    best = others[max(0, len(others) - each) :]
    free = others[: len(others) - len(best)]
    start = max(0, (len(free) - each + 1) // 2)
    parts = {"Worst": worst, "Median": free[start : start + each], "Best": best[::-1]}
    return {title: part for title, part in parts.items() if len(part)}


def _figure(lead: str, files: pd.Series, row: Mapping[Any, Any], metric: str, summary: dict[str, Any]) -> str:
    name = row["image"]
    truth, pred, fates, binary = compared(name, files, summary)
    plane = _plane_to_draw(truth)
    title = f"{lead}{name}" if plane is ... else f"{lead}{name}, plane {plane}"
    picture = _to_draw(files.picture, truth.shape, plane)
    if summary.get("classes"):
        words = f"{(pred != truth).mean():.1%} of the pixels have a wrong class"
        layers = _class_layers(pred[plane], truth[plane])
        return _drawn(title, f"{metric} {row[metric]:.3f}; {words}", picture, layers)
    counts = [f"{number} {kind}" for kind, number in fates.counts().items() if number]
    words = "binary masks: pixels, not objects" if binary else ", ".join(counts) or "no objects"
    if not isinstance(files.prediction, str):
        words = f"no prediction; {words}"
    caption = f"{metric} {row[metric]:.3f}; {words}"
    shown = Fates(*(label_map[plane] for label_map in fates))
    return _drawn(title, caption, picture, _layers(pred[plane], truth[plane], shown, binary))


def _drawn(title: str, caption: str, picture: npt.NDArray[np.float64], layers: list[Layer]) -> str:
    return layered_figure(title, caption, base_picture(picture), layers, f"{title}: {caption}")


def _plane_to_draw(truth: LabelMap) -> Any:
    """Index of the plane of a stack with the most pixels of cells; everything of a plane."""
    return ... if truth.ndim == 2 else int((truth > 0).sum((1, 2)).argmax())


class Compared(NamedTuple):
    """Truth and prediction of an image.

    Attributes:
        truth: true label map.
        pred: predicted label map.
        fates: fate of each object, or of each pixel of binary masks.
        binary: whether the masks are binary.
    """

    truth: LabelMap
    pred: LabelMap
    fates: Fates
    binary: bool


def compared(image: str, files: pd.Series, summary: Mapping[str, Any]) -> Compared:
    """Compare truth and prediction of an image again, as the evaluation did.

    Args:
        image: name of the image.
        files: row of the image in ``files.csv``.
        summary: summary of the evaluation.
    """
    force = bool(summary.get("force"))
    truth = read_label_map(files.truth, force=force, stack=True)
    if summary.get("classes"):
        truth = class_target(truth[None], summary["classes"])[0]
    pred = np.zeros_like(truth)
    if isinstance(files.prediction, str):
        pred = read_label_map(files.prediction, force=force, stack=True)
    truth, pred = np.where(truth < 0, 0, (truth, pred))  # ignored pixels
    if summary.get("pieces"):
        truth, pred = pieces_of_mask(truth), pieces_of_mask(pred)
    binary = image in {*summary.get("binary_truth", ()), *summary.get("binary_predictions", ())}
    return Compared(truth, pred, (pixel_fates if binary else object_fates)(pred, truth), binary)


def _layers(pred: LabelMap, truth: LabelMap, fates: Fates, binary: bool) -> list[Layer]:
    layers = []
    for kind, label_map in fates._asdict().items():
        if not label_map.any():
            continue
        colour, matched = KINDS[kind][1], kind == "matched"
        if binary:
            drawn = mask_layer(label_map > 0, colour, fill=90 if matched else 190)
        else:
            drawn = object_layer(label_map, colour, fill=0 if matched else 110, dashed=kind == "missed")
        layers.append(Layer(kind, drawn))
    outlines = {"truth": truth, "pred": pred}
    return layers + [Layer(key, object_layer(map_, KINDS[key][1], width=2)) for key, map_ in outlines.items()]


def _class_layers(pred: LabelMap, truth: LabelMap) -> list[Layer]:
    wrong = mask_layer(pred != truth, CLASS_KINDS["wrong"][1], fill=255)
    drawn = {"truthclasses": class_layer(truth), "predclasses": class_layer(pred), "wrong": wrong}
    return [Layer(key, picture) for key, picture in drawn.items()]


def _to_draw(path: Any, shape: tuple[int, ...], plane: Any) -> npt.NDArray[np.float64]:
    """Return a plane of the image as grey values or colours in [0, 1]; a grey ground if there is no image."""
    if not isinstance(path, str) or not Path(path).is_file():
        return np.full(shape[-2:], 0.25)
    pixels = read_pixels(path)
    if pixels.shape[: len(shape)] != shape:
        raise ValueError(f"the image has {pixels.shape[: len(shape)]} pixels, but its truth has {shape}")
    pixels = pixels[plane]
    channels = np.moveaxis(np.atleast_3d(pixels), -1, 0)
    drawn = displayed((channels[:3] if len(channels) > 2 else channels[:1]).astype(np.float32))
    return drawn[0] if len(drawn) == 1 else np.moveaxis(drawn, 0, -1)
