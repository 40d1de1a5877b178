"""Write the size of the cells into the metadata of images."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import TransformBackends

from cellseg_monai.cell_size import CELL_DIAMETER, cell_diameter
from cellseg_monai.transforms.targets.base import read_label


class CellDiameterd(MapTransform):
    """Write the diameter of the median cell of a label map into the metadata of images; 0 if it has none.

    Args:
        keys: keys of the images that get the diameter.
        label_key: key of the label map with ids.
        allow_missing_keys: skip keys that a sample does not have.

    Example:
        >>> sample = {"image": torch.zeros(1, 9, 9), "label": torch.ones(1, 9, 9, dtype=torch.int32)}
        >>> round(CellDiameterd("image", label_key="label")(sample)["image"].meta["cell_diameter"], 1)
        10.2
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __init__(self, keys: KeysCollection, label_key: str, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.label_key = label_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Measure the label map of one sample."""
        diameter = cell_diameter(read_label(data[self.label_key])) or 0.0
        return {**data, **{key: _with_diameter(data[key], diameter) for key in self.key_iterator(data)}}


def _with_diameter(image: Any, diameter: float) -> MetaTensor:
    meta = image.meta if isinstance(image, MetaTensor) else {}
    return MetaTensor(torch.as_tensor(image), meta={**meta, CELL_DIAMETER: diameter})
