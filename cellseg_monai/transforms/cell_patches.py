"""Random patches in which the cells have about one size, whatever size they have in the image."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import Randomizable, Transform
from monai.transforms.traits import MultiSampleTrait
from monai.utils import TransformBackends
from torch.nn import functional as F

from cellseg_monai.cell_size import CELL_DIAMETER, known_diameter
from cellseg_monai.dictionary import RandArrayTransformd
from cellseg_monai.transforms.cover import as_patch, one_sample_each

Box = tuple[int, int, int]
"""First row, first column and side of a square of the image."""


@dataclass(eq=False)
class RandCellPatches(Randomizable, Transform, MultiSampleTrait):
    """Cut random squares and resize each so that the median cell has a random size around one diameter.

    The metadata of the image name the diameter of its cells, see :class:`CellDiameterd`. An image without
    cells is taken as it is. A patch has its own diameter in its metadata.

    Args:
        patch_size: side of a patch.
        num_samples: number of patches to cut.
        diameter: diameter of the median cell in a patch.
        spread: factor by which the diameter differs at most, for most patches.
        wide_spread: the same for the other patches, so that the network also learns how large cells are that
            are far too small or too large for it.
        wide_share: share of these patches.
        on_cells: probability that the middle of a patch is in a cell.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> image = MetaTensor(torch.rand(1, 100, 100), meta={"cell_diameter": 10.0})
        >>> crop = RandCellPatches(patch_size=32, diameter=20, spread=1.0, wide_share=0.0).set_random_state(0)
        >>> crop.randomize(image, torch.ones(1, 100, 100))
        >>> crop.boxes[0][2], tuple(crop.cut(image)[0].shape)  # 16 pixels become 32
        (16, (1, 32, 32))
    """

    patch_size: int = 128
    num_samples: int = 1
    diameter: float = 28.0
    spread: float = 1.6
    wide_spread: float = 4.0
    wide_share: float = 0.25
    on_cells: float = 0.7

    backend = [TransformBackends.TORCH]

    def __post_init__(self) -> None:
        if min(self.patch_size, self.num_samples, self.diameter) < 1:
            raise ValueError("patch_size, num_samples and diameter must be at least 1")
        if not 1 <= self.spread <= self.wide_spread:
            raise ValueError(f"spread={self.spread} must be from 1 to wide_spread={self.wide_spread}")
        self.boxes: list[Box] = []

    def randomize(self, image: torch.Tensor, cells: torch.Tensor) -> None:
        """Draw the squares of the next patches from an image and its channel-first label map."""
        rows, columns = torch.nonzero(cells[0], as_tuple=True)
        self.boxes = [
            self._box(known_diameter(image) or self.diameter, tuple(image.shape[1:]), rows, columns)
            for _ in range(self.num_samples)
        ]

    def _box(self, found: float, shape: tuple[int, ...], rows: torch.Tensor, columns: torch.Tensor) -> Box:
        spread = self.wide_spread if self.R.rand() < self.wide_share else self.spread
        scale = self.diameter / found * math.exp(self.R.uniform(-1, 1) * math.log(spread))
        side = max(4, round(self.patch_size / scale))
        if len(rows) and self.R.rand() < self.on_cells:
            index = self.R.randint(len(rows))
            middle = (int(rows[index]), int(columns[index]))
        else:
            middle = (self.R.randint(shape[0]), self.R.randint(shape[1]))
        starts = [self._start(centre, length, side) for centre, length in zip(middle, shape, strict=True)]
        return starts[0], starts[1], side

    def _start(self, centre: int, length: int, side: int) -> int:
        """First pixel of a square around a pixel, inside the image if it fits."""
        if side >= length:
            return (length - side) // 2
        return int(min(max(centre - self.R.randint(side), 0), length - side))

    def __call__(self, img: torch.Tensor, label: torch.Tensor) -> list[MetaTensor]:
        """Cut patches of a channel-first image at squares drawn for it and its label map."""
        self.randomize(img, label)
        return self.cut(img)

    def cut(self, image: torch.Tensor) -> list[MetaTensor]:
        """Cut and resize the squares that :meth:`randomize` drew last.

        Values of a label map are kept; others are interpolated. Beyond the image is 0.
        """
        return [self._patch(image, box) for box in self.boxes]

    def _patch(self, image: torch.Tensor, box: Box) -> MetaTensor:
        row, column, side = box
        pixels = image.as_tensor() if isinstance(image, MetaTensor) else image
        top, left = max(row, 0), max(column, 0)
        part = pixels[:, top : row + side, left : column + side]
        before = (left - column, top - row)
        after = (side - part.shape[2] - before[0], side - part.shape[1] - before[1])
        part = F.pad(part, (before[0], after[0], before[1], after[1]))
        if not part.is_floating_point():
            index = (np.arange(self.patch_size) + 0.5) * side // self.patch_size
            at = torch.from_numpy(index.astype(np.int64))
            part = part[:, at][:, :, at]
        elif side > self.patch_size:
            part = F.interpolate(part[None], (self.patch_size, self.patch_size), mode="area")[0]
        else:
            part = F.interpolate(part[None], (self.patch_size, self.patch_size), mode="bilinear")[0]
        diameter = known_diameter(image)
        patch = as_patch(part, (row, column), image)
        if diameter:
            patch.meta[CELL_DIAMETER] = diameter * self.patch_size / side
        return patch


class RandCellPatchesd(RandArrayTransformd, MultiSampleTrait, of=RandCellPatches):
    """Dictionary version of :class:`RandCellPatches`: a list of samples, with all keys cut alike.

    Args:
        keys: keys of images and label maps with the same spatial shape.
        image_key: key of the image whose metadata name the diameter of the cells.
        label_key: key of the label map on whose cells patches lie.
        allow_missing_keys: skip keys that a sample does not have.

    Example:
        >>> sample = {"image": torch.rand(3, 40, 40), "label": torch.ones(1, 40, 40, dtype=torch.int32)}
        >>> crop = RandCellPatchesd(["image", "label"], "image", "label", patch_size=8, num_samples=2)
        >>> [tuple(each["image"].shape) for each in crop.set_random_state(seed=0)(sample)]
        [(3, 8, 8), (3, 8, 8)]
    """

    def __init__(
        self, keys: KeysCollection, image_key: str, label_key: str, *options: Any, **named_options: Any
    ) -> None:
        super().__init__(keys, *options, **named_options)
        self.image_key, self.label_key = image_key, label_key

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[Hashable, Any]]:
        """Cut the arrays of one sample at squares drawn for its image and label map."""
        self.transform.randomize(data[self.image_key], data[self.label_key])
        return one_sample_each(data, {key: self.transform.cut(data[key]) for key in self.key_iterator(data)})
