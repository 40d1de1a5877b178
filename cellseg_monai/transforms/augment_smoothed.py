"""The elastic deformation of Henrion et al.: a coarse grid of displacements, smoothed by a Gaussian."""

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np
import numpy.typing as npt
import torch

from cellseg_monai.transforms.augment import RandElasticGrid, RandElasticGridd
from cellseg_monai.transforms.warping import smoothed_displacement


@dataclass(eq=False)
class RandElasticSmoothed(RandElasticGrid):
    """Deform an image by random displacements of a coarse grid, smoothed by a Gaussian.

    After Henrion, Quero and Agarwal, "U-Net Model Implementation for Pancreatic Stem Cells": "3×3 control
    grid, Gaussian blur". Each of points × points blocks of the image moves by a random number of pixels, and
    :func:`smoothed_displacement` turns the blocks into a smooth field.

    The amplitude α and the width σ mean what they mean in Simard et al. (ICDAR 2003), where uniform noise
    from -1 to 1, one value for each pixel, is smoothed by a Gaussian and multiplied by α. Smoothing reduces
    the standard deviation of this noise by the factor 2·√π·σ, so here each block moves by a uniform number
    from -A to A along each axis, with

        A = α / (2·√π·σ)    (in volumes α / (2·√π·σ)^1.5)

    The defaults, α = 1000 and σ = 30, move a block by up to 9.4 pixels. The source does not state its final
    values. It reports tears and folds for α > 1000 and σ < 30. No image folds for α ≤ 2.2·σ²:
    the slope of the field is at most 2·A / (√(2π)·σ) along each axis. Unlike :class:`RandElasticGrid`,
    nothing prevents folds beyond that.

    Args:
        mode: ``"bilinear"`` or ``"bicubic"`` for images, ``"nearest"`` for labels.
        points: number of control points along each axis.
        sigma: standard deviation σ of the Gaussian in pixels.
        alpha: amplitude α; 0 leaves the image as it is.
        prob: probability that a sample is deformed.
        padding_mode: values outside the image: ``"reflection"``, ``"border"`` or ``"zeros"``.
        spatial_dims: 2 for images, 3 for volumes. An array with one more axis is a batch, and each of its
            samples is deformed differently.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> image = torch.rand(1, 96, 96)
        >>> still = RandElasticSmoothed("bilinear", alpha=0.0, prob=1.0)
        >>> torch.allclose(still(image), image, atol=1e-5)
        True
        >>> round(RandElasticSmoothed("bilinear", alpha=1000.0, sigma=30.0).largest_shift, 1)
        9.4
    """

    sigma: float = 30.0
    _: KW_ONLY
    alpha: float = 1000.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma == 0:
            raise ValueError("sigma must be above 0 pixels, not 0; the field would be torn between blocks")
        if not (self.alpha >= 0 and math.isfinite(self.alpha)):
            raise ValueError(f"alpha must be 0 or more, not {self.alpha}")

    @property
    def largest_shift(self) -> float:
        """Largest displacement A of a control point along an axis, in pixels."""
        return self.alpha / float((2 * math.sqrt(math.pi) * self.sigma) ** (self.spatial_dims / 2))

    def draw(self, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Draw displacements of control points, in pixels."""
        drawn: npt.NDArray[np.float64] = self.R.uniform(-self.largest_shift, self.largest_shift, shape)
        return drawn

    def displacement_for(self, image: torch.Tensor) -> torch.Tensor:
        """Displacement field of each sample that was drawn."""
        shape = image.shape[-self.spatial_dims :]
        return smoothed_displacement(self.control, shape, self.sigma, image.device)


class RandElasticSmoothedd(RandElasticGridd, of=RandElasticSmoothed):
    """Dictionary version of :class:`RandElasticSmoothed`: the same deformation for all keys of a sample.

    Args:
        keys: keys of images and labels.
        mode: one mode for all keys, or one for each.
        points: number of control points along each axis.
        sigma: standard deviation σ of the Gaussian in pixels.
        alpha: amplitude α; 0 leaves the image as it is.
        prob: probability that a sample is deformed.
        padding_mode: values outside the image: ``"reflection"``, ``"border"`` or ``"zeros"``.
        spatial_dims: 2 for images, 3 for volumes.
        allow_missing_keys: skip keys that a sample does not have.

    Raises:
        ValueError: an argument is out of range, or the images of a sample differ in size.

    Example:
        >>> item = {"image": torch.rand(1, 64, 64), "label": torch.ones(1, 64, 64, dtype=torch.int32)}
        >>> deform = RandElasticSmoothedd(["image", "label"], mode=["bilinear", "nearest"], prob=1.0)
        >>> {key: value.dtype for key, value in deform(item).items()}
        {'image': torch.float32, 'label': torch.int32}
    """
