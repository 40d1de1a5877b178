"""The elastic deformation of the U-Net paper, the one augmentation that MONAI lacks."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.config import KeysCollection
from monai.data.meta_obj import get_track_meta
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_tensor, ensure_tuple_rep

from cellseg_monai.transforms.provenance import origin
from cellseg_monai.transforms.warping import Mode, PaddingMode, check_modes, elastic_displacement, warp


class _ElasticGrid(RandomizableTransform):
    """The chance that the array and the dictionary form share: which samples, and their control points."""

    backend = [TransformBackends.TORCH]

    def __init__(
        self, points: int, sigma: float, prob: float, padding_mode: PaddingMode, spatial_dims: int
    ) -> None:
        if points < 2:
            raise ValueError(f"an elastic grid has at least 2 points along each axis, not {points}")
        if not (sigma >= 0 and np.isfinite(sigma)):
            raise ValueError(f"sigma is a number of pixels, 0 or more, not {sigma}")
        if not 0 <= prob <= 1:
            raise ValueError(f"prob is a probability, from 0 to 1, not {prob}")
        if spatial_dims not in (2, 3):
            raise ValueError(f"spatial_dims must be 2 or 3, not {spatial_dims}")
        RandomizableTransform.__init__(self, prob)
        self.points = points
        self.sigma = sigma
        self.padding_mode = padding_mode
        self.spatial_dims = spatial_dims
        self.chosen: list[int] = []
        self.control: npt.NDArray[np.float64] = np.empty(0)

    def randomize(self, data: int) -> None:
        """Draw which of the samples are deformed, and how.

        Args:
            data: number of samples.
        """
        self.chosen = []
        for sample in range(data):
            super().randomize(None)
            if self._do_transform:
                self.chosen.append(sample)
        grid = (self.points,) * self.spatial_dims
        self.control = self.R.normal(0, self.sigma, (len(self.chosen), self.spatial_dims, *grid))

    def samples_in(self, image: torch.Tensor) -> int:
        """Number of samples in a batch; 1 for a single channel-first image."""
        if image.ndim not in (self.spatial_dims + 1, self.spatial_dims + 2):
            raise ValueError(
                f"{origin(image)} has shape {tuple(image.shape)}, which is neither (channels, …) nor (batch, "
                f"channels, …) with {self.spatial_dims} spatial axes; set spatial_dims, or add a channel axis"
            )
        return image.shape[0] if image.ndim == self.spatial_dims + 2 else 1

    def displacement_for(self, image: torch.Tensor) -> torch.Tensor:
        """The fields of the samples that were chosen."""
        return elastic_displacement(self.control, image.shape[-self.spatial_dims :], image.device)

    def deform(self, image: torch.Tensor, displacement: torch.Tensor, mode: Mode) -> torch.Tensor:
        """Warp the samples that were chosen, and give all the same dtype."""
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


class RandElasticGrid(_ElasticGrid):
    """Deform an image by random displacements on a coarse grid, as the U-Net was trained (arXiv 1505.04597).

    Each of points × points control points moves by a Gaussian number of pixels along each axis; splines
    carry this to the pixels, see :func:`elastic_displacement`. A field that would fold is scaled down, so no
    cell tears. MONAI's ``Rand2DElastic`` is another thing: uniform offsets at a given spacing, free to fold.

    Args:
        mode: ``"bilinear"`` or ``"bicubic"`` for images, ``"nearest"`` for labels. There is no default, for
            that of an image would spoil a label.
        points: control points along each axis.
        sigma: standard deviation of their displacements, in pixels.
        prob: probability that a sample is deformed.
        padding_mode: what lies outside of the image: ``"reflection"``, ``"border"`` or ``"zeros"``.
        spatial_dims: 2 for images, 3 for volumes. One axis more than channels and these is a batch, of which
            each sample has a deformation of its own.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> squares = torch.zeros(1, 32, 32)
        >>> squares[0, 8:24, 8:24] = 7
        >>> deform = RandElasticGrid(mode="nearest", sigma=2.0, prob=1.0).set_random_state(seed=0)
        >>> deform(squares).unique().tolist()
        [0.0, 7.0]
    """

    def __init__(
        self,
        mode: Mode,
        points: int = 3,
        sigma: float = 10.0,
        prob: float = 0.1,
        padding_mode: PaddingMode = "reflection",
        spatial_dims: int = 2,
    ) -> None:
        super().__init__(points, sigma, prob, padding_mode, spatial_dims)
        check_modes(mode, padding_mode, spatial_dims)
        self.mode = mode

    def __call__(self, image: npt.NDArray[Any] | torch.Tensor, randomize: bool = True) -> torch.Tensor:
        """Deform an image, or each image of a batch.

        Args:
            image: shape (channels, …) or (batch, channels, …).
            randomize: draw anew; False repeats the last deformation.

        Returns:
            Tensor of the same shape, with the meta data of the image; float32 if integers were mixed.
        """
        tensor = convert_to_tensor(image, track_meta=get_track_meta())
        samples = self.samples_in(tensor)
        if randomize:
            self.randomize(samples)
        return self.deform(tensor, self.displacement_for(tensor), self.mode)


class RandElasticGridd(_ElasticGrid, MapTransform):
    """Dictionary form of :class:`RandElasticGrid`: one deformation for all keys of an item.

    Args:
        keys: images and labels.
        mode: one for all keys, or one for each.
        points: control points along each axis.
        sigma: standard deviation of their displacements, in pixels.
        prob: probability that a sample is deformed.
        padding_mode: what lies outside of the image: ``"reflection"``, ``"border"`` or ``"zeros"``.
        spatial_dims: 2 for images, 3 for volumes.
        allow_missing_keys: pass over keys that an item lacks.

    Raises:
        ValueError: an argument is out of its range, or the images of an item differ in size.

    Example:
        >>> item = {"image": torch.rand(1, 64, 64), "label": torch.ones(1, 64, 64, dtype=torch.int32)}
        >>> deform = RandElasticGridd(["image", "label"], mode=["bilinear", "nearest"], prob=1.0)
        >>> {key: value.dtype for key, value in deform(item).items()}
        {'image': torch.float32, 'label': torch.int32}
    """

    def __init__(
        self,
        keys: KeysCollection,
        mode: Mode | Sequence[Mode],
        points: int = 3,
        sigma: float = 10.0,
        prob: float = 0.1,
        padding_mode: PaddingMode = "reflection",
        spatial_dims: int = 2,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        _ElasticGrid.__init__(self, points, sigma, prob, padding_mode, spatial_dims)
        self.mode = ensure_tuple_rep(mode, len(self.keys))
        for one in self.mode:
            check_modes(one, padding_mode, spatial_dims)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Deform the images and labels of one item, or of a batch."""
        item = dict(data)
        present = list(self.key_iterator(item, self.mode))
        sizes = set()
        for key, _ in present:
            item[key] = convert_to_tensor(item[key], track_meta=get_track_meta())
            sizes.add((self.samples_in(item[key]), *item[key].shape[-self.spatial_dims :]))
        if len(sizes) > 1:
            listed = "; ".join(f"{key}, {origin(item[key])}, {tuple(item[key].shape)}" for key, _ in present)
            raise ValueError(
                f"one deformation needs images of one size, these differ: {listed}; crop or resize one"
            )
        if present:
            first = item[present[0][0]]
            self.randomize(self.samples_in(first))
            displacement = self.displacement_for(first)
            for key, mode in present:
                item[key] = self.deform(item[key], displacement.to(item[key].device), mode)
        return item
