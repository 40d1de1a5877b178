"""Calibration of a decoding: threshold, seed height and smallest cell for images of one kind.

The confidence of a network depends on the length of its training, and the size of cells on the microscope.
StarDist tunes its thresholds on validation images for the same reason.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
import torch
from monai.bundle import ConfigParser

from cellseg_monai.cell_size import cell_diameter
from cellseg_monai.data import read_label_map
from cellseg_monai.data.datalist import Item, file_of, files_of
from cellseg_monai.inference.unsure import unsure_share
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics import instance_counts, instance_scores, pixel_counts, pixel_scores
from cellseg_monai.metrics.mask_content import binary_maps, content_of
from cellseg_monai.outputs import Run, StrPath, claim_outputs, require_free, write_text
from cellseg_monai.outputs.counting import counted
from cellseg_monai.runtime import keep_settings
from cellseg_monai.runtime.finding import find_inference
from cellseg_monai.runtime.overrides import literal_options

logger = logging.getLogger(__name__)

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
SEED_HEIGHTS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
SMALLEST = (0.25, 0.5, 1.0)
"""Smallest cells to try, as fractions of the first percentile of the areas of true cells."""

CHOICES = ("seed_height", "threshold", "min_size")
"""Options of a decoding that can be calibrated, by their ids in the configurations."""

CHOSEN = "decoding.json"


class Calibration(NamedTuple):
    """Result of a calibration.

    Attributes:
        options: values for ``inference.json`` by id.
        metric: metric that was maximised, ``"f1@0.5"``, or ``"dice"`` for binary masks.
        before: mean score with the values of the configuration.
        after: mean score with the chosen values.
        images: number of images.

    Example:
        >>> print(Calibration({"min_size": 300}, "f1@0.5", 0.533, 0.6, 4))
        f1@0.5 of 4 images: 0.533 before, 0.600 with --min_size 300
    """

    options: dict[str, Any]
    metric: str
    before: float
    after: float
    images: int

    def __str__(self) -> str:
        """One line; the options are written as for MONAI's command."""
        values = " ".join(f"--{name} {value}" for name, value in self.options.items()) or "the same values"
        scores = f"{self.before:.3f} before, {self.after:.3f} with {values}"
        return f"{self.metric} of {counted(self.images, 'image')}: {scores}"


