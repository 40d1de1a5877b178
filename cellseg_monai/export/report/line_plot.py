"""Curves, with bands for the uncertainty of their values."""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pandas as pd

from cellseg_monai.export.report import axes
from cellseg_monai.export.report.axes import Scale

_LEFT, _RIGHT, _TOP, _HEIGHT = 70, 150, 12, 250
_MOST_POINTS = 300
_MOST_DOTS = 30


class Line(NamedTuple):
    """A curve.

    Attributes:
        name: name, written at the end of the curve.
        x: horizontal coordinates in ascending order.
        y: values, one per coordinate; NaN leaves a gap.
        low: lower edge of the band; empty for no band.
        high: upper edge of the band.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


def line_plot(lines: Sequence[Line], title: str, x_label: str, y_label: str, *, scores: bool = False) -> str:
    """Draw curves with their names at their ends.

    A curve of more than 300 points is drawn as means of neighbouring points, with a band from minimum to
    maximum.

    Args:
        lines: curves.
        title: title of the plot.
        x_label: label of the horizontal axis.
        y_label: label of the vertical axis.
        scores: whether the vertical axis runs from 0 to 1 if all values do.

    Returns:
        HTML with inline SVG.

    Example:
        >>> "loss ends at 0.500" in line_plot([Line("loss", [1, 2], [1.0, 0.5])], "Training", "epoch", "loss")
        True
    """
    curves = [_thinned(curve) for curve in lines]
    values = [value for curve in curves for part in (curve.y, curve.low, curve.high) for value in part]
    low, high = axes.span(values, (0, 1) if scores else None)
    if not scores and min((value for value in values if np.isfinite(value)), default=0) >= 0:
        low = max(low, 0.0)
    steps = [float(x) for curve in curves for x in curve.x] or [0.0, 1.0]
    first, last = min(steps), max(steps)
    if first == last:
        first, last = first - 0.5, last + 0.5
    across = Scale(first, last, _LEFT, axes.WIDTH - _RIGHT)
    up = Scale(low, high, _TOP + _HEIGHT, _TOP)
    parts = _frame(across, up, x_label, y_label)
    ends = []
    for index, curve in enumerate(curves):
        parts += _curve(curve, index, across, up)
        known = [value for value in curve.y if np.isfinite(value)]
        ends.append((up.place(known[-1]) if known else up.start, index, curve.name))
    parts += _names(ends)
    description = "; ".join(
        f"{curve.name} ends at {curve.y[-1]:.3f}" if len(curve.y) else f"{curve.name} is empty"
        for curve in lines
    )
    return axes.svg(title, description, _TOP + _HEIGHT + 46, "".join(parts))


def _frame(across: Scale, up: Scale, x_label: str, y_label: str) -> list[str]:
    parts = []
    for value in axes.ticks(up.low, up.high):
        place = up.place(value)
        parts.append(axes.line(_LEFT, place, axes.WIDTH - _RIGHT, place))
        parts.append(axes.tick(_LEFT - 8, place + 4.5, value, "end"))
    for value in axes.ticks(across.low, across.high, 6):
        if value == round(value):
            parts.append(axes.tick(across.place(value), up.start + 18, value))
    parts.append(axes.text((_LEFT + axes.WIDTH - _RIGHT) / 2, up.start + 38, x_label, "middle", "label"))
    turned = f"translate(16 {(up.start + up.end) / 2:.1f}) rotate(-90)"
    parts.append(f'<g transform="{turned}">{axes.text(0, 0, y_label, "middle", "label")}</g>')
    return parts


def _curve(curve: Line, index: int, across: Scale, up: Scale) -> list[str]:
    colour, drawn = f"s{index % axes.SERIES}", []

    def places(values: Sequence[float]) -> list[tuple[float, float]]:
        return [(across.place(x), up.place(y)) for x, y in zip(curve.x, values, strict=True)]

    if len(curve.low):
        corners = places(curve.high) + places(curve.low)[::-1]
        drawn.append(f'<polygon points="{_points(corners)}" class="band {colour}"/>')
    pieces = [list(piece) for known, piece in groupby(places(curve.y), _is_known) if known]
    for piece in pieces:
        if len(piece) > 1:
            drawn.append(f'<polyline points="{_points(piece)}" class="curve {colour}"{axes.dash(index)}/>')
    if sum(map(len, pieces)) <= _MOST_DOTS:
        drawn += [axes.dot(x, y, 3.2, f"point {colour}") for piece in pieces for x, y in piece]
    return drawn


def _is_known(place: tuple[float, float]) -> bool:
    return math.isfinite(place[1])


def _points(places: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in filter(_is_known, places))


def _names(ends: list[tuple[float, int, str]]) -> list[str]:
    """Name of each curve beside its end, moved down where two names would overlap."""
    parts, lowest, x = [], -np.inf, axes.WIDTH - _RIGHT + 8
    for place, index, name in sorted(ends):
        lowest = max(place, lowest + 17)
        parts.append(axes.line(x, lowest, x + 16, lowest, f"curve s{index % axes.SERIES}", axes.dash(index)))
        shown = name if len(name) < 19 else f"{name[:17]}…"
        parts.append(axes.text(x + 21, lowest + 4.5, shown, kind="label"))
    return parts


def _thinned(curve: Line) -> Line:
    if len(curve.x) <= _MOST_POINTS:
        return curve
    count = _MOST_POINTS // 2
    lengths = [len(part) for part in np.array_split(curve.x, count)]
    groups = np.repeat(np.arange(count), lengths)
    x = pd.Series(curve.x, dtype=float).groupby(groups).mean()
    finite = pd.Series(curve.y, dtype=float).replace([np.inf, -np.inf], np.nan)
    y = finite.groupby(groups).agg(["mean", "min", "max"])
    return Line(curve.name, x.tolist(), *(y[name].tolist() for name in y))
