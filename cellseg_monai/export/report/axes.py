"""Parts that all plots share: scales, ticks, SVG elements, and a description for screen readers."""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

SERIES = 6
"""Number of colours for series; the seventh series repeats the first colour with another dash pattern."""

WIDTH = 720
_DASHES = ("", "7 4", "2 3", "9 3 2 3")


class Scale(NamedTuple):
    """Map from the values of an axis to coordinates of the drawing.

    Attributes:
        low: value at the start of the axis.
        high: value at its end.
        start: coordinate of `low`.
        end: coordinate of `high`.

    Example:
        >>> Scale(0, 1, 100, 200).place(0.25)
        125.0
    """

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Coordinate of a value."""
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
    """Limits that contain all finite values with a little room.

    Example:
        >>> span([0.2, 0.8], at_least=(0, 1)), span([2, math.nan, 2]), span([])
        ((0, 1), (1.5, 2.5), (-0.05, 1.05))
    """
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if at_least is not None and at_least[0] <= low and high <= at_least[1]:
        return at_least
    room = (high - low) * 0.05 or 0.5
    return low - room, high + room


def dash(index: int) -> str:
    """SVG attribute for the dash pattern of a series; series with the same colour differ in it."""
    pattern = _DASHES[index // SERIES % len(_DASHES)]
    return f' stroke-dasharray="{pattern}"' if pattern else ""


def svg(title: str, description: str, height: float, body: str) -> str:
    """A drawing with a title and a description for screen readers."""
    words = escape(f"{title}. {description}.")
    return (
        f'<div class="plot" tabindex="0" role="group" aria-label="{escape(title)}">'
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{words}">{body}</svg></div>'
    )


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """Text at a point; the anchor is ``start``, ``middle`` or ``end``."""
    name = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{name}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "grid", more: str = "") -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"{more}/>'


def dot(x: float, y: float, radius: float, kind: str = "", tip: str = "") -> str:
    """A dot, with a tooltip if `tip` is not empty."""
    name = f' class="{kind}"' if kind else ""
    inner = f"><title>{escape(tip)}</title></circle>" if tip else "/>"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}"{name}{inner}'


def tick(x: float, y: float, value: float, anchor: str = "middle") -> str:
    """Label of a tick, without trailing zeros.

    Example:
        >>> [tick(0, 0, value).split(">")[1] for value in (0.2, 100.0, 20000.0)]
        ['0.2</text', '100</text', '20,000</text']
    """
    return text(x, y, f"{value:,.10g}".replace("-", "−"), anchor, "tick")
