"""What configurations name is found by MONAI, and is the same under every supported Python."""

import inspect
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ComponentLocator, ConfigComponent, ConfigParser
from monai.utils.module import locate

from tests.bundles.reduced import BUNDLES

CONFIGS = sorted([*BUNDLES.glob("*/configs/*.json"), *BUNDLES.glob("_base/*.yaml")])
LOCATOR = ComponentLocator()


def targets(config: Any) -> Iterator[str]:
    """Every ``_target_``, as the dotted path that MONAI makes of it."""
    if isinstance(config, dict):
        if isinstance(config.get("_target_"), str):
            yield ConfigComponent(config, locator=LOCATOR).resolve_module_name()
        for value in config.values():
            yield from targets(value)
    elif isinstance(config, list):
        for value in config:
            yield from targets(value)


def is_module(path: str) -> bool:
    try:
        return find_spec(path) is not None
    except ModuleNotFoundError:  # its parent is a class
        return False


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: f"{file.relative_to(BUNDLES)}")
def test_a_target_is_a_class_or_function_and_no_module_has_its_name(file: Path) -> None:
    """``pydoc.locate`` prefers an attribute up to Python 3.11, and a module of the same name since."""
    found = {path: locate(path) for path in targets(ConfigParser.load_config_file(str(file)))}
    wrong = {path: it for path, it in found.items() if not (inspect.isclass(it) or inspect.isroutine(it))}
    assert not wrong
    assert not [path for path in found if is_module(path)]


@pytest.mark.parametrize("name", sorted(folder.parent.name for folder in BUNDLES.glob("*/configs")))
def test_monai_label_finds_a_target_in_each_handler_of_a_training(name: str) -> None:
    """It looks for a ``CheckpointLoader`` among them and puts one first, so no reference has an index."""
    text = (BUNDLES / name / "configs/train.json").read_text()
    assert all("_target_" in handler for handler in json.loads(text)["train"]["handlers"])
    assert "@train#handlers#" not in text
