"""Zoomable pictures with layers that can be switched on and off."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple


class Layer(NamedTuple):
    """A layer drawn over an image.

    Attributes:
        key: identifier of letters and digits, the same in all pictures.
        picture: data URI of the layer.
    """

    key: str
    picture: str


def legend(layers: Sequence[tuple[str, str, str, bool]]) -> str:
    r"""Buttons that show or hide a layer in all pictures of the section.

    Args:
        layers: key, name, CSS colour, and whether the layer is shown initially.

    Returns:
        HTML to place before the figures.

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


def swatches(entries: Sequence[tuple[str, str]]) -> str:
    """Names beside their colours.

    Args:
        entries: name and CSS colour of each.

    Returns:
        HTML.

    Example:
        >>> swatches([("nucleus", "#fff")]).count("nucleus")
        1
    """
    listed = "".join(
        f'<span class="named"><span class="swatch" style="--c:{colour}" aria-hidden="true"></span>'
        f"{escape(name)}</span> "
        for name, colour in entries
    )
    return f'<p class="classes">{listed}</p>'


def layered_figure(title: str, caption: str, base: str, layers: Sequence[Layer], description: str) -> str:
    """An image with its layers; buttons zoom, arrow keys move.

    Args:
        title: title of the picture.
        caption: text beside the title.
        base: data URI of the image.
        layers: layers in drawing order.
        description: description of the picture for screen readers.

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
        for step, words, sign in (
            ("in", "Zoom in on", "+"),
            ("out", "Zoom out of", "−"),
            ("fit", "Fit", "fit"),
        )
    )
    return (
        f'<figure class="picture"><figcaption><div><strong>{name}</strong> '
        f"<span>{escape(caption)}</span></div>"
        f'<div class="zoom" role="group" aria-label="Zoom of {name}">{buttons}</div></figcaption>'
        f'<div class="viewport" tabindex="0" role="group" aria-label="{name}: plus and minus keys '
        f'zoom in and out, arrow keys move"><div class="stack">'
        f'<img src="{base}" alt="{escape(description)}">{over}</div></div></figure>'
    )
