"""Values with their intervals, one per row, to see at a glance whether runs differ."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from cellseg_monai.export.report.axes import WIDTH, dot, line, span, text
from cellseg_monai.export.report.rows import frame

_HEIGHT, _RIGHT = 38, 190


class Interval(NamedTuple):
    """A value and its interval.

    Attributes:
        name: name of the row.
        value: value to mark.
        low: lower end of the interval; NaN if it is not known.
        high: upper end of the interval.
    """

    name: str
    value: float
    low: float
    high: float


def interval_plot(rows: Sequence[Interval], title: str, *, zero: bool = False) -> str:
    """Draw each value as a dot on the line of its interval.

    Args:
        rows: rows from top to bottom.
        title: title of the plot.
        zero: whether to mark 0, for differences.

    Returns:
        HTML with inline SVG.

    Example:
        >>> drawing = interval_plot([Interval("first", 0.8, 0.7, 0.9)], "F1")
        >>> "first: 0.800, interval 0.700 to 0.900" in drawing
        True
    """
    limits = span([value for row in rows for value in row[1:]] + ([0.0] if zero else []))
    plot = frame([row.name for row in rows], limits, height=_HEIGHT, right=_RIGHT, zero=zero)
    place, descriptions = plot.scale.place, []
    for y, row in zip(plot.middles, rows, strict=True):
        label, description = f"{row.value:.3f}", f"{row.name}: {row.value:.3f}"
        if math.isfinite(row.low) and math.isfinite(row.high):
            left, right = place(row.low), place(row.high)
            plot.parts.append(line(left, y, right, y, "whisker"))
            plot.parts.extend(line(end, y - 6, end, y + 6, "whisker") for end in (left, right))
            label += f" [{row.low:.3f}, {row.high:.3f}]"
            description += f", interval {row.low:.3f} to {row.high:.3f}"
        plot.parts.append(dot(place(row.value), y, 5.5, "point s0"))
        plot.parts.append(text(WIDTH - _RIGHT + 10, y + 4.5, label.replace("-", "−"), kind="value"))
        descriptions.append(description)
    return plot.drawn(title, descriptions)
