"""Distributions side by side: every value as a dot, a box for the middle half, and the median."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from cellseg_monai.export.report.axes import WIDTH, Scale, dot, line, span, text
from cellseg_monai.export.report.rows import frame

_HEIGHT, _RIGHT = 46, 92


def strip_plot(
    groups: Mapping[str, Sequence[float]], title: str, names: Sequence[str] | Mapping[str, Sequence[str]] = ()
) -> str:
    """Draw one row of dots per group over a common axis, which runs from 0 to 1 if all values do.

    Args:
        groups: values by name of the group; NaN is left out, a group without values is shown empty.
        title: title of the plot.
        names: name of each value for the tooltip of its dot: one list for all groups, or a list by group.

    Returns:
        HTML with inline SVG.

    Example:
        >>> drawing = strip_plot({"dice": [0.5, 0.7, 0.9]}, "Scores", ["a", "b", "c"])
        >>> drawing.count("<circle"), "median 0.700" in drawing
        (3, True)
    """
    limits = span([value for values in groups.values() for value in values], at_least=(0, 1))
    plot = frame(list(groups), limits, height=_HEIGHT, right=_RIGHT)
    descriptions = []
    for y, (group, values) in zip(plot.middles, groups.items(), strict=True):
        labels = names.get(group, ()) if isinstance(names, Mapping) else names
        drawn, description = _row(np.asarray(values, float), labels, plot.scale, y)
        plot.parts.append(drawn)
        descriptions.append(f"{group}: {description}")
    return plot.drawn(title, descriptions)


def _row(values: npt.NDArray[np.float64], names: Sequence[str], scale: Scale, y: float) -> tuple[str, str]:
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return text(scale.start + 8, y + 4.5, "not scored", kind="tick"), "not scored"
    quarter, median, three_quarters = np.quantile(values[known], [0.25, 0.5, 0.75])
    dots = []
    for index, shift in zip(known.tolist(), _spread(values[known], scale), strict=True):
        tip = f"{names[index]}: {values[index]:.3f}" if len(names) > index else ""
        dots.append(dot(scale.place(values[index]), y + shift, 3, tip=tip))
    left, right = scale.place(quarter), scale.place(three_quarters)
    wide = max(right - left, 1)
    box = f'<rect x="{left:.1f}" y="{y - 15:.1f}" width="{wide:.1f}" height="30" rx="3" class="box"/>'
    place = scale.place(median)
    return (
        f'{box}<g class="dots">{"".join(dots)}</g>{line(place, y - 18, place, y + 18, "median")}'
        f"{text(WIDTH - _RIGHT + 12, y + 4.5, f'{median:.3f}', kind='value')}",
        f"median {median:.3f}, middle half {quarter:.3f} to {three_quarters:.3f}, {len(known)} values",
    )


def _spread(values: npt.NDArray[np.float64], scale: Scale) -> list[float]:
    """Vertical shifts of dots that would cover each other; the same values give the same picture."""
    levels = [0.0, *(sign * step for step in (5.0, 10.0, 15.0, 2.5, 7.5, 12.5) for sign in (-1.0, 1.0))]
    last = dict.fromkeys(levels, -np.inf)
    shifts = [0.0] * len(values)
    for index in np.argsort(values, kind="stable").tolist():
        place = scale.place(float(values[index]))
        free = (shift for shift in levels if place - last[shift] >= 6)
        level = next(free, min(levels, key=last.__getitem__))
        last[level], shifts[index] = place, level
    return shifts
