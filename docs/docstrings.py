"""Lets mkdocstrings read the docstrings of the package as they are written for people and for doctest."""

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^(\s*)Example:$", re.MULTILINE)
_ROLE = re.compile(r":(?:class|func|meth|mod|data):`(~?)([\w.]+)`")


class Docstrings(griffe.Extension):
    """Turns `Example:` into the section that griffe knows and Sphinx roles into links."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one module, class, function or attribute."""
        if obj.docstring:
            with_sections = _EXAMPLE.sub(r"\1Examples:", obj.docstring.value)
            obj.docstring.value = _ROLE.sub(_link, with_sections)


def _link(role: re.Match[str]) -> str:
    short, target = role.groups()
    return f"[`{target.rpartition('.')[2] if short else target}`][{target}]"
