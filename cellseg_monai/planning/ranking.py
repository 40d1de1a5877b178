"""Which model suits images: by their labels, or without labels by how far the models agree."""

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from cellseg_monai.data import list_items
from cellseg_monai.data.datalist import Item
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.outputs import StrPath
from cellseg_monai.planning.crops import contrasting_crops, labelled_crops, segment
from cellseg_monai.planning.facts import channels_of, fingerprint
from cellseg_monai.planning.plan import plan_training
from cellseg_monai.planning.starts import (
    Trial,
    at_scale,
    finds_scale,
    scales_around,
    score,
    trained_models,
    try_model,
)
from cellseg_monai.runtime.settings import WEIGHTS, kept_settings

SCALES = (0.5, 1.0, 0.25)
"""Scales to try if the size of the cells is not known."""

SHRUNK = 0.8
"""A good model finds the same cells if the image is mirrored and shrunk to this size."""

WITNESSES = 2
"""Number of other models, those that agree most, with which a model is compared."""

LARGEST = 1 / 8
"""Share of a crop above which an object is no cell: models may agree that the background is one."""

FITS = 0.5
"""Score from which on a model is worth trying."""

SECONDS = 300.0
"""Time after which no further trial begins."""

_WORDS = {"f1@0.5": "F1@0.5", "dice": "Dice", "agreement": "agreement"}


