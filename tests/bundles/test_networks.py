"""Each bundle's network takes and gives what its metadata promise, and can be exported."""

import shutil
from pathlib import Path

import onnx
import pytest
from monai.bundle import verify_metadata, verify_net_in_out

from cellseg_monai import bundling
from tests.bundles.reduced import BUNDLES, NARROW, copied

SCHEMA = Path(bundling.__file__).with_name("metadata_schema.json")


def test_no_bundle_is_left_out() -> None:
    assert set(NARROW) == {path.parent.name for path in BUNDLES.glob("*/bundle.yaml")}


@pytest.mark.parametrize("name", sorted(NARROW))
def test_metadata_and_network_are_verified(name: str, tmp_path: Path) -> None:
    configs = BUNDLES / name / "configs"
    verify_metadata(str(configs / "metadata.json"), filepath=shutil.copy(SCHEMA, tmp_path / "schema.json"))
    verify_net_in_out(
        "network_def",
        str(configs / "metadata.json"),
        str(configs / "inference.json"),
        device="cpu",
        n=1,
        p=1,
        any=1,
    )


def test_onnx_is_exported(dataset: Path, tmp_path: Path) -> None:
    bundle = copied("patch_attention_unet", tmp_path)
    where = {"dataset_dir": dataset, "output_dir": tmp_path / "run"}
    bundle.run("train", max_epochs=1, folds=4, **where)
    narrow = {name: value for name, value in bundle.options.items() if name != "patch_size"}
    bundle.command(
        "onnx_export",
        net_id="network_def",
        filepath=tmp_path / "model.onnx",
        ckpt_file="models/model.pt",
        meta_file="configs/metadata.json",
        config_file="configs/inference.json",
        input_shape=[1, 1, 64, 64],
        **narrow,
    )
    onnx.checker.check_model(onnx.load(tmp_path / "model.onnx"))
