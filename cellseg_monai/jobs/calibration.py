"""How an answer is best decoded: threshold, height of seeds and smallest cell of *these* images.

A network that was trained for a few minutes says where cells are with other confidence than one trained for
hours, and cells of another microscope have another size. StarDist tunes its thresholds on validation images
for the same reason.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tifffile
from monai.bundle import ConfigParser

from cellseg_monai.data import read_label_map
from cellseg_monai.data.datalist import Item, file_of
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics import instance_counts, instance_scores, pixel_counts, pixel_scores
from cellseg_monai.metrics.mask_content import binary_maps, content_of
from cellseg_monai.outputs import claim_outputs, require_free, write_text
from cellseg_monai.runtime import keep_settings
from cellseg_monai.runtime.finding import find_model, inference_files
from cellseg_monai.runtime.literals import literal_options

logger = logging.getLogger(__name__)

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
SEED_HEIGHTS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
SMALLEST = (0.25, 0.5, 1.0)
"""Shares of the area that one true cell in a hundred stays below."""

CHOICES = ("seed_height", "threshold", "min_size")
"""What is chosen, by its id in the configurations, as far as the decoding has it."""

CHOSEN = "decoding.json"


class Calibration(NamedTuple):
    """What was chosen, and what it is worth.

    Attributes:
        options: values for ``inference.json`` by id.
        metric: that was raised, ``"f1@0.5"`` or, of binary masks, ``"dice"``.
        before: mean score with the values that the configuration had.
        after: mean score with those chosen.
        images: how many were looked at.

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
        """One line; the options as MONAI's command takes them."""
        words = " ".join(f"--{name} {value}" for name, value in self.options.items()) or "the same values"
        return (
            f"{self.metric} of {self.images} images: {self.before:.3f} before, {self.after:.3f} with {words}"
        )


def calibrate(
    bundle: str | PathLike[str],
    items: Sequence[Item],
    out: str | PathLike[str],
    *,
    options: Mapping[str, Any] | None = None,
    keep: bool = False,
) -> Calibration:
    """Choose how to decode by the F1 of cells at an IoU of 0.5, or by Dice where masks are binary.

    One value after the other is changed as long as the score rises. Give images that the network has not
    learned from, and that nothing else is to be reported of.

    Args:
        bundle: folder of a bundle, a name of :func:`~cellseg_monai.runtime.known_bundles`, or weights.
        items: labelled images.
        out: folder for the probabilities and ``decoding.json``, which is laid over ``inference.json``.
        options: of the bundle by id, such as ``weights``.
        keep: leave the values beside the weights too, so that whoever uses these weights decodes by them.

    Returns:
        :class:`Calibration`.

    Raises:
        FileNotFoundError: there is no such bundle.
        ValueError: no image is given, or the bundle decodes in a way that has nothing to choose.

    Example:
        >>> calibrate("bundles/unknown", [{"image": "a.tif", "label": "b.tif"}], "out")
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown: there is no such bundle; give its folder, or one of ...
    """
    if not items:
        raise ValueError("a calibration needs at least one labelled image")
    folder = Path(out)
    require_free(folder, "calibrate", [CHOSEN])
    images = [file_of(item) for item in items]
    labels = predict(bundle, images, folder, save_probability=True, options=options)
    files = [folder / "probability" / label.relative_to(folder / "labels") for label in labels]
    decoder = _Decoder(bundle, options or {})
    trial = _Trial(
        decoder, [_channels_first(file) for file in files], [read_label_map(item["label"]) for item in items]
    )
    chosen: dict[str, Any] = {}
    before = best = trial.score(chosen)
    for name, values in _candidates(decoder, trial.truths):
        for value in values:
            score = trial.score({**chosen, name: value})
            if score > best + 1e-4:
                best, chosen = score, {**chosen, name: value}
    with claim_outputs(folder, "calibrate", [CHOSEN]):
        write_text(folder / CHOSEN, json.dumps(chosen, indent=1))
    if keep:
        keep_settings(decoder.weights, **decoder.start | chosen)
    found = Calibration(chosen, trial.metric, before, best, len(items))
    logger.info("%s", found)
    return found


class _Decoder:
    """The decoding of a bundle with other values, for probabilities."""

    def __init__(self, bundle: str | PathLike[str], options: Mapping[str, Any]) -> None:
        folder, weights = find_model(bundle)
        changes = ({} if weights is None else {"weights": str(weights)}) | dict(options)
        parser = ConfigParser(ConfigParser.load_config_files(inference_files(folder, changes)))
        values = {"bundle_root": str(folder), "settings#given": list(changes), **changes}
        for name, value in literal_options(values).items():
            parser[name] = value
        decoding = parser.get_parsed_content("decoding")
        self.start = {name: decoding.options[name] for name in CHOICES if name in decoding.options}
        if not self.start:
            raise ValueError(f"{type(decoding).__name__} has nothing to calibrate")
        self.decode = decoding.decode
        self.weights = Path(str(parser.get_parsed_content("weights")))

    def __call__(self, probability: npt.NDArray[np.float32], values: Mapping[str, Any]) -> LabelMap:
        labels: LabelMap = replace(self.decode, logits=False, **values)(probability)[0]
        return labels


class _Trial:
    """Probabilities and truth, to be scored with one choice of values after the other."""

    def __init__(
        self, decoder: _Decoder, probabilities: list[npt.NDArray[np.float32]], truths: list[LabelMap]
    ) -> None:
        self.decoder = decoder
        self.probabilities = probabilities
        self.truths = truths
        binary = binary_maps([content_of(truth) for truth in truths])
        self.metric = "dice" if all(binary) else "f1@0.5"

    def score(self, values: Mapping[str, Any]) -> float:
        """Mean over the images."""
        found = (self.decoder(probability, values) for probability in self.probabilities)
        return float(np.mean([self._score(*pair) for pair in zip(found, self.truths, strict=True)]))

    def _score(self, pred: LabelMap, truth: LabelMap) -> float:
        if self.metric == "dice":
            return float(pixel_scores(pixel_counts(pred, truth)).dice[0])
        return float(instance_scores(instance_counts(pred, truth, 0.5)).f1[0])


def _candidates(decoder: _Decoder, truths: list[LabelMap]) -> list[tuple[str, list[Any]]]:
    """What to try, in this order; the smallest cell first, as specks hide what the rest does."""
    areas = np.concatenate([np.bincount(truth.ravel())[1:] for truth in truths])
    small = float(np.percentile(areas[areas > 0], 1)) if (areas > 0).any() else 0.0
    values: dict[str, list[Any]] = {
        "min_size": [round(share * small) for share in SMALLEST],
        "seed_height": list(SEED_HEIGHTS),
        "threshold": list(THRESHOLDS),
    }
    return [(name, tried) for name, tried in values.items() if name in decoder.start]


def _channels_first(file: Path) -> npt.NDArray[np.float32]:
    probability = np.asarray(tifffile.imread(file), np.float32)
    return probability if probability.ndim == 3 else probability[None]
