"""Griffe extension that adapts the docstrings of the package for mkdocstrings."""

import importlib
import inspect
import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^(\s*)Example:$", re.MULTILINE)
_ROLE = re.compile(r":(?:class|func|meth|mod|data):`(~?)([\w.]+)`")


class Docstrings(griffe.Extension):
    """Converts `Example:` to a section that griffe supports, Sphinx roles to links, and finds lazy names."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one module, class, function or attribute."""
        if obj.docstring:
            with_sections = _EXAMPLE.sub(r"\1Examples:", obj.docstring.value)
            obj.docstring.value = _ROLE.sub(_link, with_sections)

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Export what a package loads lazily: griffe does not see the `__all__` that lazy_loader makes."""
        for package in (pkg, *pkg.modules.values()):
            if "lazy_loader" in package.members:
                package.exports = importlib.import_module(package.path).__all__

    def on_class_members(self, *, cls: griffe.Class, **_: Any) -> None:
        """Give a dictionary transform the options of its array transform, which its `__signature__` lists."""
        if "array" in cls.members:
            transform = getattr(importlib.import_module(cls.module.path), cls.name)
            parameters = inspect.signature(transform).parameters.values()
            cls["__init__"] = griffe.Function(
                "__init__",
                parameters=griffe.Parameters(griffe.Parameter("self"), *map(_parameter, parameters)),
            )


def _parameter(parameter: inspect.Parameter) -> griffe.Parameter:
    given, text = parameter.annotation, inspect.formatannotation(parameter.annotation)
    return griffe.Parameter(
        parameter.name,
        annotation=None if given is parameter.empty else re.sub(r"\b(?:typing|collections\.abc)\.", "", text),
        kind=griffe.ParameterKind(parameter.kind.description),
        default=None if parameter.default is parameter.empty else repr(parameter.default),
    )


def _link(role: re.Match[str]) -> str:
    short, target = role.groups()
    return f"[`{target.rpartition('.')[2] if short else target}`][{target}]"
