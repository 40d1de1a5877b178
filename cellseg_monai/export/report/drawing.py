"""Several plots as one SVG file, for pages that accept images but not HTML."""

import re
from collections.abc import Sequence
from html import escape
from importlib import resources

from cellseg_monai.export.report.axes import WIDTH

_PLOT = re.compile(r'<svg viewBox="0 0 (\d+) ([\d.]+)"[^>]*>(.*)</svg>', re.DOTALL)


def drawing(plots: Sequence[str], title: str, columns: int = 2) -> str:
    """Arrange plots in rows.

    Args:
        plots: plots from :func:`line_plot` and similar functions.
        title: title for screen readers.
        columns: number of plots in a row.

    Returns:
        Text of an SVG file.

    Example:
        >>> from cellseg_monai.export.report import Line, line_plot
        >>> plot = line_plot([Line("loss", [1, 2], [1.0, 0.5])], "Training", "epoch", "loss")
        >>> drawing([plot, plot, plot], "Losses").count("<svg")
        4
    """
    if columns < 1:
        raise ValueError(f"columns must be at least 1, not {columns}")
    found = [_PLOT.search(plot) for plot in plots]
    bodies = [(float(plot[2]), plot[3]) for plot in found if plot is not None]
    if len(bodies) < len(plots):
        raise ValueError(f"plot {found.index(None)} contains no drawing; pass the result of line_plot")
    parts, top = [], 0.0
    for first in range(0, len(bodies), columns):
        row = bodies[first : first + columns]
        for place, (height, body) in enumerate(row):
            box = f'x="{place * WIDTH}" y="{top:g}" width="{WIDTH}" height="{height:g}"'
            parts.append(f"<svg {box}>{body}</svg>")
        top += max(height for height, _ in row)
    width = WIDTH * min(columns, max(1, len(plots)))
    style = (resources.files(__package__) / "report.css").read_text(encoding="utf-8")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top:g}" role="img" '
        f'aria-label="{escape(title)}" font-family="system-ui, Segoe UI, Roboto, Arial, sans-serif" '
        f'font-size="13"><title>{escape(title)}</title><style>{escape(style)}</style>'
        f'<rect width="100%" height="100%" style="fill: var(--paper)"/>{"".join(parts)}</svg>\n'
    )
