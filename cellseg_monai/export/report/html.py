"""The page and its basic parts: sections, tables, tiles, lists."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from string import Template
from typing import NamedTuple

Cell = str | float | int | bool | None
"""Numbers are right-aligned and sort as numbers; None and NaN show a dash."""

_SEARCH = (
    '<p class="filter"><label>Only show rows that contain <input type="search" autocomplete="off"></label> '
    '<span role="status"></span></p>'
)


class Section(NamedTuple):
    """A section of the page, listed in its table of contents.

    Attributes:
        anchor: link target of letters, digits and hyphens.
        title: heading.
        body: HTML content.
    """

    anchor: str
    title: str
    body: str


def page(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """A complete HTML file with its style sheet and its script.

    A content security policy keeps the page from loading anything else.

    Args:
        title: heading of the page.
        subtitle: sentence below the heading.
        sections: sections in order.

    Returns:
        Text of the file, to be stored as UTF-8.

    Example:
        >>> text = page("Scores", "of <two> runs", [Section("one", "First", "<p>body</p>")])
        >>> text.startswith("<!doctype html>"), "of &lt;two&gt; runs" in text
        (True, True)
    """
    files = resources.files(__package__)
    template, style, script = (
        (files / f"report.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")
    )
    contents = "".join(f'<li><a href="#{part.anchor}">{escape(part.title)}</a></li>' for part in sections)
    body = "\n".join(
        f'<section id="{part.anchor}" aria-labelledby="{part.anchor}-h">'
        f'<h2 id="{part.anchor}-h">{escape(part.title)}</h2>\n{part.body}\n</section>'
        for part in sections
    )
    words = {"title": escape(title), "subtitle": escape(subtitle)}
    return Template(template).substitute(words, style=style, script=script, contents=contents, body=body)


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str, *, sortable: bool = False
) -> str:
    """A table whose first column holds the row headers.

    Args:
        columns: column headings.
        rows: cells, one per heading.
        caption: caption of the table.
        sortable: whether headings become buttons that sort the rows, with a field that filters them.

    Example:
        >>> "<td class=num>0.500" in table(["image", "dice"], [["a", 0.5]], "Scores")
        True
    """
    headings = "".join(
        _heading(name, any(_is_number(row[place]) for row in rows), sortable)
        for place, name in enumerate(columns)
    )
    body = "".join(
        f"<tr>{''.join(_cell(cell, place) for place, cell in enumerate(row))}</tr>" for row in rows
    )
    search, kind = (_SEARCH, ' class="sortable"') if sortable else ("", "")
    words = escape(caption)
    return (
        f'<div class="table">{search}<div class="scroll" tabindex="0" role="region" aria-label="{words}">'
        f"<table{kind}><caption>{words}</caption><thead><tr>{headings}</tr></thead>"
        f"<tbody>{body}</tbody></table></div></div>"
    )


def _heading(name: str, numeric: bool, sortable: bool) -> str:
    inner = escape(name)
    if sortable:
        inner = f'<button type="button">{inner}<span class="arrow" aria-hidden="true"></span></button>'
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
    """A number as text: integers without decimals, scores with three.

    Example:
        >>> number(12), number(12.0), number(0.5), number(123.456)
        ('12', '12.0', '0.500', '123.5')
    """
    if isinstance(value, int):
        return str(value)
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    decimals = 3 if abs(value) <= 1 or (abs(value) < 10 and value != round(value)) else 1
    return f"{value:.{decimals}f}"


def tiles(figures: Sequence[tuple[str, str, str]]) -> str:
    """Key figures at the top of the page, each with a name, a value, and a note in small print.

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
    """A list of names and their values.

    Example:
        >>> definitions({"seed": "0"})
        '<dl class="definitions"><dt>seed</dt><dd>0</dd></dl>'
    """
    inner = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in entries.items())
    return f'<dl class="definitions">{inner}</dl>'


def note(text: str, *, warning: bool = False, items: Sequence[str] = ()) -> str:
    """A paragraph, or a warning in a box, with a list below it; a long list is collapsed.

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
