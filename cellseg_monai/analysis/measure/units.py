"""Pixels or micrometres."""

from typing import NamedTuple

PixelSize = float | tuple[float, float] | None
"""Micrometres, one number or along x and along y; None if it is not known."""


class Scale(NamedTuple):
    """What a pixel is long, and in what.

    Attributes:
        x: along x.
        y: along y.
        unit: ``um`` or ``px``, the end of a column's name.
    """

    x: float
    y: float
    unit: str

    @property
    def square(self) -> bool:
        """Whether pixels are as high as wide, but for what is lost in writing a number."""
        return abs(self.x - self.y) <= 1e-3 * max(self.x, self.y)


def scale_of(pixel_size: PixelSize) -> Scale:
    """The scale of an image.

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
        raise ValueError(f"a pixel size is one or two lengths above 0 in micrometres, not {pixel_size}")
    return Scale(float(both[0]), float(both[1]), "um")
