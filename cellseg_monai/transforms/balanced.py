"""Transforms that cut random patches, balanced by the amount of foreground in them.

MONAI's ``RandCropByPosNegLabel`` balances only the centre pixel, and stores the index of every pixel for it.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy.typing as npt
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import Randomizable, Transform
from monai.transforms.traits import MultiSampleTrait
from monai.utils import TransformBackends, convert_to_numpy

from cellseg_monai.dictionary import RandArrayTransformd
from cellseg_monai.transforms.cover import as_patch, one_sample_each, require_same_shape
from cellseg_monai.transforms.foreground import balanced_locations, require_balance
from cellseg_monai.transforms.patches import Location, Sizes, cut, pad_end, sizes_per_axis


@dataclass(eq=False)
class RandBalancedPatches(Randomizable, Transform, MultiSampleTrait):
    """Cut random patches of an image, balanced by the foreground of its label: the values above 0.

    Args:
        patch_size: side of a patch, one number or one for each spatial axis. A smaller image is padded with
            zeros at the end.
        num_samples: number of patches to cut.
        shares: weights of patches without foreground, with little foreground, and with much foreground. If an
            image has no patch of one kind, the others share its weight.
        small_fraction: fraction of foreground from which on a patch has much foreground.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> label = torch.zeros(1, 64, 64)
        >>> label[:, :4, :4] = 1  # one cell in a corner: a random patch would miss it
        >>> crop = RandBalancedPatches(patch_size=16, num_samples=4, shares=(0, 1, 1))
        >>> _ = crop.set_random_state(seed=0)
        >>> [bool(patch.any()) for patch in crop(label, label)]
        [True, True, True, True]
    """

    patch_size: Sizes = 128
    num_samples: int = 1
    _: KW_ONLY
    shares: Sequence[float] = (1.0, 1.0, 1.0)
    small_fraction: float = 0.0625

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __post_init__(self) -> None:
        dims = 1 if isinstance(self.patch_size, int) else len(self.patch_size)
        sizes_per_axis(self.patch_size, dims, "patch_size")
        if self.num_samples < 1:
            raise ValueError(f"num_samples must be at least 1, not {self.num_samples}")
        require_balance(self.shares, self.small_fraction)
        self.locations: list[Location] = []

    def randomize(self, label: npt.NDArray[Any] | torch.Tensor) -> None:
        """Draw the locations of the next patches from a channel-first label whose foreground is above 0."""
        mask = (convert_to_numpy(label) > 0).any(axis=0)
        mask = pad_end(mask, sizes_per_axis(self.patch_size, mask.ndim, "patch_size"), channel_dim=None)
        self.locations = balanced_locations(
            mask,
            self.patch_size,
            self.num_samples,
            self.R,
            shares=self.shares,
            small_fraction=self.small_fraction,
        )

    def __call__(
        self, img: npt.NDArray[Any] | torch.Tensor, label: npt.NDArray[Any] | torch.Tensor
    ) -> list[MetaTensor]:
        """Cut patches of a channel-first image at locations drawn for its label."""
        require_same_shape({"img": img, "label": label}, ["img", "label"])
        self.randomize(label)
        return self.cut(img)

    def cut(self, img: npt.NDArray[Any] | torch.Tensor) -> list[MetaTensor]:
        """Cut patches at the locations that :meth:`randomize` drew last."""
        if not self.locations:
            raise ValueError("no locations are drawn yet; call randomize(label) first")
        sizes = sizes_per_axis(self.patch_size, img.ndim - 1, "patch_size")
        pixels = pad_end(img.as_tensor() if isinstance(img, MetaTensor) else img, sizes)
        return [as_patch(cut(pixels, location, sizes), location, img) for location in self.locations]


class RandBalancedPatchesd(RandArrayTransformd, MultiSampleTrait, of=RandBalancedPatches):
    """Dictionary version of :class:`RandBalancedPatches`: a list of samples, with all keys cut alike.

    The values of other keys are copied to every sample.

    Args:
        keys: keys of images and label maps with the same spatial shape.
        label_key: key of the label map whose foreground balances the patches; ``keys`` may contain it or not.
        patch_size: side of a patch, one number or one for each spatial axis.
        num_samples: number of patches to cut.
        shares: weights of patches without foreground, with little foreground, and with much foreground.
        small_fraction: fraction of foreground from which on a patch has much foreground.
        allow_missing_keys: skip keys that a sample does not have; the label is always required.

    Raises:
        ValueError: an argument is out of range, or the arrays of a sample differ in spatial shape.

    Example:
        >>> sample = {"image": torch.rand(3, 40, 40), "label": torch.eye(40)[None]}
        >>> crop = RandBalancedPatchesd(["image", "label"], label_key="label", patch_size=8, num_samples=2)
        >>> [tuple(each["image"].shape) for each in crop.set_random_state(seed=0)(sample)]
        [(3, 8, 8), (3, 8, 8)]
    """

    def __init__(self, keys: KeysCollection, label_key: str, *options: Any, **named_options: Any) -> None:
        super().__init__(keys, *options, **named_options)
        self.label_key = label_key

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[Hashable, Any]]:
        """Cut the arrays of one sample at locations drawn for the label."""
        present = list(self.key_iterator(data))
        require_same_shape(data, [*present, self.label_key])
        self.transform.randomize(data[self.label_key])
        return one_sample_each(data, {key: self.transform.cut(data[key]) for key in present})
