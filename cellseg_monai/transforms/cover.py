"""Transforms that cut an image into all patches of ``patches``, one sample each."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.data import MetaTensor
from monai.transforms import Transform
from monai.transforms.traits import MultiSampleTrait
from monai.utils import TransformBackends

from cellseg_monai.dictionary import ArrayTransformd
from cellseg_monai.transforms.patches import Location, Sizes, patch_and_step, patch_cover
from cellseg_monai.transforms.source_file import file_name


@dataclass(eq=False)
class PatchCover(Transform, MultiSampleTrait):
    """Pad an image with zeros at the end of each axis and cut it into patches; no patch is discarded.

    Args:
        patch_size: side of a patch, one number or one for each spatial axis.
        stride: step between patches; by default ``patch_size``, so that patches do not overlap.

    Raises:
        ValueError: a number is not positive, or the stride leaves gaps.

    Example:
        >>> patches = PatchCover(patch_size=2)(torch.arange(6).reshape(1, 2, 3))
        >>> [patch.tolist() for patch in patches]
        [[[[0, 1], [3, 4]]], [[[2, 0], [5, 0]]]]
        >>> patches[1].meta["patch_location"], patches[1].meta["original_spatial_shape"]
        (array([0, 2]), array([2, 3]))
    """

    patch_size: Sizes = 128
    stride: Sizes | None = None

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __post_init__(self) -> None:
        given = (self.patch_size, self.stride)
        dims = max((len(sizes) for sizes in given if isinstance(sizes, Sequence)), default=1)
        patch_and_step(dims, self.patch_size, self.stride)

    def __call__(self, img: npt.NDArray[Any] | torch.Tensor) -> list[MetaTensor]:
        """Cut a channel-first image; :func:`as_patch` describes the metadata of the patches."""
        pixels = img.as_tensor() if isinstance(img, MetaTensor) else img
        cover = patch_cover(pixels, self.patch_size, self.stride)
        return [as_patch(patch, location, img) for patch, location in cover]


class PatchCoverd(ArrayTransformd, MultiSampleTrait, of=PatchCover):
    """Dictionary version of :class:`PatchCover`: a list of samples, with all keys cut at the same locations.

    MONAI's ``Dataset``, ``CacheDataset`` and ``list_data_collate`` flatten the list. The values of other keys
    are copied to every sample.

    Args:
        keys: keys of images and label maps with the same spatial shape.
        patch_size: side of a patch, one number or one for each spatial axis.
        stride: step between patches; by default ``patch_size``, so that patches do not overlap.
        allow_missing_keys: skip keys that a sample does not have.

    Raises:
        ValueError: the arrays of a sample differ in spatial shape.

    Example:
        >>> sample = {"image": torch.ones(3, 5, 4), "label": torch.ones(1, 5, 4), "name": "cell"}
        >>> samples = PatchCoverd(["image", "label"], patch_size=4)(sample)
        >>> [(tuple(each["image"].shape), tuple(each["label"].shape), each["name"]) for each in samples]
        [((3, 4, 4), (1, 4, 4), 'cell'), ((3, 4, 4), (1, 4, 4), 'cell')]
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[Hashable, Any]]:
        """Cut the arrays of one sample."""
        present = list(self.key_iterator(data))
        require_same_shape(data, present)
        return one_sample_each(data, {key: self.transform(data[key]) for key in present})


def as_patch(patch: npt.NDArray[Any] | torch.Tensor, location: Location, whole: Any) -> MetaTensor:
    """Give a patch the metadata of the whole image, its own affine, and its location.

    The list of operations applied to the whole image is dropped, because inverting one of them on a patch
    would be wrong.

    Args:
        patch: channel-first pixels.
        location: first pixel of the patch along each spatial axis.
        whole: image before padding, whose metadata are used if it has any.

    Returns:
        The patch, with ``patch_location`` and ``original_spatial_shape``, the shape before padding, in its
        metadata.

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


def one_sample_each(
    data: Mapping[Hashable, Any], patches: Mapping[Hashable, Sequence[MetaTensor]]
) -> list[dict[Hashable, Any]]:
    """Return one sample for each patch, with the other values of the whole sample.

    Example:
        >>> one_sample_each({"image": None, "name": "a"}, {"image": [1, 2]})
        [{'image': 1, 'name': 'a'}, {'image': 2, 'name': 'a'}]
    """
    together = zip(*patches.values(), strict=True)
    return [{**data, **dict(zip(patches, values, strict=True))} for values in together]


def require_same_shape(data: Mapping[Hashable, Any], keys: Iterable[Hashable]) -> None:
    """Raise if the channel-first arrays of the keys differ in spatial shape, or if there are none.

    Example:
        >>> sample = {"image": np.zeros((3, 5, 4)), "label": np.zeros((1, 5, 4))}
        >>> require_same_shape(sample, ["image", "label"])
    """
    present = list(keys)
    if not present:
        raise ValueError(f"there is no array to cut: the sample has only {list(data)}; check the keys")
    for other in present[1:]:
        if data[other].shape[1:] != data[present[0]].shape[1:]:
            raise ValueError(
                f"{_described(data, present[0])} and {_described(data, other)} differ in shape; check that "
                "the files belong together, and resize or crop one of them"
            )


def _described(data: Mapping[Hashable, Any], key: Hashable) -> str:
    file = file_name(data[key])
    return f"{key!r} {tuple(data[key].shape[1:])}" + (f" from {file}" if file else "")
