"""The page and its plain parts: sections, tables, tiles, lists."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from typing import NamedTuple

Cell = str | float | int | bool | None
"""A number is set to the right and sorts as a number; None and NaN show a dash."""


class Section(NamedTuple):
    """A part of the page with an entry in its table of contents.

    Attributes:
        anchor: to link to, of letters, digits and hyphens.
        title: heading.
        body: HTML.
    """

    anchor: str
    title: str
    body: str


def page(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """A whole HTML file, with its style and its script inside.

    The page forbids itself to load anything, by a content security policy.

    Args:
        title: heading.
        subtitle: a sentence below it.
        sections: in order.

    Returns:
        The text of the file, for UTF-8.

    Example:
        >>> text = page("Scores", "of <two> runs", [Section("one", "First", "<p>body</p>")])
        >>> text.startswith("<!doctype html>"), "of &lt;two&gt; runs" in text
        (True, True)
    """
    here = resources.files(__package__)
    style, script = ((here / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    contents = "".join(f'<li><a href="#{part.anchor}">{escape(part.title)}</a></li>' for part in sections)
    body = "\n".join(
        f'<section id="{part.anchor}" aria-labelledby="{part.anchor}-h">'
        f'<h2 id="{part.anchor}-h">{escape(part.title)}</h2>\n{part.body}\n</section>'
        for part in sections
    )
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the scores</a>
<header><h1>{escape(title)}</h1><p>{escape(subtitle)}</p></header>
<nav aria-label="Contents"><ul>{contents}</ul></nav>
<main id="main">
{body}
</main>
<script>{script}</script>
</body>
</html>
"""


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str, *, sortable: bool = False
) -> str:
    """A table; the first column is the header of its row.

    Args:
        columns: headings.
        rows: cells, as many as headings.
        caption: what the table shows.
        sortable: make each heading a button that sorts by its column, and add a field to filter the rows.

    Returns:
        HTML.

    Example:
        >>> "<td class=num>0.500" in table(["image", "dice"], [["a", 0.5]], "Scores")
        True
    """
    headings = "".join(_heading(name, place, rows, sortable) for place, name in enumerate(columns))
    body = "".join(
        f"<tr>{''.join(_cell(cell, place) for place, cell in enumerate(row))}</tr>" for row in rows
    )
    found = (
        '<p class="filter"><label>Show only rows that contain '
        '<input type="search" autocomplete="off"></label> <span role="status"></span></p>'
        if sortable
        else ""
    )
    kind = ' class="sortable"' if sortable else ""
    words = escape(caption)
    return (
        f'<div class="table">{found}<div class="scroll" tabindex="0" role="region" aria-label="{words}">'
        f"<table{kind}><caption>{words}</caption><thead><tr>{headings}</tr></thead>"
        f"<tbody>{body}</tbody></table></div></div>"
    )


def _heading(name: str, place: int, rows: Sequence[Sequence[Cell]], sortable: bool) -> str:
    numeric = any(_is_number(row[place]) for row in rows)
    label = escape(name)
    inner = (
        f'<button type="button">{label}<span class="arrow" aria-hidden="true"></span></button>'
        if sortable
        else label
    )
    return f'<th scope="col"{" class=num" if numeric else ""}>{inner}</th>'


def _cell(cell: Cell, place: int) -> str:
    if place == 0:
        return f'<th scope="row">{escape(str(cell))}</th>'
    if _is_number(cell):
        return f"<td class=num>{number(cell)}</td>"  # type: ignore[arg-type]
    if cell is None or isinstance(cell, float):
        return '<td class=num><span aria-label="not scored">–</span></td>'
    if isinstance(cell, bool):
        return f"<td>{'yes' if cell else ''}</td>"
    return f"<td>{escape(str(cell))}</td>"


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, float | int) and not isinstance(cell, bool) and not math.isnan(cell)


def number(value: float) -> str:
    """A number as a reader wants it: counts without, scores with three decimals.

    Example:
        >>> number(12), number(12.0), number(0.5), number(123.456)
        ('12', '12.0', '0.500', '123.5')
    """
    if isinstance(value, int):
        return str(value)
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return (
        f"{value:.3f}" if (abs(value) < 10 and value != round(value)) or abs(value) <= 1 else f"{value:.1f}"
    )


def tiles(figures: Sequence[tuple[str, str, str]]) -> str:
    """The figures to see first: name, value, and a line of small print each.

    Example:
        >>> tiles([("Images", "10", "")]).count("<div")
        1
    """
    inner = "".join(
        f"<div><dt>{escape(name)}</dt>"
        f"<dd><strong>{escape(value)}</strong> <small>{escape(small)}</small></dd></div>"
        for name, value, small in figures
    )
    return f'<dl class="tiles">{inner}</dl>'


def definitions(entries: Mapping[str, str]) -> str:
    """Names with their values, as of provenance.

    Example:
        >>> definitions({"seed": "0"})
        '<dl class="definitions"><dt>seed</dt><dd>0</dd></dl>'
    """
    inner = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in entries.items())
    return f'<dl class="definitions">{inner}</dl>'


def note(text: str, *, warning: bool = False, items: Sequence[str] = ()) -> str:
    """A paragraph, or a warning in a box, with a list below it that opens if it is long.

    Example:
        >>> note("All is well")
        '<p>All is well</p>'
    """
    listed = "".join(f"<li>{escape(item)}</li>" for item in items)
    listed = f"<ul>{listed}</ul>" if listed else ""
    if len(items) > 8:
        listed = f"<details><summary>{len(items)} names</summary>{listed}</details>"
    if warning:
        return f'<div class="warning" role="note"><p>{escape(text)}</p>{listed}</div>'
    return f"<p>{escape(text)}</p>{listed}"
