"""What every decoding does first and last: logits to probabilities, and the labels back as the map came."""

import logging
from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_tensor

from cellseg_monai.label_maps import LabelMap

Map = TypeVar("Map", bound="npt.NDArray[Any] | torch.Tensor")
"""A channel-first map, NumPy, torch or MetaTensor."""

Probability = npt.NDArray[np.float32]

logger = logging.getLogger(__name__)


class Decoding(Transform):
    """What the array transforms of all decodings share; each adds its activation and its function.

    Attributes:
        decodes: the target that the network was trained for.
        channels: how many a map of that target has; None where it depends on the classes.

    Args:
        logits: the map is the raw output of a network; False: it holds probabilities.

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

    def __init__(self, logits: bool = True) -> None:
        self.logits = logits

    def __call__(self, prediction: Map) -> Map:
        """Decode a map without batch axis; library, device and meta data stay."""
        decoded: Map = convert_to_dst_type(
            self.decode(self.probability(prediction)), dst=prediction, dtype=np.int32
        )[0]
        return decoded

    def probability(self, prediction: Map) -> Probability:
        """The map as probabilities, checked.

        Raises:
            ValueError: the number of channels is wrong, or ``logits=False`` and there are no probabilities.
        """
        values = convert_to_tensor(prediction, track_meta=False).detach().float()
        wanted = self.channels or values.shape[0]
        if values.ndim not in (3, 4) or values.shape[0] != wanted or wanted < 1:
            raise ValueError(
                f"{type(self).__name__} decodes {self.decodes}: {self.channels or 'one channel a class'}"
                f"{' channel(s)' if self.channels else ''} and two or three spatial axes, not shape "
                f"{tuple(values.shape)}; the decoding must fit the target that the network was trained for"
            )
        self._check_range(values)
        activated = self.activate(values) if self.logits else values
        return np.ascontiguousarray(activated.cpu().numpy())

    def activate(self, logits: torch.Tensor) -> torch.Tensor:
        """Logits to probabilities."""
        raise NotImplementedError

    def decode(self, probability: Probability) -> LabelMap:
        """Probabilities to a channel-first label map."""
        raise NotImplementedError

    def _check_range(self, values: torch.Tensor) -> None:
        probable = values[: 1 if self.decodes == "foreground and distance" else None]
        low, high = (float(end) for end in torch.aminmax(probable)) if probable.numel() else (0.0, 0.0)
        if not np.isfinite([low, high]).all():
            raise ValueError("the map holds NaN or infinite values; look at the network that made it")
        if not self.logits and (low < -1e-4 or high > 1 + 1e-4):
            raise ValueError(
                f"logits=False says that the map holds probabilities, and it reaches from {low:.4g} to "
                f"{high:.4g}; for the raw output of a network leave logits=True"
            )
        if self.logits and low >= 0 and low < high <= 1:
            logger.warning(
                "all values of the map lie between 0 and 1, as probabilities do, and are taken for logits; "
                "if an activation came before, set logits=False"
            )


class Decodingd(MapTransform):
    """What the dictionary transforms of all decodings share: decode the maps under the keys.

    Args:
        keys: maps that a network predicted.
        decode: the array transform of the decoding.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> Decodingd("pred", lambda prediction: prediction > 0)({"pred": np.array([[[-1, 5]]]), "id": 7})
        {'pred': array([[[False,  True]]]), 'id': 7}
    """

    backend = Decoding.backend

    def __init__(
        self, keys: KeysCollection, decode: Callable[[Any], Any], allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.decode = decode

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Decode the maps under the keys."""
        return {**data, **{key: self.decode(data[key]) for key in self.key_iterator(data)}}


class Probabilityd(MapTransform):
    """What a decoding makes of logits before it decodes, to be kept beside the cells.

    Args:
        keys: raw outputs of the network.
        decoding: whose activation it is.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> from cellseg_monai.instances import Componentsd
        >>> Probabilityd("pred", Componentsd("pred"))({"pred": np.zeros((1, 1, 2), np.float32)})
        {'pred': array([[[0.5, 0.5]]], dtype=float32)}
    """

    backend = Decoding.backend

    def __init__(self, keys: KeysCollection, decoding: Decodingd, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        if not isinstance(decoding.decode, Decoding):
            raise TypeError(
                f"{decoding.decode!r} has no activation; give one of the decodings of this package"
            )
        self.decoding = decoding.decode

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Activate the maps under the keys; library, device and meta data stay."""
        return {**data, **{key: self._activated(data[key]) for key in self.key_iterator(data)}}

    def _activated(self, prediction: Map) -> Map:
        probability = self.decoding.probability(prediction)
        activated: Map = convert_to_dst_type(probability, dst=prediction, dtype=np.float32)[0]
        return activated
