"""A sound bundle in a folder, to which a test adds its attack."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cellseg_monai.runtime import find_bundle

CANARY = "CANARY"
"""Stands for the file that an attack would create."""


def with_canary(content: Any, canary: Path) -> Any:
    """Content of a configuration with the path of the canary."""
    return json.loads(json.dumps(content).replace(CANARY, canary.as_posix()))


@pytest.fixture
def canary(tmp_path_factory):
    """File in a folder whose name has no meaning for MONAI."""
    return tmp_path_factory.mktemp("nest") / "canary"


@pytest.fixture
def bundle(tmp_path):
    """Copy of a bundle of the package, without its weights."""
    return shutil.copytree(
        find_bundle("skip_unet"), tmp_path / "cells", ignore=shutil.ignore_patterns("*.pt", "*.jpg")
    )
