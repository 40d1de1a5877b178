"""Base classes of all decodings: an array transform from a prediction to labels, and its dictionary twin.

A new decoding is one file with three parts: a function that turns probabilities into a label map, a
:class:`Decoding` whose fields are its options, and a :class:`Decodingd` that names this class.
"""

import logging
from abc import abstractmethod
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from monai.data import MetaTensor
from monai.transforms import Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_tensor

from cellseg_monai.cell_size import NETWORK_SCALE
from cellseg_monai.dictionary import ArrayTransformd
from cellseg_monai.label_maps import LabelMap

Map = TypeVar("Map", bound="npt.NDArray[Any] | torch.Tensor")
"""Channel-first map as NumPy array, tensor or MetaTensor."""

Probability = npt.NDArray[np.float32]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Decoding(Transform):
    """Array transform from the output of a network to a label map; the base class of all decodings.

    Attributes:
        decodes: training target that the decoding belongs to.
        channels: number of channels of that target; None if it depends on the classes.
        background_first: whether the first channel is background. Otherwise it is foreground, and
            further channels are not probabilities.

    Args:
        logits: whether the input is the raw output of a network. If False, it holds probabilities.

    Example:
        >>> from cellseg_monai.instances import Components
        >>> Components.decodes
        'foreground'
        >>> Components(logits=False)(np.array([[[0.4, 0.6]]]))
        array([[[0, 1]]], dtype=int32)
    """

    backend = [TransformBackends.NUMPY]
    decodes: ClassVar[str]
    channels: ClassVar[int | None]
    background_first: ClassVar[bool]

    logits: bool = True

    @property
    def options(self) -> dict[str, Any]:
        """Options that reproduce this decoding, as plain values for JSON."""
        return {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in asdict(self).items()
        }

    def __call__(self, prediction: Map) -> Map:
        """Decode a prediction without batch axis; keep its array type, device and metadata."""
        decoding = self.at_scale(scale_of(prediction))
        return like(prediction, decoding.decode(decoding.probability(prediction)), np.int32)

    def at_scale(self, scale: float) -> "Decoding":
        """Return the decoding for a network that saw the image at a scale: areas are those that it saw."""
        own = [name for name in ("min_size", "max_hole") if hasattr(self, name)]
        changed = {name: round(getattr(self, name) / scale**2) for name in own}
        return replace(self, **changed) if scale != 1 else self

    def probability(self, prediction: Map) -> Probability:
        """Check a prediction and convert it to probabilities."""
        values = self.checked(prediction)
        activated = self.activate(values) if self.logits else values
        return np.ascontiguousarray(activated.cpu().numpy())

    def foreground(self, prediction: torch.Tensor) -> torch.Tensor:
        """Foreground probability of a prediction, with one channel."""
        values = self.activate(prediction) if self.logits else prediction
        return 1 - values[:1] if self.background_first else values[:1]

    def checked(self, prediction: Map) -> torch.Tensor:
        """Convert a prediction to a float tensor and check it.

        Raises:
            ValueError: If the number of channels is wrong, a value is not finite, or ``logits=False`` and
                the values are not probabilities.
        """
        values: torch.Tensor = convert_to_tensor(prediction, track_meta=False).detach().float()
        channels = self.channels or values.shape[0]
        if values.ndim not in (3, 4) or values.shape[0] != channels or channels < 1:
            raise ValueError(
                f"{type(self).__name__} decodes {self.decodes}: it needs {self.channels or 'one per class'} "
                f"channel(s) and two or three spatial axes, not shape {tuple(values.shape)}; "
                "choose the decoding of the target that the network was trained for"
            )
        self._check_range(values if self.background_first else values[:1])
        return values

    def activate(self, logits: torch.Tensor) -> torch.Tensor:
        """Convert logits to probabilities: softmax over classes, or sigmoid on the foreground only."""
        if self.background_first:
            return logits.softmax(dim=0)
        return torch.cat([logits[:1].sigmoid(), logits[1:]])

    @abstractmethod
    def decode(self, probability: Probability) -> LabelMap:
        """Convert probabilities to a channel-first label map."""

    def _check_range(self, values: torch.Tensor) -> None:
        low, high = (float(end) for end in torch.aminmax(values)) if values.numel() else (0.0, 0.0)
        if not np.isfinite([low, high]).all():
            raise ValueError("the prediction contains NaN or infinite values; check the network")
        if not self.logits and (low < -1e-4 or high > 1 + 1e-4):
            raise ValueError(
                f"logits=False expects probabilities, but the values range from {low:.4g} to {high:.4g}; "
                "use logits=True for the raw output of a network"
            )
        if self.logits and low >= 0 and low < high <= 1:
            logger.warning(
                "all values of the prediction lie between 0 and 1 like probabilities, but are treated as "
                "logits; set logits=False if an activation was already applied"
            )


def scale_of(prediction: object) -> float:
    """Scale at which the network saw the image of a prediction, if its metadata name one.

    Example:
        >>> scale_of(np.zeros((1, 4, 4)))
        1.0
    """
    value = prediction.meta.get(NETWORK_SCALE, 1.0) if isinstance(prediction, MetaTensor) else 1.0
    return float(np.ravel(value)[0])


def like(prediction: Map, values: npt.NDArray[Any], dtype: npt.DTypeLike) -> Map:
    """Give values the array type, device and metadata of a prediction."""
    converted: Map = convert_to_dst_type(values, dst=prediction, dtype=dtype)[0]
    return converted


class Decodingd(ArrayTransformd):
    """Dictionary transform of a decoding; the base class of all of them.

    A subclass names its array class and needs nothing else. It takes the options of that class, by name.

    Args:
        keys: keys of the predictions to decode.
        allow_missing_keys: whether to skip keys that a sample lacks.
        options: options of the array class, by name.

    Attributes:
        decode: array transform.
        decodes: training target that the decoding belongs to.
        options: options that reproduce this decoding, without keys, as plain values for JSON.

    Raises:
        TypeError: If the array class does not have an option.

    Example:
        >>> import inspect
        >>> from cellseg_monai.instances import Components
        >>> class Componentsd(Decodingd, of=Components):
        ...     pass
        >>> inspect.signature(Componentsd).parameters["threshold"]
        <Parameter "threshold: float = 0.5">
        >>> Componentsd("pred", threshold=0.7).options["threshold"]
        0.7
    """

    decode = property(attrgetter("transform"))
    decodes = property(attrgetter("transform.decodes"))
    options = property(attrgetter("transform.options"))
