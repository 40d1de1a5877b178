"""Probabilities beside the cells: for a user who saves them, and for MONAI Label.

MONAI Label scores unannotated images by the uncertainty of the network. For that it runs the postprocessing
of the user without the savers and without ``Invertd``, and treats what is left as probabilities. Label maps
would make no sense there, so :class:`Foregroundd` provides the probability and :class:`Cellsd` the cells.
"""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import Invertd, MapTransform
from monai.utils import convert_to_tensor

from cellseg_monai.instances.decoding import Decoding, Decodingd, like


class Probabilityd(MapTransform):
    """Convert the raw output of a network to the probabilities that a decoding starts from.

    Args:
        keys: keys of the raw outputs.
        decoding: decoding whose activation to apply.
        allow_missing_keys: whether to skip keys that a sample lacks.

    Example:
        >>> from cellseg_monai.instances import Componentsd
        >>> Probabilityd("pred", Componentsd("pred"))({"pred": np.zeros((1, 1, 2), np.float32)})
        {'pred': array([[[0.5, 0.5]]], dtype=float32)}
    """

    backend = Decoding.backend

    def __init__(self, keys: KeysCollection, decoding: Decodingd, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.decoding = _array_transform(decoding)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Activate the maps under the keys; keep their array type, device and metadata."""
        item = dict(data)
        for key in self.key_iterator(data):
            item[key] = like(data[key], self.decoding.probability(data[key]), np.float32)
        return item


class Foregroundd(MapTransform):
    """Convert the raw output of a network to the foreground probability, and keep the output as well.

    Args:
        keys: keys of the raw outputs.
        decoding: decoding of the target that the network was trained for.
        kept: key under which the raw output is kept for :class:`Cellsd`.
        allow_missing_keys: whether to skip keys that a sample lacks.

    Example:
        >>> import torch
        >>> from cellseg_monai.instances import Componentsd
        >>> item = Foregroundd("pred", Componentsd("pred"))({"pred": torch.zeros(1, 1, 2)})
        >>> item["pred"].tolist(), item["logits"].tolist()
        ([[[0.5, 0.5]]], [[[0.0, 0.0]]])
    """

    def __init__(
        self,
        keys: KeysCollection,
        decoding: Decodingd,
        kept: str = "logits",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.decoding = _array_transform(decoding)
        self.kept = kept

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Keep the maps and replace them by the foreground probability."""
        item = dict(data)
        for key in self.key_iterator(data):
            item[self.kept] = data[key]
            item[key] = self.decoding.foreground(convert_to_tensor(data[key], track_meta=True).float())
        return item


class Cellsd(Invertd):
    """Decode the raw output that :class:`Foregroundd` kept.

    It inverts nothing. It is an ``Invertd`` only because MONAI Label leaves these out when it scores images.

    Args:
        keys: keys under which to store the label maps.
        decoding: decoding of the target that the network was trained for.
        kept: key of the raw output, which is removed.
        allow_missing_keys: whether to skip keys that a sample lacks.

    Example:
        >>> import torch
        >>> from cellseg_monai.instances import Componentsd
        >>> item = {"pred": "probability", "logits": torch.tensor([[[2.5, -3.0, 0.7]]])}
        >>> Cellsd("pred", Componentsd("pred"))(item)
        {'pred': tensor([[[1, 0, 2]]], dtype=torch.int32)}
    """

    def __init__(
        self,
        keys: KeysCollection,
        decoding: Decodingd,
        kept: str = "logits",
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.decoding = decoding
        self.kept = kept

    def __call__(self, data: Any) -> dict[Hashable, Any]:
        """Replace the probability by the cells."""
        item = dict(data)
        for key in self.key_iterator(data):
            item[key] = self.decoding.decode(item.pop(self.kept))
        return item


def _array_transform(decoding: Decodingd) -> Decoding:
    decode = getattr(decoding, "decode", None)
    if not isinstance(decode, Decoding):
        raise TypeError(f"{decoding!r} is not a decoding, such as cellseg_monai.instances.Componentsd")
    return decode
