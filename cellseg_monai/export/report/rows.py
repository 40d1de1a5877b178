"""Frame of plots with one named row per group above a common axis."""

from collections.abc import Sequence
from typing import NamedTuple

from cellseg_monai.export.report.axes import WIDTH, Scale, line, svg, text, tick, ticks

_TOP = 8
_LONGEST = 35


class Rows(NamedTuple):
    """Empty rows with their names, and the axis below them.

    Attributes:
        scale: horizontal axis.
        middles: vertical coordinate of the middle of each row.
        bottom: vertical coordinate of the axis.
        parts: SVG elements of the frame; the plot adds its own.
    """

    scale: Scale
    middles: list[float]
    bottom: float
    parts: list[str]

    def drawn(self, title: str, descriptions: Sequence[str]) -> str:
        """The finished plot as HTML, with a description of each row for screen readers."""
        return svg(title, "; ".join(descriptions), self.bottom + 26, "".join(self.parts))


def frame(
    names: Sequence[str], limits: tuple[float, float], *, height: int, right: int, zero: bool = False
) -> Rows:
    """Draw the frame.

    Args:
        names: names of the rows from top to bottom.
        limits: lowest and highest value of the axis.
        height: height of a row.
        right: room to the right of the axis.
        zero: whether to highlight 0.
    """
    shown = row_names(names)
    room = max(110.0, 24 + 7.0 * max(map(len, shown), default=0))
    scale = Scale(*limits, room, WIDTH - right)
    bottom = _TOP + height * len(names)
    middles = [_TOP + height * (row + 0.5) for row in range(len(names))]
    parts = [text(room - 12, y + 4.5, name, "end", "label") for y, name in zip(middles, shown, strict=True)]
    for value in ticks(*limits):
        x = scale.place(value)
        parts.append(line(x, _TOP, x, bottom, "zero" if zero and value == 0 else "grid"))
        parts.append(tick(x, bottom + 18, value))
    return Rows(scale, middles, bottom, parts)


def row_names(names: Sequence[str]) -> list[str]:
    """Names of rows as they are drawn; a long name loses its middle, since names differ at their ends.

    Example:
        >>> row_names(["a", "skip_unet, convolutional-seed_0/left_out"])
        ['a', 'skip_unet, convol…l-seed_0/left_out']
    """
    return [name if len(name) <= _LONGEST else f"{name[:17]}…{name[-17:]}" for name in names]
