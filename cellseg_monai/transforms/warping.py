"""Smooth displacement fields, and images and labels warped by them.

A displacement field has the shape (batch, axes, …). For each pixel it gives the offset, in pixels along each
axis, of the position that its new value comes from. All functions work on batches, in two or three
dimensions, on any device.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from scipy.interpolate import CubicSpline
from scipy.special import ndtr

Mode = Literal["bilinear", "bicubic", "nearest"]
PaddingMode = Literal["reflection", "border", "zeros"]

_STRONGEST_COMPRESSION = 0.9  # 1 would fold; the margin allows for the field between two pixels
_PIXELS_PER_POINT = 4


def elastic_displacement(
    control: npt.NDArray[np.float64], spatial_shape: Sequence[int], device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Interpolate the displacements of a coarse grid smoothly over an image, without folds.

    The control points are evenly spaced from edge to edge, and natural cubic splines pass through them. If
    the field u would compress the image by more than nine tenths in any direction, the field is scaled down
    to that limit. The compression is the maximum of −∂ᵢuᵢ + ½ Σⱼ |∂ⱼuᵢ + ∂ᵢuⱼ| (j ≠ i) over pixels and axes
    i, which bounds the eigenvalues of the symmetric part of −∇u. Below 1 the map p → p + u(p) is one to one
    and its Jacobian determinant is positive, so nothing folds or tears.

    Args:
        control: displacements of the control points in pixels, shape (batch, axes, points, points[, points]).
        spatial_shape: shape of the image without channels.
        device: device of the result.

    Returns:
        Displacement field of shape (batch, axes, …), float32.

    Raises:
        ValueError: an axis is too short for the control points, or the shapes do not match.

    Example:
        >>> shift = np.full((1, 2, 3, 3), 5.0)
        >>> elastic_displacement(shift, (16, 20)).round().unique()
        tensor([5.])
    """
    axes = _check_control(control, spatial_shape)
    pairs = [
        _spline_basis(points, length) for points, length in zip(control.shape[2:], spatial_shape, strict=True)
    ]
    values = [torch.as_tensor(value, dtype=torch.float32, device=device) for value, _ in pairs]
    slopes = [torch.as_tensor(slope, dtype=torch.float32, device=device) for _, slope in pairs]
    grid = torch.as_tensor(control, dtype=torch.float32, device=device)
    gradient = [_spread(grid, [*values[:axis], slopes[axis], *values[axis + 1 :]]) for axis in range(axes)]
    squeeze = torch.zeros(len(grid), device=device)
    for i in range(axes):
        shear = sum((gradient[j][:, i] + gradient[i][:, j]).abs() / 2 for j in range(axes) if j != i)
        squeeze = squeeze.maximum((shear - gradient[i][:, i]).flatten(1).amax(1))
    scale = _STRONGEST_COMPRESSION / squeeze.clamp(min=_STRONGEST_COMPRESSION)
    return _spread(grid * scale.reshape(-1, *(1,) * (grid.ndim - 1)), values)


