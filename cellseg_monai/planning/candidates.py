"""Weights that a bundle may end up with, judged on the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from cellseg_monai.data import list_items
from cellseg_monai.data.datalist import file_of
from cellseg_monai.jobs import calibrate, evaluate, predict
from cellseg_monai.planning.facts import Masks
from cellseg_monai.runtime.settings import pass_on_settings
from cellseg_monai.training.pretrained import own_names, read_weights
from cellseg_monai.training.tensor_file import as_plain, write_tensors

METRICS: dict[Masks, tuple[str, ...]] = {
    "cells": ("f1@0.5", "dice"),
    "binary": ("dice",),
    "classes": ("miou", "mdice_foreground"),
}
"""Scores to tell, by what the masks hold; the first one decides."""


class Candidate(NamedTuple):
    """Weights with their scores on images that they did not learn from.

    Attributes:
        name: what the weights are, such as ``"start"``, ``"trained"`` or ``"mean"``.
        weights: file of the weights, with their settings beside it.
        scores: scores of the images; the first one decides.
        folder: folder with the predictions and the scores of each image.
    """

    name: str
    weights: Path
    scores: Mapping[str, float]
    folder: Path

    @property
    def score(self) -> float:
        """Score that decides."""
        return next(iter(self.scores.values()))

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Candidate":
        """Return a candidate from its values as JSON."""
        return cls(record["name"], Path(record["weights"]), record["scores"], Path(record["folder"]))


@dataclass(frozen=True)
class Judge:
    """How candidates are scored.

    Attributes:
        bundle: folder of the bundle.
        masks: what the masks of the images hold.
        classes: class of each value, for masks of classes.
    """

    bundle: Path
    masks: Masks
    classes: Mapping[str, Any] | None

    @property
    def metric(self) -> str:
        """Score that decides."""
        return METRICS[self.masks][0]

    def calibrate(self, weights: Path, images: Path) -> None:
        """Choose the decoding of weights on images, and keep it with the weights.

        Args:
            weights: file of the weights.
            images: list of the images.
        """
        if self.classes is None:
            calibrate(weights, list_items(images), weights.parent / "calibration", keep=True)

    def score(self, name: str, weights: Path, images: Path, folder: Path) -> Candidate:
        """Segment images and score the result.

        Args:
            name: name of the candidate.
            weights: file of the weights.
            images: list of the images.
            folder: folder for predictions and scores.
        """
        files = [file_of(item) for item in list_items(images)]
        predict(weights, files, folder, save_probability=self.classes is None)
        return Candidate(name, weights, self.evaluate(folder, images, weights), folder)

    def evaluate(self, folder: Path, images: Path, weights: Path | None = None) -> dict[str, float]:
        """Score the label maps in a folder, and write the scores beside them.

        Args:
            folder: folder with ``labels/``.
            images: list of the images.
            weights: file of the weights that made the label maps, if all were made by the same.
        """
        found = evaluate(
            folder / "labels",
            images,
            folder,
            metrics=["dice"] if self.masks == "binary" else None,
            classes=self.classes,
            bundle=None if weights is None else self.bundle,
            weights=weights,
        )
        scores = found.summary["scores"] if self.classes is None else found.summary["pooled"]
        found_of = {name: scores[name] for name in METRICS[self.masks]}
        return {name: float(score.get("mean", score)["value"]) for name, score in found_of.items()}


def mean_weights(files: Sequence[Path], out: Path, bundle_root: Path) -> Path:
    """Write the mean of weights of one network, with the settings of the last ones.

    The mean of weights before and after fine-tuning is often more robust than both (Wortsman et al., 2022).

    Args:
        files: files of the weights.
        out: file to write.
        bundle_root: folder of the bundle.
    """
    last = read_weights(files[-1])
    others = [own_names(last, read_weights(file)) for file in files[:-1]]
    mean = {
        name: torch.stack([tensor, *(one[name] for one in others)]).mean(0)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in last.items()
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(as_plain(mean, "mean"), out)
    pass_on_settings(files[-1], out, bundle_root)
    return out
