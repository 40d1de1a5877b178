"""A fixed number of channels, also for data sets that mix grey and colour images."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy.typing as npt
import torch
from monai.data import MetaTensor
from monai.data.meta_obj import get_track_meta
from monai.transforms import Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_tensor

from cellseg_monai.dictionary import ArrayTransformd
from cellseg_monai.transforms.source_file import origin

Image = TypeVar("Image", npt.NDArray[Any], torch.Tensor)

_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601


def match_channels(image: Image, channels: int, drop_alpha: bool = False) -> Image:
    """Convert a grey, RGB or RGBA image to one or three channels.

    A grey channel is repeated three times. An image with three equal channels becomes one of them. Any other
    colour image becomes its luminance 0.299 R + 0.587 G + 0.114 B, rounded if the dtype is an integer. A
    constant fourth channel is dropped as opacity. A fourth channel that varies may be a stain, so it is
    dropped only with ``drop_alpha``.

    Args:
        image: channel-first array or tensor.
        channels: number of channels. Images are converted to 1 or 3 channels; to others they are not.
        drop_alpha: drop a fourth channel even if it varies.

    Returns:
        Image of the same type and dtype; the image itself if it already has this number of channels.

    Raises:
        ValueError: the number of channels cannot be converted, or the fourth channel varies.

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
    if channels not in (1, 3):
        raise ValueError(
            f"{origin(image)} has {present} channels, but {channels} are needed, and only grey and colour "
            "images are converted; choose channels with --channel, or train a network on all of them"
        )
    if present == 1:
        return image[[0] * channels]
    if present == 4:
        if not drop_alpha and not bool((image[3] == image[3].flatten()[0]).all()):
            raise ValueError(
                f"{origin(image)} has 4 channels and the last one varies; if it is opacity, set "
                "drop_alpha=True; if it is a stain, choose channels with --channel"
            )
        return match_channels(image[:3], channels)
    if present == 3:
        equal = bool((image[0] == image[1]).all()) and bool((image[0] == image[2]).all())
        return image[:1] if equal else _luminance(image)
    raise ValueError(
        f"{origin(image)} has {present} channels; only 1, 3 or 4 channels can be converted to {channels}; "
        "choose one with --channel, or train a network on all of them"
    )


@dataclass(eq=False)
class MatchChannels(Transform):
    """Convert grey, RGB and RGBA images to one or three channels.

    ``meta["channel_names"]``, if present, is updated: repeated, cut to three names, or ``grey``. Channels
    with names such as DAPI are no colours, and are not converted.

    Args:
        channels: number of channels. Images are converted to 1 or 3 channels; to others they are not.
        drop_alpha: drop a fourth channel even if it varies.

    Raises:
        ValueError: ``channels`` is not positive.

    Example:
        >>> tuple(MatchChannels(channels=3)(torch.zeros(1, 8, 8)).shape)
        (3, 8, 8)
    """

    channels: int
    drop_alpha: bool = False

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __post_init__(self) -> None:
        _check_channels(self.channels)

    def __call__(self, image: npt.NDArray[Any] | torch.Tensor) -> torch.Tensor:
        """Convert one channel-first image.

        Args:
            image: channel-first array or tensor.

        Returns:
            Tensor with the metadata of the image, if it has any.

        Raises:
            ValueError: see :func:`match_channels`; or the channels to convert are no colours by their names.
        """
        tensor = convert_to_tensor(image, track_meta=get_track_meta())
        _require_colours(tensor, self.channels)
        values = match_channels(tensor, self.channels, self.drop_alpha)
        matched: torch.Tensor = convert_to_dst_type(values, dst=tensor)[0]
        if isinstance(matched, MetaTensor) and "channel_names" in matched.meta:
            names = _names(matched.meta["channel_names"], tensor.shape[0], self.channels)
            matched.meta["channel_names"] = names
        return matched


class MatchChannelsd(ArrayTransformd, of=MatchChannels):
    """Dictionary version of :class:`MatchChannels`.

    Args:
        keys: keys of the images.
        channels: number of channels. Images are converted to 1 or 3 channels; to others they are not.
        drop_alpha: drop a fourth channel even if it varies.
        allow_missing_keys: skip keys that a sample does not have.

    Example:
        >>> item = MatchChannelsd(keys="image", channels=1)({"image": torch.ones(3, 8, 8)})
        >>> tuple(item["image"].shape)
        (1, 8, 8)
    """


def _require_colours(image: Any, channels: int) -> None:
    """Raise if an image would be taken for a colour image whose channels have the names of stains."""
    names = str(image.meta.get("channel_names") or "") if isinstance(image, MetaTensor) else ""
    few = image.shape[0] in (3, 4) and image.shape[0] != channels
    if few and names and names.lower().split(",")[:3] != ["red", "green", "blue"]:
        raise ValueError(
            f"{origin(image)} has the channels {names}, which are not red, green and blue; choose "
            f"{'one' if channels == 1 else channels} with --channel, or train a network on all of them"
        )


def _check_channels(channels: int) -> None:
    if channels < 1:
        raise ValueError(f"channels={channels} must be at least 1")


def _luminance(image: Any) -> Any:
    grey = sum(weight * channel for weight, channel in zip(_LUMINANCE, image, strict=True))[None]
    if isinstance(image, torch.Tensor):
        return grey if image.is_floating_point() else grey.round().to(image.dtype)
    return grey if image.dtype.kind == "f" else grey.round().astype(image.dtype)


def _names(names: str, present: int, channels: int) -> str:
    """Return the channel names after the conversion, comma-separated as the reader writes them."""
    if not names or present == channels:
        return names
    if channels == 1:
        return "grey"
    return ",".join([names] * 3) if present == 1 else ",".join(names.split(",")[:3])
