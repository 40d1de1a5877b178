"""Which file an array came from, so that an error can name it."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from monai.data import MetaTensor


def file_name(array: Any) -> str:
    """The file that a loaded array came from, or an empty string where that is not known.

    Example:
        >>> import torch
        >>> file_name(MetaTensor(torch.zeros(1, 2, 2), meta={"filename_or_obj": "cell.tif"}))
        'cell.tif'
    """
    return str(array.meta.get("filename_or_obj", "")) if isinstance(array, MetaTensor) else ""


def origin(image: Any) -> str:
    """How an error speaks of an image: with its file where that is known.

    Example:
        >>> import torch
        >>> origin(MetaTensor(torch.zeros(1, 2, 2), meta={"filename_or_obj": "plate/A01.tif"}))
        'image plate/A01.tif'
        >>> origin(torch.zeros(1, 2, 2))
        'the image'
    """
    file = file_name(image)
    return f"image {file}" if file else "the image"


def common_spatial_shape(data: Mapping[Hashable, Any], keys: Iterable[Hashable]) -> tuple[int, ...]:
    """The spatial shape that all channel-first arrays under the keys share.

    Raises:
        ValueError: two of them differ (the message names both with their files), or there are none.

    Example:
        >>> import numpy as np
        >>> sample = {"image": np.zeros((3, 5, 4)), "label": np.zeros((1, 5, 4))}
        >>> common_spatial_shape(sample, ["image", "label"])
        (5, 4)
    """
    present = list(keys)
    if not present:
        raise ValueError(f"no array to cut: the sample has only {list(data)}; check the keys")
    first, *others = present
    shape = tuple(data[first].shape[1:])
    for other in others:
        if tuple(data[other].shape[1:]) != shape:
            raise ValueError(
                f"{_described(data, first)} and {_described(data, other)} differ in shape; "
                "check that the files belong together, and resize or crop one to the other"
            )
    return shape


def _described(data: Mapping[Hashable, Any], key: Hashable) -> str:
    file = file_name(data[key])
    return f"{key!r} {tuple(data[key].shape[1:])}" + (f" from {file}" if file else "")
