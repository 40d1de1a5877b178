"""Weights that a bundle may end up with, judged on the same validation images."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from cellseg_monai.data import list_items
from cellseg_monai.data.datalist import file_of
from cellseg_monai.jobs import calibrate, evaluate, predict
from cellseg_monai.planning.facts import Masks
from cellseg_monai.runtime.settings import pass_on_settings
from cellseg_monai.training.pretrained import own_names, read_weights
from cellseg_monai.training.tensor_file import as_plain, write_tensors

METRICS: dict[Masks, str] = {"cells": "f1@0.5", "binary": "dice", "classes": "miou"}
"""Score that decides, by what the masks hold."""


class Candidate(NamedTuple):
    """Weights with their score on the validation images.

    Attributes:
        name: what the weights are: ``"start"``, ``"trained"`` or ``"mean"``.
        weights: file of the weights, with their settings beside it.
        score: mean score over the validation images.
        folder: folder with the scores of each image.
    """

    name: str
    weights: Path
    score: float
    folder: Path

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Candidate":
        """Return a candidate from its values as JSON."""
        return cls(record["name"], Path(record["weights"]), record["score"], Path(record["folder"]))


@dataclass(frozen=True)
class Judge:
    """The images that decide between candidates.

    Attributes:
        bundle: folder of the bundle.
        images: list of the validation images.
        masks: what their masks hold.
        classes: class of each value, for masks of classes.
    """

    bundle: Path
    images: Path
    masks: Masks
    classes: Mapping[str, Any] | None

    @property
    def metric(self) -> str:
        """Score that decides."""
        return METRICS[self.masks]

    def score(self, name: str, weights: Path) -> Candidate:
        """Calibrate the decoding of weights on the images, and score them there.

        Args:
            name: name of the candidate.
            weights: file of the weights, in a folder of its own.
        """
        items, folder = list_items(self.images), weights.parent / "scores"
        if self.classes is None:
            calibrate(weights, items, weights.parent / "calibration", keep=True)
        predict(weights, [file_of(item) for item in items], folder)
        found = evaluate(
            folder / "labels",
            self.images,
            folder,
            metrics=["dice"] if self.masks == "binary" else None,
            classes=self.classes,
            bundle=self.bundle,
            weights=weights,
        )
        scores = found.summary["scores"] if self.classes is None else found.summary["pooled"]
        score = scores[self.metric]
        return Candidate(name, weights, float(score.get("mean", score)["value"]), folder)


def mean_weights(one: Path, other: Path, out: Path, bundle_root: Path) -> Path:
    """Write the mean of two files of weights of one network, with the settings of the second.

    The mean of weights before and after fine-tuning is often more robust than both (Wortsman et al., 2022).

    Args:
        one: weights before the training.
        other: weights after it.
        out: file to write.
        bundle_root: folder of the bundle.
    """
    after = read_weights(other)
    before = own_names(after, read_weights(one))
    mean = {
        name: ((before[name] + tensor) / 2 if tensor.is_floating_point() else tensor)
        for name, tensor in after.items()
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(as_plain(mean, "mean"), out)
    pass_on_settings(other, out, bundle_root)
    return out
