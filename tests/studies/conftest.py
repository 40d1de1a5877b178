"""A few small images of real nuclei, and a network small enough to train in seconds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bundles.reduced import BUNDLES
from tests.forked.commands import as_executable

BUNDLE = BUNDLES / "patch_attention_unet"
SMALL: dict[str, Any] = {"network_def#architecture#channels": [8, 16], "patch_size": 64, "max_epochs": 1}


@pytest.fixture(scope="module", autouse=True)
def _forked() -> Iterator[None]:
    """Fork the processes of a study and their trainings, so that each does not import MONAI."""
    with as_executable():
        yield


@pytest.fixture(scope="session")
def train(real_images: Path) -> Path:
    return real_images / "nuclei/train"


@pytest.fixture(scope="session")
def test(real_images: Path) -> Path:
    return real_images / "nuclei/test"


@pytest.fixture(scope="session")
def shifted(real_images: Path) -> Path:
    """Larger nuclei with another brightness."""
    return real_images / "large_nuclei"
