"""Percentile stretch: the darkest and the brightest few pixels set the range, which becomes 0 to 1.

A crop is not its image. Percentiles of a crop without cells are those of noise, so a network trained on crops
would see other values than the same network on whole images. The limits are therefore those of the whole
image, they travel with it, and a crop that lacks them is an error.
"""

from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.data.meta_obj import get_track_meta
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_tensor

from cellseg_monai.transforms.limits import Limits, check_settings, intensity_limits
from cellseg_monai.transforms.provenance import origin
from cellseg_monai.transforms.streamed import Parts, streamed_limits

Image = TypeVar("Image", npt.NDArray[Any], torch.Tensor)


def stretch(image: Image, limits: npt.ArrayLike, clip: bool = True, keep_zero: bool = False) -> Image:
    """Map the limits of each channel to 0 and 1.

    Args:
        image: channel-first array or tensor.
        limits: shape (channels, 2), or (1, 2) for all channels; a channel whose two limits are equal, as
            those of a constant image are, becomes zero.
        clip: cut off what lies beyond 0 and 1.
        keep_zero: leave pixels that are exactly zero at zero, whatever the limits.

    Returns:
        The same kind of array, float32.

    Raises:
        ValueError: the limits do not fit the channels, are not finite or not in ascending order.

    Example:
        >>> stretch(np.array([[10, 20, 30, 60]]), limits=[[10, 50]])
        array([[0.  , 0.25, 0.5 , 1.  ]], dtype=float32)
    """
    bounds = _check_limits(limits, image)
    low, high = bounds.T.reshape(2, -1, *(1,) * (image.ndim - 1))
    span: Any = high - low
    # float32 holds the 16-bit intensities of cameras exactly; larger numbers are subtracted in float64.
    double = np.abs(bounds).max() > 1 << 24 or image.dtype in (np.float64, torch.float64)
    dtype = "float64" if double else "float32"
    values: Any
    if isinstance(image, torch.Tensor):
        values = image.to(getattr(torch, dtype))
        low, span = (torch.as_tensor(part, dtype=values.dtype, device=image.device) for part in (low, span))
    else:
        values = image.astype(dtype, copy=False)
        low, span = low.astype(dtype), span.astype(dtype)
    span[span == 0] = np.inf
    values = values - low
    values /= span
    if clip:
        values = values.clip(0, 1)
    if keep_zero:
        values *= image != 0
    scaled: Image = values.to(torch.float32) if isinstance(image, torch.Tensor) else values.astype(np.float32)
    return scaled


