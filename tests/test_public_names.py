"""The names that bundles and callers may use, `cellseg_monai.<room>.<Name>`, against public_names.txt.

    python tests/test_public_names.py

writes the list anew.
"""

import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import get_origin

import pytest

import cellseg_monai

INVENTORY = Path(__file__).with_name("public_names.txt")
REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
STAGES = ["label_maps", *sorted(m.name for m in pkgutil.iter_modules(cellseg_monai.__path__) if m.ispkg)]


def names_of(stage: str) -> list[str]:
    return list(getattr(importlib.import_module(f"cellseg_monai.{stage}"), "__all__", ()))


def public_names() -> list[str]:
    return [*cellseg_monai.__all__, *(f"{stage}.{name}" for stage in STAGES for name in names_of(stage))]


def functions_and_classes() -> list[str]:
    """Public names but for constants and type aliases."""
    values = {name: look_up(name) for name in public_names()}
    documented = {name: value for name, value in values.items() if get_origin(value) is None}
    return [name for name, value in documented.items() if inspect.isclass(value) or inspect.isroutine(value)]


def look_up(name: str) -> object:
    stage, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(f"cellseg_monai.{stage}".rstrip(".")), attribute)


def test_inventory_is_up_to_date():
    listed, present = set(INVENTORY.read_text().split()), set(public_names())
    assert present == listed, (
        f"new: {sorted(present - listed)}, gone: {sorted(listed - present)}; a name that is gone breaks "
        "bundles; if that is meant, say so in CHANGELOG.md and run: python tests/test_public_names.py"
    )


def test_every_module_is_imported():
    """By each Python of `make test-pythons`."""
    modules = [module.name for module in pkgutil.walk_packages(cellseg_monai.__path__, "cellseg_monai.")]
    imported = [name for name in modules if not name.endswith("__main__")]
    assert len(imported) > 100
    for name in imported:
        importlib.import_module(name)


@pytest.mark.parametrize("stage", STAGES)
def test_stage_with_modules_has_names(stage):
    module = importlib.import_module(f"cellseg_monai.{stage}")
    has_modules = any(pkgutil.iter_modules(getattr(module, "__path__", ())))
    assert names_of(stage) or not has_modules, f"cellseg_monai.{stage} needs an __all__ of its public names"


@pytest.mark.parametrize("stage", STAGES)
def test_no_module_has_the_name_of_what_its_stage_exports(stage):
    """``pydoc.locate``, by which MONAI finds a ``_target_``, gives the module since Python 3.12."""
    folder = getattr(importlib.import_module(f"cellseg_monai.{stage}"), "__path__", ())
    modules = {module.name for module in pkgutil.iter_modules(folder)}
    assert not modules & set(names_of(stage)), "rename the module"


@pytest.mark.parametrize("stage", STAGES)
def test_stage_has_a_reference_page(stage):
    page = REFERENCE / f"{stage}.md"
    assert f"::: cellseg_monai.{stage}" in page.read_text().splitlines()


@pytest.mark.parametrize("name", functions_and_classes())
def test_docstring_has_an_example(name):
    documentation = inspect.cleandoc(look_up(name).__doc__ or "")
    assert "\nExample:\n" in documentation, f"cellseg_monai.{name} needs an `Example:` that doctest can run"
    assert ">>>" in documentation.partition("\nExample:\n")[2]


if __name__ == "__main__":
    INVENTORY.write_text("".join(f"{name}\n" for name in public_names()))
