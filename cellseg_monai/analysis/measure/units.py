"""Pixels or micrometres."""

from typing import NamedTuple

PixelSize = float | tuple[float, float] | None
"""Pixel size in micrometres, one number or along x and y; None if it is not known."""


class Scale(NamedTuple):
    """Size and unit of a pixel.

    Attributes:
        x: length along x.
        y: length along y.
        unit: ``um`` or ``px``, used in the names of columns.
    """

    x: float
    y: float
    unit: str

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
        (Scale(x=0.5, y=0.5, unit='um'), 'px')
    """
    if pixel_size is None:
        return Scale(1.0, 1.0, "px")
    both = pixel_size if isinstance(pixel_size, tuple) else (pixel_size, pixel_size)
    if len(both) != 2 or not all(0 < float(side) < float("inf") for side in both):
        raise ValueError(f"pixel_size must be one or two positive lengths in micrometres, not {pixel_size}")
    return Scale(float(both[0]), float(both[1]), "um")