def calibrate(
    bundle: StrPath,
    items: Sequence[Item],
    out: StrPath,
    *,
    options: Mapping[str, Any] | None = None,
    keep: bool = False,
    trust: bool = False,
) -> Calibration:
    """Choose the options of a decoding by the F1 of cells at an IoU of 0.5, or by Dice for binary masks.

    One value after another is changed as long as the score rises. Use images that the network was not trained
    on, and do not report scores of the same images.

    Args:
        bundle: folder of a bundle, a name in :func:`~cellseg_monai.runtime.known_bundles`, or weights.
        items: labelled images.
        out: output folder for the probability maps and ``decoding.json``, which can be laid over
            ``inference.json``.
        options: values of ``inference.json`` by id, such as ``weights``.
        keep: whether to keep the values beside the weights as well, so that they are used with these weights.
            So is how unsure the network is of the most difficult image, which lets :func:`predict` tell
            images that are unlike these.
        trust: whether to use the bundle and the weights without an audit; those of the package are trusted.

    Returns:
        The chosen options and their scores.

    Raises:
        FileNotFoundError: there is no such bundle.
        ValueError: no image is given, or the decoding has no option to calibrate.

    Example:
        >>> calibrate("bundles/unknown", [{"image": "a.tif", "label": "b.tif"}], "out")
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown: there is no such bundle; give its folder, or one of ...
    """
    run = Run("calibrate", {"bundle": bundle, "options": options, "keep": keep, "trust": trust})
    if not items:
        raise ValueError("a calibration needs at least one labelled image")
    folder = Path(out)
    require_free(folder, "calibrate", [CHOSEN])
    decoding, weights, diameter = _decoding_of(bundle, options, trust)
    start = {name: decoding.options[name] for name in CHOICES if name in decoding.options}
    if not start:
        raise ValueError(f"{type(decoding).__name__} has no option to calibrate")
    images = [file_of(item) for item in items]
    labels = predict(bundle, images, folder, save_probability=True, options=options, trust=trust)
    files = [folder / "probability" / label.relative_to(folder / "labels") for label in labels]
    maps = [np.asarray(tifffile.imread(file), np.float32) for file in files]
    probabilities = [values.reshape(-1, *values.shape[-2:]) for values in maps]
    truths = [read_label_map(item["label"]) for item in items]
    scales = [_scale(truth, diameter) for truth in truths]
    metric = "dice" if all(binary_maps([content_of(truth) for truth in truths])) else "f1@0.5"

    def score(values: Mapping[str, Any]) -> float:
        decode = replace(decoding.decode, logits=False, **values)
        sized = (decode.at_scale(scale) for scale in scales)
        found = (one(probability)[0] for one, probability in zip(sized, probabilities, strict=True))
        return float(np.mean([_score(metric, *pair) for pair in zip(found, truths, strict=True)]))

    chosen: dict[str, Any] = {}
    before = best = score(chosen)
    for name, values in _candidates(truths, scales).items():
        for value in values if name in start else ():
            reached = score({**chosen, name: value})
            if reached > best + 1e-4:
                best, chosen = reached, {**chosen, name: value}
    run.note(counts={"images": len(items)}, chosen=chosen)
    with claim_outputs(folder, "calibrate", [CHOSEN], files_of(items), run=run):
        write_text(folder / CHOSEN, json.dumps(chosen, indent=1))
    if keep:
        plain = replace(decoding.decode, logits=False)
        shares = [unsure_share(plain.foreground(torch.from_numpy(each))) for each in probabilities]
        keep_settings(weights, **start | chosen, most_unsure=round(max(shares), 4))
    calibration = Calibration(chosen, metric, before, best, len(items))
    logger.info("%s", calibration)
    return calibration


def _decoding_of(
    bundle: StrPath, options: Mapping[str, Any] | None, trust: bool
) -> tuple[Any, Path, float | None]:
    """The decoding of a bundle, the file of its weights, and the diameter that it brings all cells to."""
    inference = find_inference(bundle, options, trust)
    given = {"bundle_root": str(inference.bundle), "settings#given": list(inference.options)}
    parser = ConfigParser(ConfigParser.load_config_files(inference.files))
    for name, value in literal_options(given | inference.options).items():
        parser[name] = value
    diameter = parser.get_parsed_content("diameter") if "diameter" in parser.config else None
    return (
        parser.get_parsed_content("decoding"),
        Path(str(parser.get_parsed_content("weights"))),
        diameter,
    )


def _scale(truth: LabelMap, diameter: float | None) -> float:
    """Scale at which the network sees an image, if it brings all cells to one diameter."""
    own = None if diameter is None else cell_diameter(truth)
    return 1.0 if own is None or diameter is None else diameter / own


def _score(metric: str, pred: LabelMap, truth: LabelMap) -> float:
    if metric == "dice":
        return float(pixel_scores(pixel_counts(pred, truth)).dice[0])
    return float(instance_scores(instance_counts(pred, truth, 0.5)).f1[0])


def _candidates(truths: Sequence[LabelMap], scales: Sequence[float]) -> dict[str, Sequence[Any]]:
    """Values to try in this order; the smallest cell comes first, as specks hide the effect of the others."""
    areas = np.concatenate(
        [np.bincount(truth.ravel())[1:] * scale**2 for truth, scale in zip(truths, scales, strict=True)]
    )
    small = float(np.percentile(areas[areas > 0], 1)) if areas.any() else 0.0
    smallest = [round(fraction * small) for fraction in SMALLEST]
    return {"min_size": smallest, "seed_height": SEED_HEIGHTS, "threshold": THRESHOLDS}
