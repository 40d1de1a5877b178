"""Random patches, balanced by how much foreground they hold: the transforms over ``foreground``.

MONAI's ``RandCropByPosNegLabel`` balances the centre pixel alone, and stores an index of every pixel for it.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Randomizable, Transform
from monai.transforms.traits import MultiSampleTrait
from monai.utils import TransformBackends, convert_to_numpy

from cellseg_monai.transforms.cover import as_patch
from cellseg_monai.transforms.foreground import balanced_locations, require_balance
from cellseg_monai.transforms.padding import pad_end, sizes_per_axis
from cellseg_monai.transforms.patches import Location, cut
from cellseg_monai.transforms.provenance import common_spatial_shape


class RandBalancedPatches(Randomizable, Transform, MultiSampleTrait):
    """Cut random patches of an image, balanced by the foreground of its label.

    Args:
        patch_size: side of a patch, one number or one for each spatial axis. A smaller image is padded with
            zeros at the end.
        num_samples: how many patches to cut.
        shares: weights of patches without foreground, with little, and with much; a regime that the image
            lacks leaves its share to the others.
        small_fraction: part of the patch from which on its foreground is much.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> label = torch.zeros(1, 64, 64)
        >>> label[:, :4, :4] = 1  # one cell in a corner: a random patch would miss it
        >>> crop = RandBalancedPatches(patch_size=16, num_samples=4, shares=(0, 1, 1))
        >>> _ = crop.set_random_state(seed=0)
        >>> [bool(patch.any()) for patch in crop(label, label)]
        [True, True, True, True]
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __init__(
        self,
        patch_size: Sequence[int] | int = 128,
        num_samples: int = 1,
        shares: Sequence[float] = (1.0, 1.0, 1.0),
        small_fraction: float = 0.0625,
    ) -> None:
        sizes_per_axis(patch_size, 1 if isinstance(patch_size, int) else len(patch_size), "patch_size")
        if num_samples < 1:
            raise ValueError(f"num_samples must be at least 1, not {num_samples}")
        require_balance(shares, small_fraction)
        self.patch_size = patch_size
        self.num_samples = num_samples
        self.shares = shares
        self.small_fraction = small_fraction
        self.locations: list[Location] = []

    def randomize(self, label: npt.NDArray[Any] | torch.Tensor) -> None:
        """Draw the places of the next patches from a channel-first label, foreground where not zero."""
        mask = (convert_to_numpy(label) != 0).any(axis=0)
        mask = pad_end(mask, sizes_per_axis(self.patch_size, mask.ndim, "patch_size"), channel_dim=None)
        self.locations = balanced_locations(
            mask, self.patch_size, self.num_samples, self.R, self.shares, self.small_fraction
        )

    def __call__(
        self, img: npt.NDArray[Any] | torch.Tensor, label: npt.NDArray[Any] | torch.Tensor
    ) -> list[MetaTensor]:
        """Cut patches of a channel-first image at places drawn for its label."""
        common_spatial_shape({"img": img, "label": label}, ["img", "label"])
        self.randomize(label)
        return self.cut(img)

    def cut(self, img: npt.NDArray[Any] | torch.Tensor) -> list[MetaTensor]:
        """Cut patches at the places that :meth:`randomize` drew last."""
        if not self.locations:
            raise ValueError("no places are drawn yet; call randomize(label) first")
        sizes = sizes_per_axis(self.patch_size, img.ndim - 1, "patch_size")
        pixels = pad_end(img.as_tensor() if isinstance(img, MetaTensor) else img, sizes)
        return [as_patch(cut(pixels, location, sizes), location, img) for location in self.locations]


class RandBalancedPatchesd(Randomizable, MapTransform, MultiSampleTrait):
    """Dictionary version of :class:`RandBalancedPatches`: a list of samples, all keys cut at the same places.

    What stands under other keys goes into each sample as it is.

    Args:
        keys: images and label maps of one spatial shape.
        label_key: the one whose foreground balances the patches; it may be among ``keys`` or not.
        patch_size: side of a patch, one number or one for each spatial axis.
        num_samples: how many patches to cut.
        shares: weights of patches without foreground, with little, and with much.
        small_fraction: part of the patch from which on its foreground is much.
        allow_missing_keys: pass over keys that a sample lacks; the label is always needed.

    Raises:
        ValueError: an argument is out of its range, or the arrays of a sample differ in spatial shape.

    Example:
        >>> sample = {"image": torch.rand(3, 40, 40), "label": torch.eye(40)[None]}
        >>> crop = RandBalancedPatchesd(["image", "label"], label_key="label", patch_size=8, num_samples=2)
        >>> [tuple(each["image"].shape) for each in crop.set_random_state(seed=0)(sample)]
        [(3, 8, 8), (3, 8, 8)]
    """

    backend = RandBalancedPatches.backend

    def __init__(
        self,
        keys: KeysCollection,
        label_key: str,
        patch_size: Sequence[int] | int = 128,
        num_samples: int = 1,
        shares: Sequence[float] = (1.0, 1.0, 1.0),
        small_fraction: float = 0.0625,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.label_key = label_key
        self.cropper = RandBalancedPatches(patch_size, num_samples, shares, small_fraction)

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> "RandBalancedPatchesd":
        """Make the draws repeatable."""
        self.cropper.set_random_state(seed, state)
        super().set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[Hashable, Any]]:
        """Cut the arrays under the keys at places drawn for the label."""
        present = list(self.key_iterator(data))
        common_spatial_shape(data, [*present, self.label_key])
        self.cropper.randomize(data[self.label_key])
        patches = {key: self.cropper.cut(data[key]) for key in present}
        return [
            {**data, **dict(zip(patches, together, strict=True))}
            for together in zip(*patches.values(), strict=True)
        ]
