"""Cells for a user, and the probability of foreground for a program that asks how sure the network is.

MONAI Label scores the images that nobody has annotated yet, with the same postprocessing as for a user, but
without savers and without ``Invertd``. It takes what is left for probabilities, so label maps would make no
sense there.
"""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import Invertd, MapTransform
from monai.utils import convert_to_tensor

from cellseg_monai.instances.decoding import Decoding, Decodingd

_SIGMOID = ("foreground", "foreground and distance")


class Foregroundd(MapTransform):
    """What a decoding takes for foreground, as a probability of one channel; the raw map is kept beside it.

    Args:
        keys: raw outputs of the network.
        decoding: of the target that the network was trained for.
        kept: name under which the raw output stays, for :class:`Cellsd`.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
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
        if not isinstance(decoding.decode, Decoding):
            raise TypeError(f"{decoding.decode!r} names no target; give one of the decodings of this package")
        self.decoding = decoding.decode
        self.kept = kept

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Keep the maps and replace them by the probability of foreground."""
        item = dict(data)
        for key in self.key_iterator(data):
            item[self.kept] = data[key]
            item[key] = self._foreground(convert_to_tensor(data[key], track_meta=True).float())
        return item

    def _foreground(self, values: torch.Tensor) -> torch.Tensor:
        if self.decoding.decodes in _SIGMOID:
            return values[:1].sigmoid() if self.decoding.logits else values[:1]
        return 1 - (values.softmax(0) if self.decoding.logits else values)[:1]


class Cellsd(Invertd):
    """Decode the raw map that :class:`Foregroundd` has kept.

    It calls itself an ``Invertd`` for the one reason that MONAI Label leaves those out where it scores.

    Args:
        keys: where the label map goes.
        decoding: of the target that the network was trained for.
        kept: name of the raw output; it is removed.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
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
        MapTransform.__init__(self, keys, allow_missing_keys)  # nothing is inverted
        self.decoding = decoding
        self.kept = kept

    def __call__(self, data: Any) -> dict[Hashable, Any]:
        """Put the cells in the place of the probability."""
        item = dict(data)
        for key in self.key_iterator(data):
            item[key] = self.decoding.decode(item.pop(self.kept))
        return item
