"""A picture with layers that can be switched on and off, and that can be enlarged."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple


class Layer(NamedTuple):
    """Something drawn over an image.

    Attributes:
        key: the same in all pictures, of letters and digits.
        picture: data URI.
    """

    key: str
    picture: str


def legend(layers: Sequence[tuple[str, str, str, bool]]) -> str:
    r"""Buttons that switch a layer in all pictures of the section.

    Args:
        layers: key, name, colour (any of CSS) and whether it is shown at first.

    Returns:
        HTML, to stand before the figures.

    Example:
        >>> legend([("truth", "Truth", "#fff", True)]).count("aria-pressed=\"true\"")
        1
    """
    buttons = "".join(
        f'<button type="button" data-toggle="{key}" aria-pressed="{"true" if shown else "false"}">'
        f'<span class="swatch k-{key}" style="--c:{colour}" aria-hidden="true"></span>{escape(name)}</button>'
        for key, name, colour, shown in layers
    )
    return f'<div class="legend" role="group" aria-label="Layers of the pictures">{buttons}</div>'


def layered_figure(title: str, caption: str, base: str, layers: Sequence[Layer], description: str) -> str:
    """An image with its layers, buttons to zoom, and arrow keys to move.

    Args:
        title: name of the picture.
        caption: below it.
        base: data URI of the image.
        layers: drawn in this order.
        description: what is to be seen, for those who do not see it.

    Returns:
        HTML.

    Example:
        >>> layered_figure("cell 1", "", "data:,", [Layer("truth", "data:,")], "two cells").count("<img")
        2
    """
    over = "".join(
        f'<img class="layer" data-layer="{layer.key}" src="{layer.picture}" alt="">' for layer in layers
    )
    name = escape(title)
    buttons = "".join(
        f'<button type="button" data-zoom="{step}" aria-label="{words} {name}">{sign}</button>'
        for step, words, sign in (("in", "Enlarge", "+"), ("out", "Shrink", "−"), ("fit", "Fit", "fit"))
    )
    return (
        f'<figure class="picture"><figcaption><div><strong>{name}</strong> '
        f"<span>{escape(caption)}</span></div>"
        f'<div class="zoom" role="group" aria-label="Zoom of {name}">{buttons}</div></figcaption>'
        f'<div class="viewport" tabindex="0" role="group" aria-label="{name}: plus and minus keys '
        f'enlarge and shrink, arrow keys move"><div class="stack">'
        f'<img src="{base}" alt="{escape(description)}">{over}</div></div></figure>'
    )
