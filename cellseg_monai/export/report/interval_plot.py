"""Values with their intervals, one row each: whether runs differ is seen at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cellseg_monai.export.report.axes import WIDTH, Scale, line, row_names, span, svg, text, tick_label, ticks

_ROW, _RIGHT, _TOP = 38, 190, 8


def minus(value: float) -> str:
    """Three decimals, with a minus and not a hyphen.

    Example:
        >>> minus(-0.5)
        '−0.500'
    """
    return f"{value:.3f}".replace("-", "−")


class Interval(NamedTuple):
    """A value between two others.

    Attributes:
        name: of the row.
        value: marked.
        low: lower end; NaN if it is not known.
        high: upper end.
    """

    name: str
    value: float
    low: float
    high: float


def interval_plot(rows: Sequence[Interval], title: str, zero: bool = False) -> str:
    """Draw each value as a dot on the line of its interval.

    Args:
        rows: from top to bottom.
        title: what is drawn.
        zero: mark 0, for differences.

    Returns:
        HTML with inline SVG.

    Example:
        >>> drawing = interval_plot([Interval("first", 0.8, 0.7, 0.9)], "F1")
        >>> "first: 0.800, interval 0.700 to 0.900" in drawing
        True
    """
    ends = [value for row in rows for value in row[1:] if np.isfinite(value)] + ([0.0] if zero else [])
    low, high = span(ends or [0.0, 1.0])
    names, room = row_names([row.name for row in rows])
    scale = Scale(low, high, room, WIDTH - _RIGHT)
    bottom = _TOP + _ROW * len(rows)
    parts = []
    for tick in ticks(low, high):
        place = scale.place(tick)
        kind = "zero" if zero and tick == 0 else "grid"
        parts += [
            line(place, _TOP, place, bottom, kind),
            text(place, bottom + 18, tick_label(tick), "middle", "tick"),
        ]
    told = []
    for number, row in enumerate(rows):
        y = _TOP + _ROW * (number + 0.5)
        parts.append(text(room - 12, y + 4.5, names[number], "end", "label"))
        known = np.isfinite(row.low) and np.isfinite(row.high)
        if known:
            left, right = scale.place(row.low), scale.place(row.high)
            parts.append(line(left, y, right, y, "whisker"))
            parts += [line(end, y - 6, end, y + 6, "whisker") for end in (left, right)]
        parts.append(f'<circle cx="{scale.place(row.value):.1f}" cy="{y:.1f}" r="5.5" class="point s0"/>')
        interval = f" [{minus(row.low)}, {minus(row.high)}]" if known else ""
        parts.append(text(WIDTH - _RIGHT + 10, y + 4.5, f"{minus(row.value)}{interval}", kind="value"))
        told.append(
            f"{row.name}: {row.value:.3f}" + (f", interval {row.low:.3f} to {row.high:.3f}" if known else "")
        )
    return svg(title, "; ".join(told), bottom + 26, "".join(parts))
