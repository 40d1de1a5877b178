"""What validation compares a decoded prediction with, by the target of the network."""

from typing import Any

from monai.transforms import Identityd, MapTransform

from cellseg_monai.label_maps import IGNORED
from cellseg_monai.transforms.targets.classes import ClassTarget, ClassTargetd, class_table


def scored_truth(target: Any, key: str = "label") -> MapTransform:
    """Return the transform from a mask to what a decoded prediction is compared with.

    Args:
        target: dictionary transform of the training target.
        key: key of the mask.

    Returns:
        Transform to class numbers for a target of classes, −1 for ignored pixels; otherwise the mask stays as
        it is.

    Example:
        >>> import numpy as np
        >>> target = ClassTargetd("label", classes={"0": 0, "255": 1}, one_hot=True)
        >>> scored_truth(target)({"label": np.array([[[0, 255]]])})
        {'label': array([[[0, 1]]], dtype=int32)}
    """
    if scored_classes(target) is None:
        return Identityd(key)
    return ClassTargetd(key, classes=target.options["classes"])


def scored_classes(target: Any) -> list[int] | None:
    """Return the classes to score, with the background; None if cells are scored against background.

    Args:
        target: dictionary transform of the training target.

    Example:
        >>> scored_classes(ClassTargetd("label", classes={"0": 0, "128": 1, "255": 2}))
        [0, 1, 2]
    """
    if getattr(target, "encodes", None) != ClassTarget.encodes:
        return None
    return sorted(set(class_table(target.options["classes"]).values()) - {IGNORED})