class PercentileStretch(Transform):
    """Stretch an image to 0..1 between two of its percentiles, as float32.

    Published choices are ``lower=2, upper=98`` per frame of a movie, and ``lower=1, upper=99, nonzero=True``
    in the NeurIPS 2022 cell segmentation challenge. For limits that are known beforehand and the same for all
    channels, take MONAI's ``ScaleIntensityRange``.

    The limits are, in this order, those given in the call, those in ``image.meta["intensity_limits"]``, or
    those of the image itself; the last is refused for a crop or a region. The result tells its limits in
    ``meta["intensity_limits"]`` and how they came about in ``meta["intensity_stretch"]``. An image which has
    the latter is refused, since it is stretched already.

    Args:
        lower: percentile that becomes 0.
        upper: percentile that becomes 1.
        nonzero: leave pixels that are exactly zero out of the statistics, and leave them zero.
        channel_wise: stretch each channel by itself.
        min_range: narrowest range as a share of the spread of the image, see :func:`intensity_limits`.
        clip: cut off what lies beyond 0 and 1.

    Raises:
        ValueError: a setting is out of its range.

    Example:
        >>> bright_corner = torch.zeros(1, 3, 3)
        >>> bright_corner[0, 0, 0] = 500
        >>> stretched = PercentileStretch(lower=0, upper=100)(bright_corner)
        >>> stretched.max().item(), stretched.meta["intensity_limits"].tolist()
        (1.0, [[0.0, 500.0]])
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __init__(
        self,
        lower: float = 1.0,
        upper: float = 99.0,
        nonzero: bool = False,
        channel_wise: bool = True,
        min_range: float = 0.1,
        clip: bool = True,
    ) -> None:
        check_settings(lower, upper, min_range)
        self.lower = lower
        self.upper = upper
        self.nonzero = nonzero
        self.channel_wise = channel_wise
        self.min_range = min_range
        self.clip = clip

    def __call__(
        self, image: npt.NDArray[Any] | torch.Tensor, limits: npt.ArrayLike | None = None
    ) -> torch.Tensor:
        """Stretch one channel-first image.

        Args:
            image: channel-first array or tensor.
            limits: shape (channels, 2) or (1, 2), instead of those of the image.

        Returns:
            Tensor with the meta data of the image, if it has any.

        Raises:
            ValueError: the image is a crop without limits, a batch, or stretched already; or see
                :func:`intensity_limits` and :func:`stretch`.
        """
        tensor = convert_to_tensor(image, track_meta=get_track_meta())
        meta = getattr(tensor, "meta", {})
        if "intensity_stretch" in meta:
            raise ValueError(
                f"{origin(tensor)} is stretched already ({meta['intensity_stretch']}); stretch it only once"
            )
        if getattr(tensor, "is_batch", False):
            raise ValueError("this is a batch of images; stretch each image before they are collated")
        source = "given limits"
        if limits is None:
            limits = meta.get("intensity_limits")
        if limits is None:
            _refuse_crop(tensor)
            limits = intensity_limits(
                tensor, self.lower, self.upper, self.nonzero, self.channel_wise, self.min_range
            )
            source = (
                f"percentiles {self.lower:g} to {self.upper:g}, nonzero {self.nonzero}, "
                f"channel_wise {self.channel_wise}, min_range {self.min_range:g}"
            )
        values = stretch(tensor.as_subclass(torch.Tensor), limits, self.clip, self.nonzero)
        stretched: torch.Tensor = convert_to_dst_type(values, dst=tensor, dtype=torch.float32)[0]
        if isinstance(stretched, MetaTensor):
            stretched.meta["intensity_limits"] = np.array(limits, dtype=np.float64)
            stretched.meta["intensity_stretch"] = source
        return stretched

    def limits_of(self, parts: Parts) -> Limits:
        """The limits of an image that is read part by part, to be given with each part.

        Args:
            parts: see :func:`~cellseg_monai.transforms.streamed_limits`.
        """
        return streamed_limits(parts, self.lower, self.upper, self.nonzero, self.channel_wise, self.min_range)


class PercentileStretchd(MapTransform):
    """Dictionary form of :class:`PercentileStretch`.

    Args:
        keys: images to stretch, each by its own limits.
        lower: percentile that becomes 0.
        upper: percentile that becomes 1.
        nonzero: leave pixels that are exactly zero out of the statistics, and leave them zero.
        channel_wise: stretch each channel by itself.
        min_range: narrowest range as a share of the spread of the image, see :func:`intensity_limits`.
        clip: cut off what lies beyond 0 and 1.
        allow_missing_keys: pass over keys that an item lacks.

    Example:
        >>> item = PercentileStretchd(keys="image")({"image": torch.tensor([[7.0, 7.0]]), "label": 3})
        >>> item["image"].tolist(), item["label"]
        ([[0.0, 0.0]], 3)
    """

    backend = PercentileStretch.backend

    def __init__(
        self,
        keys: KeysCollection,
        lower: float = 1.0,
        upper: float = 99.0,
        nonzero: bool = False,
        channel_wise: bool = True,
        min_range: float = 0.1,
        clip: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.stretch = PercentileStretch(lower, upper, nonzero, channel_wise, min_range, clip)

    def limits_of(self, parts: Parts) -> Limits:
        """See :meth:`PercentileStretch.limits_of`."""
        return self.stretch.limits_of(parts)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Stretch the images of one item."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.stretch(item[key])
        return item


def _check_limits(limits: npt.ArrayLike, image: npt.NDArray[Any] | torch.Tensor) -> Limits:
    bounds = np.asarray(limits, dtype=np.float64)
    if bounds.shape not in ((image.shape[0], 2), (1, 2)):
        raise ValueError(
            f"{origin(image)} has {image.shape[0]} channels, its limits have shape {bounds.shape}; "
            f"give a lower and an upper limit for each channel, or [[lower, upper]] for all"
        )
    if not (np.isfinite(bounds).all() and (bounds[:, 0] <= bounds[:, 1]).all()):
        raise ValueError(f"limits must be finite and ascending, not {bounds.tolist()}")
    return bounds


def _refuse_crop(image: torch.Tensor) -> None:
    """A crop is known by what MONAI records of it, a region by what the reader does."""
    applied = [str(operation.get("class")) for operation in getattr(image, "applied_operations", [])]
    cut = [name for name in applied if "Crop" in name or "Patch" in name]
    if getattr(image, "meta", {}).get("region") is not None:
        cut.insert(0, "reading a region")
    if cut:
        raise ValueError(
            f"{origin(image)} was cut by {', '.join(cut)}, and the percentiles of a part are not those of "
            'the whole; stretch before cropping, or give the limits of the whole in meta["intensity_limits"]'
        )
