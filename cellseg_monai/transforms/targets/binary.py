"""Foreground against background."""

import numpy as np
from monai.config import KeysCollection
from monai.transforms import Transform
from monai.utils import TransformBackends

from cellseg_monai.transforms.targets.label import Label, LabelTargetd, as_given, read_label


def binary_target(label: Label) -> Label:
    """1 in every object, 0 elsewhere.

    Args:
        label: ids of shape (1, spatial…), foreground where not 0; a mask of 0 and 255 will do.

    Returns:
        uint8 of the same shape.

    Example:
        >>> binary_target(np.array([[[0, 3, 3, 300]]]))
        array([[[0, 1, 1, 1]]], dtype=uint8)
    """
    return as_given((read_label(label) > 0)[None].astype(np.uint8), label)


class BinaryTarget(Transform):
    """Array transform of :func:`binary_target`.

    Example:
        >>> BinaryTarget()(np.array([[[0, 3]]]))
        array([[[0, 1]]], dtype=uint8)
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __call__(self, label: Label) -> Label:
        """Encode one label map."""
        return binary_target(label)


class BinaryTargetd(LabelTargetd):
    """Dictionary transform of :func:`binary_target`.

    Args:
        keys: label maps.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> BinaryTargetd("label")({"label": np.array([[[0, 3]]])})
        {'label': array([[[0, 1]]], dtype=uint8)}
    """

    backend = BinaryTarget.backend
    encodes = "foreground"

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, BinaryTarget(), allow_missing_keys)
