"""The parts that all encodings share: read the label map, return the target in the type of the label."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from monai.transforms import Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_numpy

from cellseg_monai.dictionary import ArrayTransformd
from cellseg_monai.label_maps import LabelMap, as_label_map
from cellseg_monai.transforms.source_file import file_name

Label = TypeVar("Label", bound="npt.NDArray[Any] | torch.Tensor")
"""Channel-first label map with one channel: NumPy array, tensor or MetaTensor."""


def read_label(label: npt.NDArray[Any] | torch.Tensor) -> LabelMap:
    """Return the ids without the channel axis.

    Raises:
        ValueError: the array does not have exactly one channel, or its values are not ids (an interpolated
            mask). The message names the file if it is known.

    Example:
        >>> read_label(torch.tensor([[[0.0, 2.0]]]))
        array([[0, 2]], dtype=int32)
    """
    values = convert_to_numpy(label)
    where = f"{file_name(label)}: " if file_name(label) else ""
    if values.ndim not in (3, 4) or values.shape[0] != 1:
        raise ValueError(
            f"{where}a label map has one channel and two or three spatial axes, not shape {values.shape}; "
            "load it with EnsureChannelFirst, or select a channel"
        )
    try:
        return as_label_map(values[0])
    except ValueError as error:
        raise ValueError(f"{where}{error}") from error


def as_given(target: npt.NDArray[Any], label: Label) -> Label:
    """Return the target in the library, on the device and with the metadata of the label.

    Example:
        >>> import numpy as np
        >>> as_given(np.array([[[1]]], np.uint8), torch.zeros(1, 1, 1))
        tensor([[[1]]], dtype=torch.uint8)
    """
    converted: Label = convert_to_dst_type(target, dst=label, dtype=target.dtype)[0]
    return converted


def one_hot(numbers: npt.NDArray[Any], count: int) -> npt.NDArray[np.uint8]:
    """Return one channel for each class number from 0, shape (count, spatial…).

    Example:
        >>> one_hot(np.array([0, 2], np.uint8), 3)
        array([[1, 0],
               [0, 0],
               [0, 1]], dtype=uint8)
    """
    classes = np.arange(count).reshape(-1, *(1,) * numbers.ndim)
    channels: npt.NDArray[np.uint8] = np.equal(numbers, classes).astype(np.uint8)
    return channels


class LabelTarget(Transform):
    """Base of the array transforms that encode a label map. A subclass is a dataclass of its options.

    Attributes:
        function: function that encodes a label map.
        encodes: meaning of the target; the matching decoding has the same text in ``decodes``.
        channels: number of output channels that a network for this target needs.
        distances: number of these channels, the last ones, that are distances and not logits.
        ignores: whether pixels that are 0 in every channel do not count in the loss.
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]
    function: ClassVar[Callable[..., Any]]
    encodes: ClassVar[str]
    channels: int = 1
    distances: ClassVar[int] = 0
    ignores: ClassVar[bool] = False

    @property
    def options(self) -> dict[str, Any]:
        """Constructor options as plain values that JSON can store."""
        return dict(vars(self))

    def __call__(self, label: Label) -> Label:
        """Encode one label map."""
        target: Label = type(self).function(label, **self.options)
        return target


class LabelTargetd(ArrayTransformd):
    """Base of the dictionary transforms that encode label maps.

    Attributes:
        encodes: meaning of the target; the matching decoding has the same text in ``decodes``.
        channels: number of output channels that a network for this target needs.
        distances: number of these channels, the last ones, that are distances and not logits.
        ignores: whether pixels that are 0 in every channel do not count in the loss.
        options: constructor options without the keys, as plain values that JSON can store.

    Example:
        >>> from cellseg_monai.transforms import BoundaryTargetd
        >>> target = BoundaryTargetd("label", one_hot=True)
        >>> target.encodes, target.channels, target.distances, target.options
        ('interior and boundary', 3, 0, {'form': 'every_object', 'one_hot': True})
    """

    encodes = property(attrgetter("transform.encodes"))
    channels = property(attrgetter("transform.channels"))
    distances = property(attrgetter("transform.distances"))
    ignores = property(attrgetter("transform.ignores"))
    options = property(attrgetter("transform.options"))
