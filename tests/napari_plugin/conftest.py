"""A bundle, a dataset, and napari offscreen where it is installed."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser

import cellseg_monai
from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.planning.candidates import Candidate
from tests.bundles.reduced import copied

MANIFEST = Path(cellseg_monai.__file__).with_name("napari.yaml")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def write_scores(bundle: Path, scores: Mapping[str, float]) -> None:
    """Write the record of a training with these scores by name of the candidate."""
    candidates = [Candidate(name, bundle, {"f1@0.5": score}, bundle) for name, score in scores.items()]
    record = {"candidates": [candidate._asdict() for candidate in candidates]}
    (bundle / "plan.json").write_text(json.dumps(record, default=str))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A narrow bundle with weights as they come, and values of its own."""
    folder = copied("patch_attention_unet", tmp_path_factory.mktemp("bundle")).path
    file = folder / "configs/inference.json"
    config = ConfigParser.load_config_file(file)
    config["network_def"]["architecture"]["channels"] = [8, 16]
    config |= {"threshold": 0.45, "min_size": 3, "device": "cpu"}
    ConfigParser.export_config_file(config, str(file))
    torch.manual_seed(0)
    network = ConfigParser(config).get_parsed_content("network_def")
    torch.save(network.state_dict(), folder / "models/model.pt")
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    return write_synthetic_dataset("tissue", folder, count=1, size=(48, 64), seed=1).parent


@pytest.fixture(scope="module")
def application() -> Any:
    pytest.importorskip("napari", reason="optional: pip install 'cellseg-monai[napari]'")
    qt = pytest.importorskip("qtpy.QtWidgets", reason="there is no Qt for napari here")
    return qt.QApplication.instance() or qt.QApplication([])


@pytest.fixture
def viewer(application: Any) -> Iterator[Any]:
    """The layers of napari without its window, which would need OpenGL; files are opened by this package."""
    import npe2
    from napari.components import ViewerModel

    manager = npe2.PluginManager.instance()
    manager.discover()
    known = "cellseg-monai" in manager
    if not known:
        manager.register(npe2.PluginManifest.from_file(MANIFEST))
    yield ViewerModel()
    if not known:
        manager.unregister("cellseg-monai")
