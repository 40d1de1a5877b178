"""Small datasets, and every bundle trained on one of them."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellseg_monai.data import list_items, write_synthetic_dataset
from tests.bundles.reduced import NARROW, Bundle, copied


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight small images of nuclei."""
    folder = tmp_path_factory.mktemp("set")
    return write_synthetic_dataset("nuclei", folder, count=8, size=(96, 144), seed=1).parent


@pytest.fixture(scope="session")
def class_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same kind of images, whose masks hold 0, 128 and 255."""
    folder = write_synthetic_dataset(
        "nuclei", tmp_path_factory.mktemp("classes"), count=8, size=(96, 144)
    ).parent
    for item in list_items(folder):
        ids = tifffile.imread(item["label"])
        tifffile.imwrite(item["label"], np.where(ids > 0, np.where(ids % 2, 128, 255), 0).astype(np.uint8))
    return folder


@pytest.fixture(scope="session", params=sorted(NARROW))
def trained(
    request: pytest.FixtureRequest, dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    """A bundle trained for two epochs."""
    bundle = copied(request.param, tmp_path_factory.mktemp("server"))
    bundle.run("train", dataset_dir=dataset, output_dir=bundle.path / "run", max_epochs=2, folds=4)
    return bundle
