"""Classes for the grey values of a mask, as in blood smears (0 background, 128 cytoplasm, 255 nucleus)."""

from collections.abc import Mapping

import fastremap
import numpy as np
from monai.config import KeysCollection
from monai.transforms import Transform
from monai.utils import TransformBackends

from cellseg_monai.transforms.provenance import file_name
from cellseg_monai.transforms.targets.label import Label, LabelTargetd, as_given, read_label
from cellseg_monai.transforms.targets.label import one_hot as hot_channels


def class_target(
    label: Label, classes: Mapping[int, int] | Mapping[str, int], one_hot: bool = False
) -> Label:
    """Replace each value of a mask by its class.

    Args:
        label: values of shape (1, spatial…).
        classes: class index, 0 to 255, of each value. Several values may share a class. Values may be written
            as text, because JSON has no other keys.
        one_hot: a channel for each class index up to the highest.

    Returns:
        uint8 of the same shape; with ``one_hot`` of shape (classes, spatial…).

    Raises:
        ValueError: the mask holds a value that ``classes`` does not list, or an index is out of range.

    Example:
        >>> class_target(np.array([[[0, 128, 255, 255]]]), {0: 0, 128: 1, 255: 2})
        array([[[0, 1, 2, 2]]], dtype=uint8)
    """
    table = _class_table(classes)
    values = read_label(label)
    unknown = sorted(set(fastremap.unique(values).tolist()) - set(table))
    if unknown:
        raise ValueError(
            f"{file_name(label) or 'the mask'} holds {_listed(unknown)}, the classes list only "
            f"{_listed(sorted(table))}; add the missing value or mend the mask"
        )
    numbers = fastremap.remap(values, table).astype(np.uint8)
    return as_given(hot_channels(numbers, _class_count(table)) if one_hot else numbers[None], label)


def _class_table(classes: Mapping[int, int] | Mapping[str, int]) -> dict[int, int]:
    table = {int(value): index for value, index in classes.items()}
    wrong = [index for index in table.values() if not (isinstance(index, int) and 0 <= index <= 255)]
    if wrong or not table:
        raise ValueError(f"classes must give each value a class index from 0 to 255, not {dict(classes)}")
    return table


def _class_count(table: Mapping[int, int]) -> int:
    return max(table.values()) + 1


def _listed(values: list[int]) -> str:
    shown = ", ".join(map(str, values[:10]))
    return shown if len(values) <= 10 else f"{shown}, … ({len(values)} values)"


class ClassTarget(Transform):
    """Array transform of :func:`class_target`.

    Args:
        classes: class index of each value.
        one_hot: a channel for each class index up to the highest.

    Example:
        >>> ClassTarget({"0": 0, "128": 1, "255": 1})(np.array([[[0, 128, 255]]]))
        array([[[0, 1, 1]]], dtype=uint8)
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __init__(self, classes: Mapping[int, int] | Mapping[str, int], one_hot: bool = False) -> None:
        self.classes = _class_table(classes)
        self.one_hot = one_hot

    @property
    def channels(self) -> int:
        """How many outputs a network needs: one for each class index up to the highest."""
        return _class_count(self.classes)

    def __call__(self, label: Label) -> Label:
        """Encode one mask."""
        return class_target(label, self.classes, self.one_hot)


class ClassTargetd(LabelTargetd):
    """Dictionary transform of :func:`class_target`.

    Args:
        keys: masks.
        classes: class index of each value.
        one_hot: a channel for each class index up to the highest.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> ClassTargetd("label", {0: 0, 255: 1})({"label": np.array([[[0, 255]]])})
        {'label': array([[[0, 1]]], dtype=uint8)}
    """

    backend = ClassTarget.backend
    encodes = "classes"

    def __init__(
        self,
        keys: KeysCollection,
        classes: Mapping[int, int] | Mapping[str, int],
        one_hot: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        target = ClassTarget(classes, one_hot)
        super().__init__(keys, target, allow_missing_keys)
        self.channels = target.channels
