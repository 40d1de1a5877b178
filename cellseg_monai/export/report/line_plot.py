"""Curves, with a band where their values are uncertain."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cellseg_monai.export.report.axes import (
    SERIES,
    WIDTH,
    Scale,
    dash,
    line,
    span,
    svg,
    text,
    tick_label,
    ticks,
)

_LEFT, _RIGHT, _TOP, _HEIGHT = 70, 150, 12, 250
_MOST_POINTS = 300


class Line(NamedTuple):
    """A curve.

    Attributes:
        name: written at its end.
        x: ascending.
        y: one value each; NaN leaves a gap.
        low: lower edge of the band, empty for none.
        high: upper edge.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


def line_plot(lines: Sequence[Line], title: str, x_label: str, y_label: str, *, scores: bool = False) -> str:
    """Draw curves with their names at their ends.

    A curve of more than 300 points is drawn as means of neighbours, with a band from the least to the
    greatest.

    Args:
        lines: curves.
        title: what is drawn.
        x_label: name of the horizontal axis.
        y_label: name of the vertical axis.
        scores: let the vertical axis run from 0 to 1 if all values do.

    Returns:
        HTML with inline SVG.

    Example:
        >>> "loss ends at 0.500" in line_plot([Line("loss", [1, 2], [1.0, 0.5])], "Training", "epoch", "loss")
        True
    """
    curves = [_thinned(curve) for curve in lines]
    values = [v for c in curves for part in (c.y, c.low, c.high) for v in part if np.isfinite(v)] or [
        0.0,
        1.0,
    ]
    low, high = span(values, (0, 1) if scores else None)
    if not scores and min(values) >= 0:
        low = max(low, 0.0)
    steps = [float(x) for c in curves for x in c.x] or [0.0, 1.0]
    first, last = (
        (min(steps), max(steps)) if min(steps) < max(steps) else (min(steps) - 0.5, max(steps) + 0.5)
    )
    across = Scale(first, last, _LEFT, WIDTH - _RIGHT)
    up = Scale(low, high, _TOP + _HEIGHT, _TOP)
    parts = [_frame(across, up, x_label, y_label)]
    ends = []
    for index, curve in enumerate(curves):
        parts.append(_curve(curve, index, across, up))
        known = [value for value in curve.y if np.isfinite(value)]
        ends.append((up.place(known[-1]) if known else up.start, index, curve.name))
    parts.append(_names(ends))
    told = "; ".join(
        f"{curve.name} ends at {curve.y[-1]:.3f}" if len(curve.y) else f"{curve.name} is empty"
        for curve in lines
    )
    return svg(title, told, _TOP + _HEIGHT + 46, "".join(parts))


def _frame(across: Scale, up: Scale, x_label: str, y_label: str) -> str:
    parts = []
    for tick in ticks(up.low, up.high):
        place = up.place(tick)
        parts.append(line(_LEFT, place, WIDTH - _RIGHT, place))
        parts.append(text(_LEFT - 8, place + 4.5, tick_label(tick), "end", "tick"))
    whole = [tick for tick in ticks(across.low, across.high, 6) if tick == round(tick)]
    for tick in whole:
        parts.append(text(across.place(tick), up.start + 18, tick_label(tick), "middle", "tick"))
    parts.append(text((_LEFT + WIDTH - _RIGHT) / 2, up.start + 38, x_label, "middle", "label"))
    middle = (up.start + up.end) / 2
    parts.append(
        f'<g transform="translate(16 {middle:.1f}) rotate(-90)">{text(0, 0, y_label, "middle", "label")}</g>'
    )
    return "".join(parts)


def _curve(curve: Line, index: int, across: Scale, up: Scale) -> str:
    band = ""
    if len(curve.low):
        there = [
            (across.place(x), up.place(y)) for x, y in zip(curve.x, curve.high, strict=True) if np.isfinite(y)
        ]
        back = [
            (across.place(x), up.place(y)) for x, y in zip(curve.x, curve.low, strict=True) if np.isfinite(y)
        ]
        band = f'<polygon points="{_points(there + back[::-1])}" class="band s{index % SERIES}"/>'
    pieces: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(curve.x, curve.y, strict=True):
        if np.isfinite(y):
            pieces[-1].append((across.place(x), up.place(y)))
        elif pieces[-1]:
            pieces.append([])
    style = f' stroke-dasharray="{dash(index)}"' if dash(index) else ""
    drawn = [
        f'<polyline points="{_points(piece)}" class="curve s{index % SERIES}"{style}/>'
        for piece in pieces
        if len(piece) > 1
    ]
    if sum(map(len, pieces)) <= 30:
        drawn += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" class="point s{index % SERIES}"/>'
            for piece in pieces
            for x, y in piece
        ]
    return band + "".join(drawn)


def _names(ends: list[tuple[float, int, str]]) -> str:
    """The name of each curve beside its end, moved down where two would cover each other."""
    parts, lowest = [], -np.inf
    for place, index, name in sorted(ends):
        y = max(place, lowest + 17)
        lowest = y
        x = WIDTH - _RIGHT + 8
        style = f' stroke-dasharray="{dash(index)}"' if dash(index) else ""
        parts.append(
            f'<line x1="{x}" y1="{y:.1f}" x2="{x + 16}" y2="{y:.1f}" class="curve s{index % SERIES}"{style}/>'
            f"{text(x + 21, y + 4.5, name if len(name) < 19 else name[:17] + '…', kind='label')}"
        )
    return "".join(parts)


def _points(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _thinned(curve: Line) -> Line:
    if len(curve.x) <= _MOST_POINTS:
        return curve
    runs = np.array_split(np.arange(len(curve.x)), _MOST_POINTS // 2)
    x, y = np.asarray(curve.x, float), np.asarray(curve.y, float)
    middle = [
        float(y[run][np.isfinite(y[run])].mean()) if np.isfinite(y[run]).any() else float("nan")
        for run in runs
    ]
    lowest = [float(np.min(y[run], initial=np.inf, where=np.isfinite(y[run]))) for run in runs]
    highest = [float(np.max(y[run], initial=-np.inf, where=np.isfinite(y[run]))) for run in runs]
    return Line(curve.name, [float(x[run].mean()) for run in runs], middle, lowest, highest)
