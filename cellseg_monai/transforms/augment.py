"""The elastic deformation of the U-Net paper, which MONAI does not have."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.config import KeysCollection
from monai.data.meta_obj import get_track_meta
from monai.transforms import RandomizableTransform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_tensor, ensure_tuple_rep

from cellseg_monai.dictionary import RandArrayTransformd
from cellseg_monai.transforms.source_file import origin
from cellseg_monai.transforms.warping import Mode, PaddingMode, check_modes, elastic_displacement, warp


@dataclass(eq=False)
class RandElasticGrid(RandomizableTransform):
    """Deform an image by random displacements of a coarse grid, as in the U-Net paper (arXiv 1505.04597).

    Each of points × points control points moves by a Gaussian number of pixels along each axis. Splines
    interpolate the displacements, see :func:`elastic_displacement`. A displacement field that would fold the
    image is scaled down, so no cell tears. MONAI's ``Rand2DElastic`` differs: it draws uniform offsets at a
    given spacing, and its field may fold.

    Args:
        mode: ``"bilinear"`` or ``"bicubic"`` for images, ``"nearest"`` for labels. There is no default,
            because the default of an image would corrupt a label.
        points: number of control points along each axis.
        sigma: standard deviation of the displacements in pixels.
        prob: probability that a sample is deformed.
        padding_mode: values outside the image: ``"reflection"``, ``"border"`` or ``"zeros"``.
        spatial_dims: 2 for images, 3 for volumes. An array with one more axis is a batch, and each of its
            samples is deformed differently.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> squares = torch.zeros(1, 32, 32)
        >>> squares[0, 8:24, 8:24] = 7
        >>> deform = RandElasticGrid(mode="nearest", sigma=2.0, prob=1.0).set_random_state(seed=0)
        >>> deform(squares).unique().tolist()
        [0.0, 7.0]
    """

    mode: Mode
    points: int = 3
    sigma: float = 10.0
    _: KW_ONLY
    prob: float = 0.1
    padding_mode: PaddingMode = "reflection"
    spatial_dims: int = 2

    backend = [TransformBackends.TORCH]

    def __post_init__(self) -> None:
        if self.points < 2:
            raise ValueError(f"points must be at least 2 along each axis, not {self.points}")
        if not (self.sigma >= 0 and np.isfinite(self.sigma)):
            raise ValueError(f"sigma must be 0 or more pixels, not {self.sigma}")
        if not 0 <= self.prob <= 1:
            raise ValueError(f"prob must be from 0 to 1, not {self.prob}")
        if self.spatial_dims not in (2, 3):
            raise ValueError(f"spatial_dims must be 2 or 3, not {self.spatial_dims}")
        check_modes(self.mode, self.padding_mode, self.spatial_dims)
        super().__init__(self.prob)
        self.chosen: list[int] = []
        self.control: npt.NDArray[np.float64] = np.empty(0)

    def randomize(self, data: int) -> None:
        """Draw the samples to deform, and their displacements.

        Args:
            data: number of samples.
        """
        self.chosen = []
        for sample in range(data):
            super().randomize(None)
            if self._do_transform:
                self.chosen.append(sample)
        grid = (self.points,) * self.spatial_dims
        self.control = self.draw((len(self.chosen), self.spatial_dims, *grid))

    def draw(self, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Draw displacements of control points, in pixels."""
        drawn: npt.NDArray[np.float64] = self.R.normal(0, self.sigma, shape)
        return drawn

    def __call__(self, image: npt.NDArray[Any] | torch.Tensor, randomize: bool = True) -> torch.Tensor:
        """Deform an image, or each image of a batch.

        Args:
            image: image of shape (channels, …), or batch of shape (batch, channels, …).
            randomize: draw new displacements; False repeats the last ones.

        Returns:
            Tensor of the same shape with the metadata of the image; float32 if integers were interpolated.
        """
        tensor = convert_to_tensor(image, track_meta=get_track_meta())
        samples = self.samples_in(tensor)
        if randomize:
            self.randomize(samples)
        return self.deform(tensor, self.displacement_for(tensor), self.mode)

    def samples_in(self, image: torch.Tensor) -> int:
        """Number of samples in a batch; 1 for a single channel-first image."""
        if image.ndim not in (self.spatial_dims + 1, self.spatial_dims + 2):
            raise ValueError(
                f"{origin(image)} has shape {tuple(image.shape)}, which is neither (channels, …) nor (batch, "
                f"channels, …) with {self.spatial_dims} spatial axes; set spatial_dims, or add a channel axis"
            )
        return image.shape[0] if image.ndim == self.spatial_dims + 2 else 1

    def displacement_for(self, image: torch.Tensor) -> torch.Tensor:
        """Displacement field of each sample that was drawn."""
        return elastic_displacement(self.control, image.shape[-self.spatial_dims :], image.device)

    def deform(self, image: torch.Tensor, displacement: torch.Tensor, mode: Mode) -> torch.Tensor:
        """Deform the samples that were drawn, and return all samples with the same dtype."""
        values = image.as_subclass(torch.Tensor)
        if mode != "nearest" and not values.is_floating_point():
            values = values.float()
        samples = list(values.reshape(-1, *values.shape[-self.spatial_dims - 1 :]))
        if self.chosen:
            batch = torch.stack([samples[index] for index in self.chosen])
            warped = warp(batch, displacement, mode, self.padding_mode)
            for index, sample in zip(self.chosen, warped, strict=True):
                samples[index] = sample
            values = torch.stack(samples).reshape(values.shape)
        deformed: torch.Tensor = convert_to_dst_type(values, dst=image, dtype=values.dtype)[0]
        return deformed


