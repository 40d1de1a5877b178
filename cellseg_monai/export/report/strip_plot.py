"""Distributions side by side: every value a dot, a box of the middle half, the median."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from cellseg_monai.export.report.axes import WIDTH, Scale, line, row_names, span, svg, text, tick_label, ticks

_ROW, _RIGHT, _TOP = 46, 92, 8


def strip_plot(
    groups: Mapping[str, Sequence[float]], title: str, names: Sequence[str] | Mapping[str, Sequence[str]] = ()
) -> str:
    """Draw one row of dots a group over a common axis, which runs from 0 to 1 if all values do.

    Args:
        groups: values by name of the group; NaN is left out, a group of nothing is shown empty.
        title: what is drawn.
        names: what each value belongs to, for the dot's tooltip: the same for all groups, or by group.

    Returns:
        HTML with inline SVG.

    Example:
        >>> drawing = strip_plot({"dice": [0.5, 0.7, 0.9]}, "Scores", ["a", "b", "c"])
        >>> drawing.count("<circle"), "median 0.700" in drawing
        (3, True)
    """
    known = [value for values in groups.values() for value in values if np.isfinite(value)]
    low, high = span(known or [0.0, 1.0], at_least=(0, 1))
    shown, room = row_names(list(groups))
    scale = Scale(low, high, room, WIDTH - _RIGHT)
    bottom = _TOP + _ROW * len(groups)
    parts = []
    for tick in ticks(low, high):
        place = scale.place(tick)
        parts += [
            line(place, _TOP, place, bottom),
            text(place, bottom + 18, tick_label(tick), "middle", "tick"),
        ]
    words = []
    for row, (name, values) in enumerate(groups.items()):
        numbers = np.asarray(values, float)
        labels = names.get(name, ()) if isinstance(names, Mapping) else names
        middle = _TOP + _ROW * (row + 0.5)
        parts.append(text(room - 12, middle + 4.5, shown[row], "end", "label"))
        drawn, told = _row(numbers, labels, scale, middle)
        parts.append(drawn)
        words.append(f"{name}: {told}")
    return svg(title, "; ".join(words), bottom + 26, "".join(parts))


def _row(values: npt.NDArray[np.float64], names: Sequence[str], scale: Scale, y: float) -> tuple[str, str]:
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return text(scale.start + 8, y + 4.5, "not scored", kind="tick"), "not scored"
    quarter, median, three_quarters = np.quantile(values[known], [0.25, 0.5, 0.75])
    dots = []
    for index, shift in zip(known.tolist(), _spread(values[known], scale), strict=True):
        tip = f"<title>{escape(names[index])}: {values[index]:.3f}</title>" if len(names) > index else ""
        dots.append(
            f'<circle cx="{scale.place(values[index]):.1f}" cy="{y + shift:.1f}" r="3">{tip}</circle>'
        )
    left, right = scale.place(quarter), scale.place(three_quarters)
    wide = max(right - left, 1)
    box = f'<rect x="{left:.1f}" y="{y - 15:.1f}" width="{wide:.1f}" height="30" rx="3" class="box"/>'
    place = scale.place(median)
    told = f"median {median:.3f}"
    return (
        f'{box}<g class="dots">{"".join(dots)}</g>{line(place, y - 18, place, y + 18, "median")}'
        f"{text(WIDTH - _RIGHT + 12, y + 4.5, f'{median:.3f}', kind='value')}",
        f"{told}, middle half {quarter:.3f} to {three_quarters:.3f}, {len(known)} values",
    )


def _spread(values: npt.NDArray[np.float64], scale: Scale) -> list[float]:
    """Move dots that would hide each other up and down; the same values give the same picture."""
    levels = [0.0, *(sign * step for step in (5.0, 10.0, 15.0, 2.5, 7.5, 12.5) for sign in (-1.0, 1.0))]
    last = dict.fromkeys(levels, -np.inf)
    shifts = np.zeros(len(values))
    for index in np.argsort(values, kind="stable"):
        place = scale.place(float(values[index]))
        level = next(
            (shift for shift in levels if place - last[shift] >= 6), min(levels, key=last.__getitem__)
        )
        last[level] = place
        shifts[index] = level
    return [float(shift) for shift in shifts]
