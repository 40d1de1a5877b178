"""A fixed number of channels from grey and colour images, as mixed data sets hold both."""

from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

import numpy.typing as npt
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.data.meta_obj import get_track_meta
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_tensor

from cellseg_monai.transforms.provenance import origin

Image = TypeVar("Image", npt.NDArray[Any], torch.Tensor)

_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601


def match_channels(image: Image, channels: int, drop_alpha: bool = False) -> Image:
    """Bring a grey, RGB or RGBA image to one channel or to three.

    Grey becomes colour by repetition. Colour becomes grey by taking one channel if all three are equal, else
    by the luminance 0.299 R + 0.587 G + 0.114 B, rounded where the image holds integers. A fourth channel
    that is constant is dropped as opacity; one that varies may be a stain, and is dropped only on demand.

    Args:
        image: channel-first array or tensor.
        channels: 1 or 3.
        drop_alpha: drop a fourth channel also where it varies.

    Returns:
        The same kind and dtype; the image itself if it has that many channels.

    Raises:
        ValueError: there is no rule for these numbers of channels, or the fourth channel varies.

    Example:
        >>> import numpy as np
        >>> match_channels(np.array([[7]]), 3).tolist()
        [[7], [7], [7]]
        >>> match_channels(np.array([[100], [200], [50], [255]]), 1).tolist()
        [[153]]
    """
    _check_channels(channels)
    present = image.shape[0]
    if present == channels:
        return image
    if present == 1:
        return image[[0] * channels]
    if present == 4:
        if not drop_alpha and not bool((image[3] == image[3].flatten()[0]).all()):
            raise ValueError(
                f"{origin(image)} has 4 channels and the last one varies; if it is opacity, set "
                "drop_alpha=True, if it is a stain, choose channels when the image is read"
            )
        return match_channels(image[:3], channels)
    if present == 3:
        return image[:1] if _is_grey(image) else _luminance(image)
    raise ValueError(
        f"{origin(image)} has {present} channels; {channels} can be made of 1, 3 or 4 only; choose channels "
        "when the image is read"
    )


class MatchChannels(Transform):
    """Bring grey, RGB and RGBA images to one channel or to three.

    ``meta["channel_names"]``, where there is one, follows: repeated, cut to three, or ``grey``.

    Args:
        channels: 1 or 3.
        drop_alpha: drop a fourth channel also where it varies.

    Raises:
        ValueError: ``channels`` is neither 1 nor 3.

    Example:
        >>> tuple(MatchChannels(channels=3)(torch.zeros(1, 8, 8)).shape)
        (3, 8, 8)
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __init__(self, channels: int, drop_alpha: bool = False) -> None:
        _check_channels(channels)
        self.channels = channels
        self.drop_alpha = drop_alpha

    def __call__(self, image: npt.NDArray[Any] | torch.Tensor) -> torch.Tensor:
        """Bring one channel-first image to the number of channels.

        Args:
            image: channel-first array or tensor.

        Returns:
            Tensor with the meta data of the image, if it has any.

        Raises:
            ValueError: see :func:`match_channels`.
        """
        tensor = convert_to_tensor(image, track_meta=get_track_meta())
        values = match_channels(tensor, self.channels, self.drop_alpha)
        matched: torch.Tensor = convert_to_dst_type(values, dst=tensor)[0]
        if isinstance(matched, MetaTensor) and "channel_names" in matched.meta:
            names = _names(matched.meta["channel_names"], tensor.shape[0], self.channels)
            matched.meta["channel_names"] = names
        return matched


class MatchChannelsd(MapTransform):
    """Dictionary form of :class:`MatchChannels`.

    Args:
        keys: images to bring to the number of channels.
        channels: 1 or 3.
        drop_alpha: drop a fourth channel also where it varies.
        allow_missing_keys: pass over keys that an item lacks.

    Example:
        >>> item = MatchChannelsd(keys="image", channels=1)({"image": torch.ones(3, 8, 8)})
        >>> tuple(item["image"].shape)
        (1, 8, 8)
    """

    backend = MatchChannels.backend

    def __init__(
        self,
        keys: KeysCollection,
        channels: int,
        drop_alpha: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.match = MatchChannels(channels, drop_alpha)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Bring the images of one item to the number of channels."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.match(item[key])
        return item


def _check_channels(channels: int) -> None:
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (grey) or 3 (colour), not {channels}")


def _is_grey(image: Any) -> bool:
    return bool((image[0] == image[1]).all()) and bool((image[0] == image[2]).all())


def _luminance(image: Any) -> Any:
    grey = sum(weight * channel for weight, channel in zip(_LUMINANCE, image, strict=True))[None]
    if isinstance(image, torch.Tensor):
        return grey if image.is_floating_point() else grey.round().to(image.dtype)
    return grey if image.dtype.kind == "f" else grey.round().astype(image.dtype)


def _names(names: str, present: int, channels: int) -> str:
    """Names of the channels after the match, joined by commas as the reader joins them."""
    if not names or present == channels:
        return names
    if channels == 1:
        return "grey"
    return ",".join([names] * 3) if present == 1 else ",".join(names.split(",")[:3])
