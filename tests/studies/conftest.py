"""A few small images of real nuclei, and a bundle small enough to train on them in seconds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bundles.reduced import BUNDLES
from tests.forked.commands import as_executable

BUNDLE = BUNDLES / "patch_attention_unet"
SMALL: dict[str, Any] = {"networks#patch_attention_unet#channels": [8, 16], "patch_size": 64, "max_epochs": 1}


@pytest.fixture(scope="module", autouse=True)
def _forked() -> Iterator[None]:
    """The processes of a study, and the trainings that these start, do not import MONAI each."""
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
    """Larger nuclei of other brightness."""
    return real_images / "large_nuclei"
