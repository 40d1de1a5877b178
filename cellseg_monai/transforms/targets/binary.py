"""Foreground and background."""

from dataclasses import dataclass

import numpy as np

from cellseg_monai.transforms.targets.base import Label, LabelTarget, LabelTargetd, as_given, read_label


def binary_target(label: Label) -> Label:
    """Return 1 in every object and 0 elsewhere.

    Args:
        label: ids, shape (1, spatial…); every value above 0 is foreground, so a mask of 0 and 255 works too.

    Returns:
        uint8 of the same shape.

    Example:
        >>> binary_target(np.array([[[0, 3, 3, 300]]]))
        array([[[0, 1, 1, 1]]], dtype=uint8)
    """
    return as_given((read_label(label) > 0)[None].astype(np.uint8), label)


@dataclass(eq=False)
class BinaryTarget(LabelTarget):
    """Array transform of :func:`binary_target`.

    Example:
        >>> BinaryTarget()(np.array([[[0, 3]]]))
        array([[[0, 1]]], dtype=uint8)
    """

    function = staticmethod(binary_target)
    encodes = "foreground"


class BinaryTargetd(LabelTargetd, of=BinaryTarget):
    """Dictionary transform of :func:`binary_target`.

    Args:
        keys: keys of the label maps.
        allow_missing_keys: skip keys that a sample does not have.

    Example:
        >>> BinaryTargetd("label")({"label": np.array([[[0, 3]]])})
        {'label': array([[[0, 1]]], dtype=uint8)}
    """