@dataclass(frozen=True)
class Ranking:
    """Models for some images, the best first.

    Attributes:
        images: the images.
        measure: what the score is: ``"f1@0.5"``, ``"dice"``, or ``"agreement"`` for images without labels.
        trials: each model at its best scale.

    Example:
        >>> print(Ranking("cells", "dice", (Trial(Path("bundles/skip_unet"), 1.0, 0.41, 1.26),)))
        model      scale  Dice   s/MP
        skip_unet  1      0.410  1.3
        No model fits these images. Train one:
          cellseg train cells --out MY_BUNDLE
    """

    images: StrPath
    measure: str
    trials: Sequence[Trial]

    @property
    def fits(self) -> bool:
        """Whether the best model is worth trying."""
        return bool(self.trials) and self.trials[0].score >= FITS

    @property
    def command(self) -> str:
        """Command that segments the images with the best model at its best scale."""
        best = self.trials[0]
        kept = kept_settings(best.model / WEIGHTS)
        changed = [
            f"{name}={value}" for name, value in at_scale(kept, best.scale).items() if value != kept[name]
        ]
        options = f" --set {' '.join(changed)}" if changed else ""
        return f"cellseg predict {best.model.name} {self._path} --out RESULT{options}"

    @property
    def _path(self) -> str:
        return shlex.quote(str(self.images))

    def __str__(self) -> str:
        rows = [("model", "scale", _WORDS[self.measure], "s/MP")]
        rows += [
            (trial.model.name, f"{trial.scale:g}", f"{trial.score:.3f}", f"{trial.seconds:.1f}")
            for trial in self.trials
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        train = f"  cellseg train {self._path} --out MY_BUNDLE"
        if self.measure == "agreement":
            train = "  cellseg train ANNOTATED --out MY_BUNDLE"
            bad = "The models disagree: none is known to fit. Annotate 5 images and train:"
            more = "Look at the result with --overlay; to improve it, annotate 5 images and train:"
        else:
            bad, more = "No model fits these images. Train one:", "A trained model is usually better:"
        advice = ["To segment the images:", f"  {self.command}", more] if self.fits else [bad]
        return "\n".join([*lines, *advice, train])


def rank_models(
    images: StrPath, *, models: Sequence[Path] | None = None, seconds: float = SECONDS
) -> Ranking:
    """Try models on crops of a few images.

    With labels, the score is the F1 at an IoU of 0.5, or the Dice for binary masks. Without labels it is the
    product of two agreements, each an F1 at an IoU of 0.5: of the model with itself on the mirrored and
    slightly smaller image, and of the model with the two other models that agree most.

    Args:
        images: dataset as in :func:`~cellseg_monai.data.list_items`, with or without labels.
        models: folders of bundles with weights; by default those of the package.
        seconds: time after which no further trial begins.

    Raises:
        ValueError: the masks hold classes, which no model of the package finds.

    Example:
        >>> from tempfile import mkdtemp
        >>> from cellseg_monai.data import write_synthetic_dataset
        >>> from cellseg_monai.runtime import find_bundle
        >>> folder = write_synthetic_dataset("nuclei", f"{mkdtemp()}/set", count=1, size=(96, 128))
        >>> print(rank_models(folder, models=[find_bundle("patch_attention_unet")]))
        model                 scale  F1@0.5  s/MP
        patch_attention_unet  ...
    """
    items = list_items(images, recursive=True)
    ends = time.monotonic() + seconds
    known = [item for item in items if "label" in item]
    trials, measure = _by_labels(known, models, ends) if known else _by_agreement(items, models, ends)
    best: dict[Path, Trial] = {}
    for trial in sorted(trials, key=lambda trial: -trial.score):
        best.setdefault(trial.model, trial)
    return Ranking(images, measure, tuple(best.values()))


def _by_labels(items: Sequence[Item], models: Sequence[Path] | None, ends: float) -> tuple[list[Trial], str]:
    facts = fingerprint(items)
    if facts.masks == "classes":
        raise ValueError(
            "the masks hold classes, for which the package has no model; train one: cellseg train"
        )
    scale = plan_training(facts).options("shared")["settings#scale"]
    crops = labelled_crops(items)
    trials = [
        try_model(model, one, crops, facts.masks, plain=False)
        for model, one in _tries(trained_models(models, facts.channels), scale)
        if time.monotonic() < ends
    ]
    return trials, "dice" if facts.masks == "binary" else "f1@0.5"


def _tries(models: Sequence[Path], scale: float) -> list[tuple[Path, float]]:
    """Each model at each of its scales; all models at the most likely scale come first."""
    scales = [
        (model, one) for model in models for one in scales_around(scale, kept_settings(model / WEIGHTS))
    ]
    return sorted(scales, key=lambda each: abs(each[1] - scale))


def _by_agreement(
    items: Sequence[Item], models: Sequence[Path] | None, ends: float
) -> tuple[list[Trial], str]:
    crops, channels = contrasting_crops(items), channels_of(items[0])
    cells: dict[tuple[Path, float], list[LabelMap]] = {}
    alone: dict[tuple[Path, float], float] = {}
    seconds: dict[tuple[Path, float], float] = {}
    for scale, model in product(SCALES, trained_models(models, channels)):
        kept = kept_settings(model / WEIGHTS)
        if time.monotonic() >= ends or (finds_scale(kept) and scale != 1):
            continue
        found = segment(model, at_scale(kept, scale), crops)
        again = segment(model, at_scale(kept, SHRUNK * scale), crops, flip=True)
        cells[model, scale] = list(map(plausible, found.cells))
        alone[model, scale] = agreement(cells[model, scale], list(map(plausible, again.cells)))
        seconds[model, scale] = found.seconds
    trials = [
        Trial(model, scale, alone[model, scale] * _with_others(model, scale, cells), seconds[model, scale])
        for model, scale in cells
    ]
    return trials, "agreement"


def _with_others(model: Path, scale: float, cells: Mapping[tuple[Path, float], list[LabelMap]]) -> float:
    """Mean agreement with those other models, each at its best scale, that agree most."""
    others: dict[Path, float] = {}
    for (other, _), maps in cells.items():
        if other != model:
            others[other] = max(others.get(other, 0.0), agreement(cells[model, scale], maps))
    return float(np.mean(sorted(others.values())[-WITNESSES:])) if others else 0.0


def agreement(one: Sequence[LabelMap], other: Sequence[LabelMap]) -> float:
    """Mean F1 at an IoU of 0.5 between the label maps of two models; 0 for maps without cells.

    Example:
        >>> from skimage.data import binary_blobs
        >>> from skimage.measure import label
        >>> cells = label(binary_blobs(64, 0.1, volume_fraction=0.2, rng=0)).astype(np.int32)
        >>> agreement([cells], [cells]), agreement([cells], [0 * cells]), agreement([0 * cells], [0 * cells])
        (1.0, 0.0, 0.0)
    """
    pairs = zip(one, other, strict=True)
    return float(np.mean([score("cells", a, b) if a.any() and b.any() else 0.0 for a, b in pairs]))


def plausible(cells: LabelMap) -> LabelMap:
    """Cells without the objects that are too large to be cells.

    Example:
        >>> plausible(np.array([[1, 1, 1, 1], [1, 1, 0, 2]])).tolist()
        [[0, 0, 0, 0], [0, 0, 0, 2]]
    """
    large = np.bincount(cells.ravel()) > LARGEST * cells.size
    large[0] = False
    return np.where(large[cells], 0, cells).astype(np.int32)
