"""Every patch of an image as a sample of its own, none discarded: the transforms over ``patches``."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.transforms.traits import MultiSampleTrait
from monai.utils import TransformBackends

from cellseg_monai.transforms.padding import covered_shape
from cellseg_monai.transforms.patches import Location, patch_cover
from cellseg_monai.transforms.provenance import common_spatial_shape


class PatchCover(Transform, MultiSampleTrait):
    """Pad an image with zeros at the end of each axis and cut it into patches, none discarded.

    Args:
        patch_size: side of a patch, one number or one for each spatial axis.
        stride: step from patch to patch; by default ``patch_size``, so that patches do not overlap.

    Example:
        >>> patches = PatchCover(patch_size=2)(torch.arange(6).reshape(1, 2, 3))
        >>> [patch.tolist() for patch in patches]
        [[[[0, 1], [3, 4]]], [[[2, 0], [5, 0]]]]
        >>> patches[1].meta["patch_location"], patches[1].meta["original_spatial_shape"]
        (array([0, 2]), array([2, 3]))
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __init__(
        self, patch_size: Sequence[int] | int = 128, stride: Sequence[int] | int | None = None
    ) -> None:
        dims = max((len(sizes) for sizes in (patch_size, stride) if isinstance(sizes, Sequence)), default=1)
        covered_shape(
            (1,) * dims, patch_size, stride
        )  # refuses at construction what no image can be cut with
        self.patch_size = patch_size
        self.stride = stride

    def __call__(self, img: npt.NDArray[Any] | torch.Tensor) -> list[MetaTensor]:
        """Cut a channel-first image; see :func:`as_patch` for what the patches know of it."""
        pixels = img.as_tensor() if isinstance(img, MetaTensor) else img
        return [
            as_patch(patch, location, img)
            for patch, location in patch_cover(pixels, self.patch_size, self.stride)
        ]


class PatchCoverd(MapTransform, MultiSampleTrait):
    """Dictionary version of :class:`PatchCover`: one sample in, a list of samples out, all keys in step.

    MONAI's ``Dataset``, ``CacheDataset`` and ``list_data_collate`` flatten the list. What stands under other
    keys goes into each sample as it is.

    Args:
        keys: images and label maps of one spatial shape.
        patch_size: side of a patch, one number or one for each spatial axis.
        stride: step from patch to patch; by default ``patch_size``, so that patches do not overlap.
        allow_missing_keys: pass over keys that a sample lacks.

    Raises:
        ValueError: the arrays of a sample differ in spatial shape.

    Example:
        >>> sample = {"image": torch.ones(3, 5, 4), "label": torch.ones(1, 5, 4), "name": "cell"}
        >>> samples = PatchCoverd(["image", "label"], patch_size=4)(sample)
        >>> [(tuple(each["image"].shape), tuple(each["label"].shape), each["name"]) for each in samples]
        [((3, 4, 4), (1, 4, 4), 'cell'), ((3, 4, 4), (1, 4, 4), 'cell')]
    """

    backend = PatchCover.backend

    def __init__(
        self,
        keys: KeysCollection,
        patch_size: Sequence[int] | int = 128,
        stride: Sequence[int] | int | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.cover = PatchCover(patch_size, stride)

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[Hashable, Any]]:
        """Cut the arrays under the keys."""
        present = list(self.key_iterator(data))
        common_spatial_shape(data, present)
        patches = {key: self.cover(data[key]) for key in present}
        return [
            {**data, **dict(zip(patches, together, strict=True))}
            for together in zip(*patches.values(), strict=True)
        ]


def as_patch(patch: npt.NDArray[Any] | torch.Tensor, location: Location, whole: Any) -> MetaTensor:
    """Give a patch the meta data of the whole image, an affine of its own, and its place.

    The operations applied to the whole image are not carried over: inverting one of them on a patch would be
    wrong.

    Args:
        patch: channel-first pixels.
        location: where the patch starts.
        whole: the image before padding; its meta data are taken where it has any.

    Returns:
        The patch, with ``patch_location`` and ``original_spatial_shape``, the shape before padding, in its
        meta data.

    Example:
        >>> patch = as_patch(torch.zeros(1, 2, 2), (4, 6), torch.zeros(1, 5, 7))
        >>> patch.meta["patch_location"], patch.affine[:2, -1].tolist()
        (array([4, 6]), [4.0, 6.0])
    """
    known = isinstance(whole, MetaTensor)
    affine = (whole.affine if known else MetaTensor.get_default_affine()).clone()
    start = torch.as_tensor(location, dtype=affine.dtype, device=affine.device)
    affine[: len(start), -1] += affine[: len(start), : len(start)] @ start
    meta = {
        **(whole.meta if known else {}),
        "affine": affine,
        "patch_location": np.array(location),
        "original_spatial_shape": np.array(whole.shape[1:]),
    }
    return MetaTensor(torch.as_tensor(patch), meta=meta)
