"""A few real nuclei, cut small, and a bundle small enough to train on them in seconds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tifffile

from cellseg_monai.data import list_items, read_label_map, read_pixels
from tests.bundles.reduced import BUNDLES
from tests.forked.commands import as_executable

SIDE = 128
BUNDLE = BUNDLES / "patch_attention_unet"
SMALL: dict[str, Any] = {"network_def#architecture#channels": [8, 16], "patch_size": 64, "max_epochs": 1}


def cut(source: Path, folder: Path, count: int) -> Path:
    """A dataset of the upper left corners of the first images."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for item in list_items(source)[:count]:
        pixels, labels = read_pixels(item["image"]), read_label_map(item["label"])
        tifffile.imwrite(folder / "images" / f"{item['name']}.tif", pixels[:SIDE, :SIDE])
        tifffile.imwrite(folder / "masks" / f"{item['name']}.tif", labels[:SIDE, :SIDE])
    return folder


@pytest.fixture(scope="module", autouse=True)
def _forked() -> Iterator[None]:
    """The processes of a study, and the trainings that these start, do not import MONAI each."""
    with as_executable():
        yield


@pytest.fixture(scope="session")
def train(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut(real_data / "tasks/nuclei/train", tmp_path_factory.mktemp("nuclei") / "train", 5)


@pytest.fixture(scope="session")
def test(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut(real_data / "tasks/nuclei/test", tmp_path_factory.mktemp("nuclei") / "test", 2)


@pytest.fixture(scope="session")
def shifted(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut(real_data / "shift/dataset2", tmp_path_factory.mktemp("shift") / "new", 5)