class RandElasticGridd(RandArrayTransformd, of=RandElasticGrid):
    """Dictionary version of :class:`RandElasticGrid`: the same deformation for all keys of a sample.

    Args:
        keys: keys of images and labels.
        mode: one mode for all keys, or one for each.
        points: number of control points along each axis.
        sigma: standard deviation of the displacements in pixels.
        prob: probability that a sample is deformed.
        padding_mode: values outside the image: ``"reflection"``, ``"border"`` or ``"zeros"``.
        spatial_dims: 2 for images, 3 for volumes.
        allow_missing_keys: skip keys that a sample does not have.

    Raises:
        ValueError: an argument is out of range, or the images of a sample differ in size.

    Example:
        >>> item = {"image": torch.rand(1, 64, 64), "label": torch.ones(1, 64, 64, dtype=torch.int32)}
        >>> deform = RandElasticGridd(["image", "label"], mode=["bilinear", "nearest"], prob=1.0)
        >>> {key: value.dtype for key, value in deform(item).items()}
        {'image': torch.float32, 'label': torch.int32}
    """

    def __init__(
        self, keys: KeysCollection, mode: Mode | Sequence[Mode], *options: Any, **named_options: Any
    ) -> None:
        first, *others = [mode] if isinstance(mode, str) else mode
        super().__init__(keys, first, *options, **named_options)
        for other in others:
            check_modes(other, self.transform.padding_mode, self.transform.spatial_dims)
        self.mode = ensure_tuple_rep(mode, len(self.keys))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Deform the images and labels of one sample, or of a batch."""
        item = dict(data)
        elastic = self.transform
        present = list(self.key_iterator(item, self.mode))
        sizes = set()
        for key, _ in present:
            item[key] = convert_to_tensor(item[key], track_meta=get_track_meta())
            sizes.add((elastic.samples_in(item[key]), *item[key].shape[-elastic.spatial_dims :]))
        if len(sizes) > 1:
            listed = "; ".join(f"{key}, {origin(item[key])}, {tuple(item[key].shape)}" for key, _ in present)
            raise ValueError(f"the images of a sample differ in size: {listed}; crop or resize one")
        if present:
            first = item[present[0][0]]
            elastic.randomize(elastic.samples_in(first))
            displacement = elastic.displacement_for(first)
            for key, mode in present:
                item[key] = elastic.deform(item[key], displacement.to(item[key].device), mode)
        return item
