"""Classes for the grey values of a mask, as in blood smears (0 background, 128 cytoplasm, 255 nucleus).

A value may also be ignored, such as the pixels outside the annotated region: they have no class.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fastremap
import numpy as np

from cellseg_monai.label_maps import IGNORED
from cellseg_monai.transforms.source_file import file_name
from cellseg_monai.transforms.targets.base import Label, LabelTarget, LabelTargetd, as_given, read_label
from cellseg_monai.transforms.targets.base import one_hot as one_hot_channels

Classes = Mapping[int, int | str] | Mapping[str, int | str]
IGNORE = "ignore"


def class_target(label: Label, classes: Classes, one_hot: bool = False) -> Label:
    """Replace each value of a mask by its class.

    Args:
        label: values, shape (1, spatial…).
        classes: class index, 0 to 255, of each value, or ``"ignore"`` for pixels that must not count. Several
            values may share a class. Values may be text, because JSON allows only text as keys.
        one_hot: return one channel for each class index up to the highest.

    Returns:
        int32 of the same shape, −1 (:data:`~cellseg_monai.label_maps.IGNORED`) for ignored pixels; with
        ``one_hot`` uint8 of shape (classes, spatial…), where ignored pixels are 0 in every channel.

    Raises:
        ValueError: the mask contains a value that is not in ``classes``, or an index is out of range.

    Example:
        >>> class_target(np.array([[[0, 128, 255, 255]]]), {0: 0, 128: 1, 255: 2})
        array([[[0, 1, 2, 2]]], dtype=int32)
        >>> class_target(np.array([[[0, 128, 255, 255]]]), {0: "ignore", 128: 0, 255: 1}, one_hot=True)
        array([[[0, 1, 0, 0]],
               [[0, 0, 1, 1]]], dtype=uint8)
    """
    table = class_table(classes)
    values = read_label(label)
    unknown = sorted(set(fastremap.unique(values).tolist()) - set(table))
    if unknown:
        raise ValueError(
            f"{file_name(label) or 'the mask'} contains the values {_listed(unknown)}, but classes has only "
            f"{_listed(sorted(table))}; add the missing values to classes, or correct the mask"
        )
    numbers = fastremap.remap(values, table).astype(np.int32, copy=False)
    return as_given(one_hot_channels(numbers, max(table.values()) + 1) if one_hot else numbers[None], label)


def class_table(classes: Classes) -> dict[int, int]:
    """Class index of each value, −1 for those that are ignored.

    Args:
        classes: class index, 0 to 255, or ``"ignore"``, of each value.

    Raises:
        ValueError: an index is out of range, or no value has a class.

    Example:
        >>> class_table({"0": "ignore", "128": 0, "255": 1})
        {0: -1, 128: 0, 255: 1}
    """
    indices = [index for index in classes.values() if index != IGNORE]
    if not indices or any(not (isinstance(index, int) and 0 <= index <= 255) for index in indices):
        raise ValueError(
            f'classes must give each value a class index from 0 to 255, or "{IGNORE}", not {dict(classes)}'
        )
    return {int(value): IGNORED if index == IGNORE else int(index) for value, index in classes.items()}


def _listed(values: list[int]) -> str:
    shown = ", ".join(map(str, values[:10]))
    return shown if len(values) <= 10 else f"{shown}, … ({len(values)} values)"


@dataclass(eq=False)
class ClassTarget(LabelTarget):
    """Array transform of :func:`class_target`.

    Args:
        classes: class index of each value, or ``"ignore"``.
        one_hot: return one channel for each class index up to the highest.

    Example:
        >>> ClassTarget({"0": 0, "128": 1, "255": 1})(np.array([[[0, 128, 255]]]))
        array([[[0, 1, 1]]], dtype=int32)
    """

    classes: Classes
    one_hot: bool = False

    function = staticmethod(class_target)
    encodes = "classes"
    ignores = True

    def __post_init__(self) -> None:
        class_table(self.classes)

    @property
    def channels(self) -> int:  # type: ignore[override]
        """Number of output channels that a network for this target needs."""
        return max(class_table(self.classes).values()) + 1

    @property
    def options(self) -> dict[str, Any]:
        """Constructor options as plain values that JSON can store."""
        return {
            "classes": {str(value): index for value, index in self.classes.items()},
            "one_hot": self.one_hot,
        }


class ClassTargetd(LabelTargetd, of=ClassTarget):
    """Dictionary transform of :func:`class_target`.

    Args:
        keys: keys of the masks.
        classes: class index of each value, or ``"ignore"``.
        one_hot: return one channel for each class index up to the highest.
        allow_missing_keys: skip keys that a sample does not have.

    Example:
        >>> ClassTargetd("label", {0: 0, 255: 1})({"label": np.array([[[0, 255]]])})
        {'label': array([[[0, 1]]], dtype=int32)}
    """
