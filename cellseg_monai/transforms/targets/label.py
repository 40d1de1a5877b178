"""What every encoding does first and last: read the label map, and return the target as the label came."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type, convert_to_numpy

from cellseg_monai.label_maps import LabelMap, as_label_map
from cellseg_monai.transforms.provenance import file_name

Label = TypeVar("Label", bound="npt.NDArray[Any] | torch.Tensor")
"""A channel-first label map of one channel, NumPy, torch or MetaTensor."""


def read_label(label: npt.NDArray[Any] | torch.Tensor) -> LabelMap:
    """The ids without the channel axis.

    Raises:
        ValueError: there is not one channel in front, or the values are no ids (an interpolated mask); the
            message names the file where it is known.

    Example:
        >>> read_label(torch.tensor([[[0.0, 2.0]]]))
        array([[0, 2]], dtype=int32)
    """
    values = convert_to_numpy(label)
    if values.ndim not in (3, 4) or values.shape[0] != 1:
        raise ValueError(
            f"{_origin(label)}a label map has one channel and two or three spatial axes, not shape "
            f"{values.shape}; load it with EnsureChannelFirst, or select a channel"
        )
    try:
        return as_label_map(values[0])
    except ValueError as error:
        raise ValueError(f"{_origin(label)}{error}") from error


def as_given(target: npt.NDArray[Any], label: Label) -> Label:
    """The target in the library, on the device and with the meta data of the label.

    Example:
        >>> import numpy as np
        >>> as_given(np.array([[[1]]], np.uint8), torch.zeros(1, 1, 1))
        tensor([[[1]]], dtype=torch.uint8)
    """
    converted: Label = convert_to_dst_type(target, dst=label, dtype=target.dtype)[0]
    return converted


def one_hot(numbers: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.uint8]:
    """A channel for each class number, of shape (count, spatial…).

    Example:
        >>> one_hot(np.array([0, 2], np.uint8), 3)
        array([[1, 0],
               [0, 0],
               [0, 1]], dtype=uint8)
    """
    classes = np.arange(count).reshape(-1, *(1,) * numbers.ndim)
    return np.equal(numbers, classes).astype(np.uint8)


def _origin(label: Any) -> str:
    return f"{file_name(label)}: " if file_name(label) else ""


class LabelTargetd(MapTransform):
    """Encode the label maps under the keys: what the dictionary transforms of all encodings share.

    Attributes:
        encodes: what the target says of a pixel; a decoding that belongs to it says the same in ``decodes``.
        channels: how many outputs a network needs to be trained for it.
        distances: how many of these, the last ones, are distances and no logits.

    Args:
        keys: label maps.
        target: the array transform of the encoding.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> LabelTargetd("label", target=lambda label: label > 0)({"label": np.array([[[0, 5]]]), "id": 7})
        {'label': array([[[False,  True]]]), 'id': 7}
    """

    encodes: ClassVar[str]
    channels: int = 1
    distances: ClassVar[int] = 0

    def __init__(
        self, keys: KeysCollection, target: Callable[[Any], Any], allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.target = target

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Encode the label maps under the keys."""
        return {**data, **{key: self.target(data[key]) for key in self.key_iterator(data)}}
