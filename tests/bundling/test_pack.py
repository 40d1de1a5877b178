"""A packed bundle is always the same bytes, tells its hashes, and works anywhere."""

import hashlib
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import monai.bundle
import numpy as np
import pytest
import torch

from cellseg_monai.bundling import pack_bundle
from cellseg_monai.runtime import keep_settings


def unpacked(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    return folder / archive.stem


def names(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as content:
        return content.namelist()


def test_same_input_same_bytes(bundle: Path, tmp_path: Path) -> None:
    first = pack_bundle(bundle, tmp_path / "first").read_bytes()
    later = time.time() + 86_400
    for file in bundle.rglob("*"):
        os.utime(file, (later, later))
        file.chmod(0o700)
    assert pack_bundle(bundle, tmp_path / "second").read_bytes() == first
    (bundle / "LICENSE").write_text("freer")
    assert pack_bundle(bundle, tmp_path / "second").read_bytes() != first


def test_what_is_in_it_and_what_is_not(bundle: Path, tmp_path: Path) -> None:
    for private in ("data/patient.npy", "eval/scores.csv", "models/.lock", "notes.txt"):
        (bundle / private).parent.mkdir(exist_ok=True)
        (bundle / private).write_text("private")
    archive = pack_bundle(bundle, tmp_path / "dist")
    configs = sorted(file.name for file in (bundle / "configs").iterdir())
    assert archive.name == "tiny.zip"
    assert names(archive) == [
        "tiny/LICENSE", *(f"tiny/configs/{name}" for name in configs), "tiny/docs/README.md",
        "tiny/models/model.pt", "tiny/MANIFEST.sha256",
    ]  # fmt: skip
    assert [file.name for file in archive.parent.glob("[!.]*")] == ["tiny.zip"]


@pytest.mark.parametrize("vendor", [False, True], ids=["plain", "vendored"])
def test_manifest_tells_the_hash_of_every_file(bundle: Path, tmp_path: Path, vendor: bool) -> None:
    folder = unpacked(pack_bundle(bundle, tmp_path / "dist", vendor), tmp_path / "there")
    told = dict(line.split("  ")[::-1] for line in (folder / "MANIFEST.sha256").read_text().splitlines())
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    del files["MANIFEST.sha256"]
    assert told == {place: hashlib.sha256(file.read_bytes()).hexdigest() for place, file in files.items()}


def test_vendoring_adds_the_whole_package_and_no_caches(bundle: Path, tmp_path: Path) -> None:
    content = names(pack_bundle(bundle, tmp_path, vendor=True))
    assert "tiny/cellseg_monai/bundling/metadata_schema.json" in content
    assert "tiny/cellseg_monai/label_maps.py" in content
    assert not any("__pycache__" in name for name in content)


def test_stale_bundle_is_refused(bundle: Path, tmp_path: Path) -> None:
    (bundle / "bundle.yaml").write_text("metadata: {name: Other}")
    with pytest.raises(ValueError, match=r"metadata.json is stale; run: cellseg bundle render .*tiny"):
        pack_bundle(bundle, tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_weights_must_be_there_and_fit(bundle: Path, tmp_path: Path) -> None:
    torch.save({"model": {}}, bundle / "models/model.pt")
    with pytest.raises(ValueError, match=r"model.pt: not a bare state_dict"):
        pack_bundle(bundle, tmp_path)
    (bundle / "models/model.pt").unlink()
    with pytest.raises(FileNotFoundError, match=r"models/model.pt is missing; train the bundle"):
        pack_bundle(bundle, tmp_path)


def test_settings_of_other_weights_are_not_packed(bundle: Path, tmp_path: Path) -> None:
    weights = bundle / "models/model.pt"
    keep_settings(weights, threshold=0.4)
    assert "tiny/models/model.json" in names(pack_bundle(bundle, tmp_path))
    state = torch.load(weights, weights_only=True)
    state[next(iter(state))] += 1
    torch.save(state, weights)
    with pytest.raises(ValueError, match=r"model.json: belongs to other weights; delete it, or"):
        pack_bundle(bundle, tmp_path)


@pytest.mark.parametrize("place", ["docs/secret.md", "docs", "LICENSE"])
def test_a_link_is_refused(bundle: Path, tmp_path: Path, place: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (bundle / place).rename(elsewhere) if (bundle / place).exists() else elsewhere.write_text("secret")
    (bundle / place).symlink_to(elsewhere)
    with pytest.raises(ValueError, match=rf"{place} is a link; replace it by the file itself"):
        pack_bundle(bundle, tmp_path / "dist")


def test_loads_and_runs_from_a_foreign_directory(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = torch.load(bundle / "models/model.pt", weights_only=True)
    folder = unpacked(pack_bundle(bundle, tmp_path / "dist"), tmp_path / "there")
    (tmp_path / "foreign").mkdir()
    monkeypatch.chdir(tmp_path / "foreign")
    network = monai.bundle.load("tiny", bundle_dir=folder.parent, workflow_type="inference", device="cpu")
    assert all(torch.equal(tensor, expected[name]) for name, tensor in network.state_dict().items())
    config = monai.bundle.load_bundle_config(str(tmp_path / "dist/tiny.zip"), "inference.json")
    assert config["network_def"]["_target_"] == "UNet"


def test_runs_where_the_package_is_not_installed(bundle: Path, tmp_path: Path) -> None:
    folder = unpacked(pack_bundle(bundle, tmp_path / "dist", vendor=True), tmp_path / "there")
    for place in ("foreign", "images", "results"):
        (tmp_path / place).mkdir()
    np.save(tmp_path / "images/a.npy", np.arange(256.0, dtype=np.float32).reshape(16, 16))
    script = f"""
import importlib.util, sys
from pathlib import Path
sys.path[:] = [path for path in sys.path if path and not (Path(path) / "cellseg_monai").exists()]
assert importlib.util.find_spec("cellseg_monai") is None
from monai.bundle import run
root = {str(folder)!r}
run(config_file=root + "/configs/inference.json", bundle_root=root, dataset_dir={str(tmp_path / "images")!r},
    output_dir={str(tmp_path / "results")!r}, device="$torch.device('cpu')")
assert Path(sys.modules["cellseg_monai"].__file__).is_relative_to(root)
"""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path / "foreign",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert torch.load(tmp_path / "results/pred.pt").shape == (1, 16, 16)
