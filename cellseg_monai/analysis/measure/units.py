"""Pixels or micrometres."""

from typing import NamedTuple

PixelSize = float | tuple[float, ...] | None
"""Pixel size in micrometres, one number or along x and y (and z); None if it is not known."""


class Scale(NamedTuple):
    """Size and unit of a pixel.

    Attributes:
        x: length along x.
        y: length along y.
        unit: ``um`` or ``px``, used in the names of columns.
        z: distance of planes; NaN if it is not known, but x and y are.
    """

    x: float
    y: float
    unit: str
    z: float = float("nan")

    @property
    def square(self) -> bool:
        """Whether pixels are square, apart from rounding in the file."""
        return abs(self.x - self.y) <= 1e-3 * max(self.x, self.y)


def scale_of(pixel_size: PixelSize) -> Scale:
    """Scale of an image.

    Raises:
        ValueError: the size is not positive.

    Example:
        >>> scale_of(0.5), scale_of(None).unit
        (Scale(x=0.5, y=0.5, unit='um', z=0.5), 'px')
    """
    if pixel_size is None:
        return Scale(1.0, 1.0, "px", 1.0)
    sides = pixel_size if isinstance(pixel_size, tuple) else (pixel_size,) * 3
    if len(sides) not in (2, 3) or not all(0 < float(side) < float("inf") for side in sides):
        raise ValueError(f"pixel_size must be one to three positive lengths in micrometres, not {pixel_size}")
    x, y, *z = map(float, sides)
    return Scale(x, y, "um", *z)
