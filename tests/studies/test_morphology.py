"""Clean-up of the foreground of finished weights, as a study of a threshold on synthetic nuclei."""

from pathlib import Path

import pandas as pd
import pytest

from cellseg_monai.cli import main
from cellseg_monai.data import list_items, write_synthetic_dataset
from cellseg_monai.jobs import evaluate
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.studies import Recipe, morphology
from tests.bundles.threshold import threshold_bundle

OPERATIONS = ["none", "opening", "closing", "both"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return threshold_bundle(tmp_path_factory.mktemp("threshold"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_synthetic_dataset(
        "nuclei", tmp_path_factory.mktemp("nuclei"), count=2, size=(96, 128)
    ).parent


def test_each_operation_has_a_row(bundle: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["study", "morphology", str(bundle), "--data", str(data), "--out", str(out)]) == 0
    found = pd.read_csv(out / "results.csv").set_index("morphology")
    assert found.index.tolist() == OPERATIONS
    assert (out / "table.md").read_text().startswith("| morphology | runs | images | dice | f1@0.5 |")
    assert found["dice"].nunique() > 1
    assert (found["training_images"] == 0).all()
    predict(
        bundle, [item["image"] for item in list_items(data)], tmp_path / "own", options={"morphology": "both"}
    )
    evaluate(tmp_path / "own/labels", data, tmp_path / "own")
    own = pd.read_csv(tmp_path / "own/scores.csv")
    assert found.loc["both", "dice"] == pytest.approx(own["dice"].mean(), abs=1e-5)
    assert found.loc["both", "f1@0.5"] == pytest.approx(own["f1@0.5"].mean(), abs=1e-5)


def test_other_inputs_are_rejected(bundle: Path, data: Path, tmp_path: Path) -> None:
    items = list_items(data)
    assert [run.options for run in morphology(Recipe(bundle, {"tta": True}), items, tmp_path)] == [
        {"tta": True, "morphology": name} for name in OPERATIONS
    ]
    with pytest.raises(ValueError, match=r"started with other images; choose another --out"):
        morphology(Recipe(bundle), items[:1], tmp_path)
    with pytest.raises(ValueError, match=r"morphology: the study compares all values of this option; leave"):
        morphology(Recipe(bundle, {"morphology": "both"}), items, tmp_path)