def smoothed_displacement(
    control: npt.NDArray[np.float64],
    spatial_shape: Sequence[int],
    sigma: float,
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    """Give each pixel the displacement of the nearest control point, and smooth the field by a Gaussian.

    The control points are the centres of equal blocks that divide the image. The field outside the image
    continues that of its edge. Nothing limits the field: without enough smoothing the blocks tear apart or
    fold over each other.

    Args:
        control: displacements of the control points in pixels, shape (batch, axes, points, points[, points]).
        spatial_shape: shape of the image without channels.
        sigma: standard deviation of the Gaussian in pixels.
        device: device of the result.

    Returns:
        Displacement field of shape (batch, axes, …), float32.

    Raises:
        ValueError: the shapes do not match.

    Example:
        Two blocks of eight pixels, and the ramp between them:

        >>> control = np.array([[[[0.0, 8.0]] * 2] * 2])
        >>> smoothed_displacement(control, (16, 16), sigma=1.0)[0, 1, 4, 4:12].round().int().tolist()
        [0, 0, 1, 2, 6, 7, 8, 8]
    """
    _check_control(control, spatial_shape)
    shapes = zip(control.shape[2:], spatial_shape, strict=True)
    bases = [_block_basis(points, length, sigma) for points, length in shapes]
    grid = torch.as_tensor(control, dtype=torch.float32, device=device)
    return _spread(grid, [torch.as_tensor(basis, dtype=torch.float32, device=device) for basis in bases])


def warp(
    images: torch.Tensor,
    displacement: torch.Tensor,
    mode: Mode = "bilinear",
    padding_mode: PaddingMode = "reflection",
) -> torch.Tensor:
    """Take the value of each pixel from the position that its displacement points to.

    Args:
        images: batch of shape (batch, channels, …).
        displacement: displacement field of shape (batch, axes, …), on the same device.
        mode: ``"nearest"`` copies pixels, so the ids of a label map stay exact in every integer dtype
            (PyTorch's sampling uses float32, which corrupts ids above 2^24). ``"bilinear"`` and, for images,
            ``"bicubic"`` interpolate; bicubic may slightly exceed the range of the image.
        padding_mode: values outside the image: its mirror image, its outermost pixels, or zeros.

    Returns:
        Batch of the same shape; the same dtype, or float32 if integers were interpolated.

    Example:
        >>> ids = torch.tensor([[[[16_777_217, 0], [0, 2]]]])
        >>> one_down = torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1).expand(1, 2, 2, 2)
        >>> warp(ids, one_down, mode="nearest", padding_mode="zeros").tolist()
        [[[[0, 2], [0, 0]]]]
    """
    check_modes(mode, padding_mode, displacement.shape[1])
    shape = images.shape[2:]
    pixels = torch.meshgrid(*(torch.arange(length, device=images.device) for length in shape), indexing="ij")
    places = [displacement[:, axis] + pixel for axis, pixel in enumerate(pixels)]
    if mode == "nearest":
        return _nearest(images, places, padding_mode)
    mixed = images.to(torch.float64 if images.dtype == torch.float64 else torch.float32)
    # grid_sample takes positions from -1 to 1 between the edges of the image, last axis first
    unit = [(2 * place + 1) / length - 1 for place, length in zip(places, shape, strict=True)]
    grid = torch.stack(unit[::-1], dim=-1).to(mixed.dtype)
    warped = torch.nn.functional.grid_sample(mixed, grid, mode, padding_mode, align_corners=False)
    return warped.to(images.dtype) if images.is_floating_point() else warped


def check_modes(mode: str, padding_mode: str, spatial_dims: int) -> None:
    """Raise if :func:`warp` does not have a mode.

    Example:
        >>> check_modes("linear", "zeros", 2)
        Traceback (most recent call last):
        ...
        ValueError: mode must be one of bilinear, bicubic, nearest, not 'linear'
    """
    if mode not in get_args(Mode):
        raise ValueError(f"mode must be one of {', '.join(get_args(Mode))}, not {mode!r}")
    if mode == "bicubic" and spatial_dims != 2:
        raise ValueError("mode 'bicubic' works only for images; use 'bilinear' for volumes")
    if padding_mode not in get_args(PaddingMode):
        raise ValueError(
            f"padding_mode must be one of {', '.join(get_args(PaddingMode))}, not {padding_mode!r}"
        )


def _check_control(control: npt.NDArray[np.float64], spatial_shape: Sequence[int]) -> int:
    axes = len(spatial_shape)
    if control.ndim != 2 + axes or control.shape[1] != axes:
        raise ValueError(
            f"control points of shape {control.shape} do not match an image of shape {tuple(spatial_shape)}; "
            f"they need the shape (batch, {axes}{', points' * axes})"
        )
    return axes


def _block_basis(points: int, length: int, sigma: float) -> npt.NDArray[np.float64]:
    """Share of each block in each pixel of an axis after smoothing: the integral of the Gaussian over it."""
    ends = np.arange(1, points) * length / points
    beyond = ndtr((np.arange(length)[:, None] + 0.5 - ends) / sigma)
    beyond = np.pad(beyond, ((0, 0), (1, 1)), constant_values=((0, 0), (1, 0)))
    shares: npt.NDArray[np.float64] = beyond[:, :-1] - beyond[:, 1:]
    return shares


def _spline_basis(points: int, length: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weight of each control point at each pixel of an axis, and the slope of that weight."""
    if length < _PIXELS_PER_POINT * (points - 1):
        raise ValueError(
            f"an axis of {length} pixels is too short for {points} control points, which need "
            f"{_PIXELS_PER_POINT * (points - 1)} pixels; use fewer points or larger patches"
        )
    spline = CubicSpline(np.arange(points), np.eye(points), bc_type="natural")
    step = (points - 1) / length
    centres = (np.arange(length) + 0.5) * step
    return spline(centres), spline(centres, 1) * step


def _spread(grid: torch.Tensor, bases: Sequence[torch.Tensor]) -> torch.Tensor:
    """Contract each axis with its basis; a contracted axis moves to the end, so the order is kept."""
    for basis in bases:
        grid = torch.tensordot(grid, basis, dims=([2], [1]))
    return grid


def _nearest(images: torch.Tensor, places: Sequence[torch.Tensor], padding_mode: str) -> torch.Tensor:
    """Copy pixels by their index, for any dtype."""
    index = torch.zeros_like(places[0], dtype=torch.int64)
    inside = torch.ones_like(index, dtype=torch.bool)
    for place, length in zip(places, images.shape[2:], strict=True):
        if padding_mode == "reflection":  # at the outer edges of the image, as in grid_sample
            place = (place + 0.5).remainder(2 * length)
            place = place.minimum(2 * length - place) - 0.5
        nearest = place.round().long()
        if padding_mode == "zeros":
            inside &= (nearest >= 0) & (nearest < length)
        index = index * length + nearest.clamp(0, length - 1)
    sample = torch.arange(images.shape[0], device=images.device)[:, None, None]
    channel = torch.arange(images.shape[1], device=images.device)[None, :, None]
    copied = images.flatten(2)[sample, channel, index.flatten(1)[:, None]].reshape(images.shape)
    return torch.where(inside[:, None], copied, torch.zeros_like(copied))
