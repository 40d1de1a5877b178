"""Random patches, balanced by how much foreground they hold.

Most patches of a sparse image are background, and in a crowded one hardly any is. Patches are therefore drawn
in given shares from three regimes, the same that the dynamic loss of source 000 tells apart: background (no
foreground), small (less than 6.25 %) and large. MONAI's ``RandCropByPosNegLabel`` balances the centre pixel
alone, and lists the index of every pixel to do so.
"""

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from math import ceil, prod
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
from cellseg_monai.transforms.padding import pad_end, sizes_per_axis
from cellseg_monai.transforms.patches import Location, cut
from cellseg_monai.transforms.provenance import common_spatial_shape


def foreground_per_patch(
    mask: npt.ArrayLike, patch_size: Sequence[int] | int
) -> npt.NDArray[np.unsignedinteger]:
    """Count the foreground of every patch position at once.

    Sums along one axis after the other, each the difference of two running sums: the work is linear in the
    pixels and does not depend on the patch size. The running sums may wrap round; their differences are exact
    all the same, because a patch's own count fits the dtype.

    Args:
        mask: foreground where not zero, without channels, at least as large as a patch.
        patch_size: side of a patch, one number or one for each axis.

    Returns:
        At each position where a patch can start, the number of its foreground pixels.

    Example:
        >>> foreground_per_patch([[1, 0, 0, 1, 1]], patch_size=(1, 2))
        array([[1, 0, 1, 2]], dtype=uint8)
    """
    foreground = np.asarray(mask) != 0
    sizes = sizes_per_axis(patch_size, foreground.ndim, "patch_size")
    if any(length < size for length, size in zip(foreground.shape, sizes, strict=True)):
        raise ValueError(f"the mask {foreground.shape} is smaller than a patch {sizes}; pad it")
    counts: npt.NDArray[np.unsignedinteger] = foreground.astype(np.min_scalar_type(prod(sizes)))
    for axis, size in enumerate(sizes):
        running = _running_sum(counts, axis)
        before = (slice(None),) * axis
        counts = running[(*before, slice(size - 1, None))].copy()
        counts[(*before, slice(1, None))] -= running[(*before, slice(None, -size))]
    return counts


def _running_sum(values: npt.NDArray[Any], axis: int) -> npt.NDArray[Any]:
    if axis == values.ndim - 1:
        return values.cumsum(axis=axis, dtype=values.dtype)
    slices = np.moveaxis(values.copy(), axis, 0)
    for above, here in pairwise(slices):  # thirty times faster than cumsum across rows
        here += above
    return np.moveaxis(slices, 0, axis)


def balanced_locations(
    mask: npt.ArrayLike,
    patch_size: Sequence[int] | int,
    num_samples: int,
    random_state: np.random.RandomState,
    shares: Sequence[float] = (1.0, 1.0, 1.0),
    small_fraction: float = 0.0625,
) -> list[Location]:
    """Draw where random patches start, by regime first and evenly within the regime.

    Args:
        mask: foreground where not zero, without channels, at least as large as a patch.
        patch_size: side of a patch, one number or one for each axis.
        num_samples: how many to draw, with replacement.
        random_state: source of chance.
        shares: weights of patches without foreground, with little, and with much. A regime that the mask
            lacks leaves its share to the others; if nothing is left, those present share evenly.
        small_fraction: part of the patch from which on its foreground is much.

    Returns:
        The starts.

    Example:
        >>> mask = [[0, 0, 0, 0, 1]]
        >>> balanced_locations(mask, (1, 2), 3, np.random.RandomState(0), shares=(0, 1, 1))
        [(0, 3), (0, 3), (0, 3)]
    """
    counts = foreground_per_patch(mask, patch_size)
    threshold = ceil(small_fraction * prod(sizes_per_axis(patch_size, counts.ndim, "patch_size")))
    regimes = (counts > 0).astype(np.uint8) + (counts >= threshold)
    members = np.stack([(regimes == regime).reshape(len(regimes), -1).sum(axis=1) for regime in range(3)])
    present = members.any(axis=1)
    weights = np.where(present, shares, 0.0)
    weights = weights if weights.any() else present.astype(float)
    drawn = random_state.choice(3, size=num_samples, p=weights / weights.sum())
    return [_draw_member(regimes, regime, members[regime].cumsum(), random_state) for regime in drawn]


def _draw_member(
    regimes: npt.NDArray[np.uint8],
    regime: int,
    members_until: npt.NDArray[np.int64],
    random_state: np.random.RandomState,
) -> Location:
    """One position of the regime, all equally likely; only the slice that holds it is searched."""
    rank = random_state.randint(members_until[-1], dtype=np.int64)
    first = int(np.searchsorted(members_until, rank, side="right"))
    within = np.flatnonzero(regimes[first] == regime)[rank - members_until[first]]  # counted from the end
    return (first, *(int(index) for index in np.unravel_index(within, regimes.shape[1:])))


class RandBalancedPatches(Randomizable, Transform, MultiSampleTrait):  # type: ignore[misc]
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

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]  # noqa: RUF012

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
        if len(shares) != 3 or min(shares) < 0 or not 0 < sum(shares) < float("inf"):
            raise ValueError(f"shares must be three weights, none negative and not all 0, not {shares}")
        if not 0 < small_fraction <= 1:
            raise ValueError(f"small_fraction must lie above 0 and not above 1, not {small_fraction}")
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


class RandBalancedPatchesd(Randomizable, MapTransform, MultiSampleTrait):  # type: ignore[misc]
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
