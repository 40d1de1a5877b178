"""Classes for the grey values of a mask, as in blood smears (0 background, 128 cytoplasm, 255 nucleus)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fastremap
import numpy as np

from cellseg_monai.transforms.source_file import file_name
from cellseg_monai.transforms.targets.base import Label, LabelTarget, LabelTargetd, as_given, read_label
from cellseg_monai.transforms.targets.base import one_hot as one_hot_channels

Classes = Mapping[int, int] | Mapping[str, int]


def class_target(label: Label, classes: Classes, one_hot: bool = False) -> Label:
    """Replace each value of a mask by its class.

    Args:
        label: values, shape (1, spatial…).
        classes: class index, 0 to 255, of each value. Several values may share a class. Values may be text,
            because JSON allows only text as keys.
        one_hot: return one channel for each class index up to the highest.

    Returns:
        uint8 of the same shape; with ``one_hot`` of shape (classes, spatial…).

    Raises:
        ValueError: the mask contains a value that is not in ``classes``, or an index is out of range.

    Example:
        >>> class_target(np.array([[[0, 128, 255, 255]]]), {0: 0, 128: 1, 255: 2})
        array([[[0, 1, 2, 2]]], dtype=uint8)
    """
    table = _class_table(classes)
    values = read_label(label)
    unknown = sorted(set(fastremap.unique(values).tolist()) - set(table))
    if unknown:
        raise ValueError(
            f"{file_name(label) or 'the mask'} contains the values {_listed(unknown)}, but classes has only "
            f"{_listed(sorted(table))}; add the missing values to classes, or correct the mask"
        )
    numbers = fastremap.remap(values, table).astype(np.uint8)
    return as_given(one_hot_channels(numbers, max(table.values()) + 1) if one_hot else numbers[None], label)


def _class_table(classes: Classes) -> dict[int, int]:
    table = {int(value): index for value, index in classes.items()}
    wrong = [index for index in table.values() if not (isinstance(index, int) and 0 <= index <= 255)]
    if wrong or not table:
        raise ValueError(f"classes must give each value a class index from 0 to 255, not {dict(classes)}")
    return table


def _listed(values: list[int]) -> str:
    shown = ", ".join(map(str, values[:10]))
    return shown if len(values) <= 10 else f"{shown}, … ({len(values)} values)"


@dataclass(eq=False)
class ClassTarget(LabelTarget):
    """Array transform of :func:`class_target`.

    Args:
        classes: class index of each value.
        one_hot: return one channel for each class index up to the highest.

    Example:
        >>> ClassTarget({"0": 0, "128": 1, "255": 1})(np.array([[[0, 128, 255]]]))
        array([[[0, 1, 1]]], dtype=uint8)
    """

    classes: Classes
    one_hot: bool = False

    function = staticmethod(class_target)
    encodes = "classes"

    def __post_init__(self) -> None:
        _class_table(self.classes)

    @property
    def channels(self) -> int:  # type: ignore[override]
        """Number of output channels that a network for this target needs."""
        return max(self.classes.values()) + 1

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
        classes: class index of each value.
        one_hot: return one channel for each class index up to the highest.
        allow_missing_keys: skip keys that a sample does not have.

    Example:
        >>> ClassTargetd("label", {0: 0, 255: 1})({"label": np.array([[[0, 255]]])})
        {'label': array([[[0, 1]]], dtype=uint8)}
    """
