"""What all plots share: scales, ticks, the frame, and the words for those who do not see them."""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

SERIES = 6
"""How many colours there are for series; the seventh takes the first again, with another dash."""

WIDTH = 720
_LONGEST = 35
_DASHES = ("", "7 4", "2 3", "9 3 2 3")


class Scale(NamedTuple):
    """Values on one axis to places on the drawing.

    Attributes:
        low: value at the start.
        high: value at the end.
        start: place of the first.
        end: place of the second.

    Example:
        >>> Scale(0, 1, 100, 200).place(0.25)
        125.0
    """

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Where a value lies."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between two values.

    Example:
        >>> ticks(0, 1), ticks(3, 17)
        ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [5.0, 10.0, 15.0])
    """
    raw = (high - low) / about
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= raw * 0.99)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def span(values: Sequence[float], at_least: tuple[float, float] | None = None) -> tuple[float, float]:
    """Limits that hold all values with a little room.

    Example:
        >>> span([0.2, 0.8], at_least=(0, 1)), span([2, 2])
        ((0, 1), (1.5, 2.5))
    """
    low, high = min(values), max(values)
    if at_least is not None and at_least[0] <= low and high <= at_least[1]:
        return at_least
    room = (high - low) * 0.05 or 0.5
    return low - room, high + room


def dash(index: int) -> str:
    """The dash of a series: those that share a colour differ in it."""
    return _DASHES[index // SERIES % len(_DASHES)]


def svg(title: str, description: str, height: float, body: str) -> str:
    """A drawing with a name and a description for screen readers."""
    words = escape(f"{title}. {description}.")
    return (
        f'<div class="plot" tabindex="0" role="group" aria-label="{escape(title)}">'
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{words}">{body}</svg></div>'
    )


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """Words at a place; the anchor is ``start``, ``middle`` or ``end``."""
    name = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{name}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def row_names(names: Sequence[str]) -> tuple[list[str], float]:
    """Names of rows as they are drawn, and the room that they need at the left.

    A long one loses its middle, as its beginning and its end are what tells it from the others.

    Example:
        >>> row_names(["a", "skip_unet, convolutional-seed_0/left_out"])[0]
        ['a', 'skip_unet, convol…l-seed_0/left_out']
    """
    shown = [name if len(name) <= _LONGEST else f"{name[:17]}…{name[-17:]}" for name in names]
    return shown, max(110.0, 24 + 7.0 * max(map(len, shown), default=0))


def tick_label(value: float) -> str:
    """A tick as text, without needless zeros.

    Example:
        >>> tick_label(0.2), tick_label(100.0), tick_label(20000.0)
        ('0.2', '100', '20,000')
    """
    return f"{value:,.10g}".replace("-", "−")
