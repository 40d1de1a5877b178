"""Percentile stretch: two percentiles of an image set the intensity range that becomes 0 to 1.

A crop does not have the percentiles of its image. The percentiles of a crop without cells are those of noise,
so a network trained on crops would see other values than the same network on whole images. Therefore the
limits come from the whole image and stay in its metadata, and a crop without them is an error.
"""

from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from monai.data import MetaTensor
from monai.data.meta_obj import get_track_meta
from monai.transforms import Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_tensor

from cellseg_monai.dictionary import ArrayTransformd
from cellseg_monai.transforms.limits import Limits, check_settings, intensity_limits
from cellseg_monai.transforms.source_file import origin
from cellseg_monai.transforms.streamed import Parts, streamed_limits

Image = TypeVar("Image", npt.NDArray[Any], torch.Tensor)


def stretch(image: Image, limits: npt.ArrayLike, *, clip: bool = True, keep_zero: bool = False) -> Image:
    """Map the limits of each channel to 0 and 1.

    Args:
        image: channel-first array or tensor.
        limits: lower and upper limit, shape (channels, 2), or (1, 2) for all channels. A channel with two
            equal limits, such as a constant image, becomes 0.
        clip: clip values below 0 and above 1.
        keep_zero: keep pixels that are exactly 0 at 0.

    Returns:
        Image of the same type, float32.

    Raises:
        ValueError: the limits do not match the channels, are not finite, or are not ascending.

    Example:
        >>> stretch(np.array([[10, 20, 30, 60]]), limits=[[10, 50]])
        array([[0.  , 0.25, 0.5 , 1.  ]], dtype=float32)
    """
    bounds = _check_limits(limits, image)
    low, high = bounds.T.reshape(2, -1, *(1,) * (image.ndim - 1))
    span: Any = high - low
    # float32 holds the 16-bit intensities of cameras exactly; larger values are subtracted in float64.
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


@dataclass(eq=False)
class PercentileStretch(Transform):
    """Stretch an image to 0..1 between two of its percentiles, as float32.

    Published choices are ``lower=2, upper=98`` for each frame of a movie, and ``lower=1, upper=99,
    nonzero=True`` in the NeurIPS 2022 cell segmentation challenge. If the limits are known in advance and the
    same for all channels, use MONAI's ``ScaleIntensityRange``.

    The limits are those given in the call, else those in ``image.meta["intensity_limits"]``, else those of
    the image. A crop or a region without given limits is an error. The result has its limits in
    ``meta["intensity_limits"]`` and their source in ``meta["intensity_stretch"]``. An image with
    ``intensity_stretch`` is already stretched and is an error too.

    Args:
        lower: percentile that becomes 0.
        upper: percentile that becomes 1.
        nonzero: ignore pixels that are exactly 0, and keep them at 0.
        channel_wise: stretch each channel separately.
        min_range: smallest range as a fraction of the spread of the image, see :func:`intensity_limits`.
        clip: clip values below 0 and above 1.

    Raises:
        ValueError: an option is out of range.

    Example:
        >>> bright_corner = torch.zeros(1, 3, 3)
        >>> bright_corner[0, 0, 0] = 500
        >>> stretched = PercentileStretch(lower=0, upper=100)(bright_corner)
        >>> stretched.max().item(), stretched.meta["intensity_limits"].tolist()
        (1.0, [[0.0, 500.0]])
    """

    lower: float = 1.0
    upper: float = 99.0
    _: KW_ONLY
    nonzero: bool = False
    channel_wise: bool = True
    min_range: float = 0.1
    clip: bool = True

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __post_init__(self) -> None:
        check_settings(self.lower, self.upper, self.min_range)

    def __call__(
        self, image: npt.NDArray[Any] | torch.Tensor, limits: npt.ArrayLike | None = None
    ) -> torch.Tensor:
        """Stretch one channel-first image.

        Args:
            image: channel-first array or tensor.
            limits: lower and upper limit, shape (channels, 2) or (1, 2); by default those of the image.

        Returns:
            Tensor with the metadata of the image, if it has any.

        Raises:
            ValueError: the image is a crop without limits, a batch, or already stretched; or see
                :func:`intensity_limits` and :func:`stretch`.
        """
        tensor = convert_to_tensor(image, track_meta=get_track_meta())
        meta = getattr(tensor, "meta", {})
        if "intensity_stretch" in meta:
            raise ValueError(
                f"{origin(tensor)} is already stretched ({meta['intensity_stretch']}); stretch it only once"
            )
        if getattr(tensor, "is_batch", False):
            raise ValueError("this is a batch of images; stretch each image before they are collated")
        source = "given limits"
        limits = meta.get("intensity_limits") if limits is None else limits
        if limits is None:
            _require_whole(tensor)
            limits = self.limits_for(tensor)
            source = (
                f"percentiles {self.lower:g} to {self.upper:g}, nonzero {self.nonzero}, "
                f"channel_wise {self.channel_wise}, min_range {self.min_range:g}"
            )
        values = stretch(tensor.as_subclass(torch.Tensor), limits, clip=self.clip, keep_zero=self.nonzero)
        stretched: torch.Tensor = convert_to_dst_type(values, dst=tensor, dtype=torch.float32)[0]
        if isinstance(stretched, MetaTensor):
            stretched.meta["intensity_limits"] = np.array(limits, dtype=np.float64)
            stretched.meta["intensity_stretch"] = source
        return stretched

    def limits_for(self, image: npt.NDArray[Any] | torch.Tensor) -> Limits:
        """Return the limits of a channel-first image, which must be whole."""
        return intensity_limits(image, self.lower, self.upper, **self._statistics)

    def limits_of(self, parts: Parts) -> Limits:
        """Return the limits of an image that is read in parts, to be given with each part.

        Args:
            parts: function that reads the image, see :func:`~cellseg_monai.transforms.streamed_limits`.
        """
        return streamed_limits(parts, self.lower, self.upper, **self._statistics)

    @property
    def _statistics(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("nonzero", "channel_wise", "min_range")}


class PercentileStretchd(ArrayTransformd, of=PercentileStretch):
    """Dictionary version of :class:`PercentileStretch`.

    Args:
        keys: keys of the images; each is stretched between its own limits.
        lower: percentile that becomes 0.
        upper: percentile that becomes 1.
        nonzero: ignore pixels that are exactly 0, and keep them at 0.
        channel_wise: stretch each channel separately.
        min_range: smallest range as a fraction of the spread of the image, see :func:`intensity_limits`.
        clip: clip values below 0 and above 1.
        allow_missing_keys: skip keys that a sample does not have.

    Example:
        >>> item = PercentileStretchd(keys="image")({"image": torch.tensor([[7.0, 7.0]]), "label": 3})
        >>> item["image"].tolist(), item["label"]
        ([[0.0, 0.0]], 3)
    """

    transform: PercentileStretch

    def limits_of(self, parts: Parts) -> Limits:
        """Return the limits of an image that is read in parts, see :meth:`PercentileStretch.limits_of`."""
        return self.transform.limits_of(parts)


def _check_limits(limits: npt.ArrayLike, image: npt.NDArray[Any] | torch.Tensor) -> Limits:
    bounds = np.asarray(limits, dtype=np.float64)
    if bounds.shape not in ((image.shape[0], 2), (1, 2)):
        raise ValueError(
            f"{origin(image)} has {image.shape[0]} channels, but its limits have shape {bounds.shape}; "
            f"give a lower and an upper limit for each channel, or [[lower, upper]] for all"
        )
    if not (np.isfinite(bounds).all() and (bounds[:, 0] <= bounds[:, 1]).all()):
        raise ValueError(f"limits must be finite and ascending, not {bounds.tolist()}")
    return bounds


def _require_whole(image: torch.Tensor) -> None:
    """Raise if MONAI's metadata record a crop, or the reader's metadata a region."""
    applied = [str(operation.get("class")) for operation in getattr(image, "applied_operations", [])]
    cut = [name for name in applied if "Crop" in name or "Patch" in name]
    if getattr(image, "meta", {}).get("region") is not None:
        cut.insert(0, "reading a region")
    if cut:
        raise ValueError(
            f"{origin(image)} was cropped by {', '.join(cut)}, and a part does not have the percentiles of "
            'the whole image; stretch before you crop, or set meta["intensity_limits"] to those of the whole'
        )
