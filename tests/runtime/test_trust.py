"""Each verb audits a stranger's bundle before it uses anything of it."""

import json
import os
import shutil
from pathlib import Path

import pytest

from cellseg_monai.bundling import audit_bundle, check_bundles, pack_bundle
from cellseg_monai.cli import main
from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.jobs import predict
from cellseg_monai.runtime import find_bundle
from cellseg_monai.runtime.trust import POLICY, Untrusted, require_trust


@pytest.fixture
def bundle(tmp_path):
    return shutil.copytree(find_bundle("patch_attention_unet"), tmp_path / "cells")


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


@pytest.fixture
def evil(bundle, canary):
    """A bundle that predicts as usual, and opens a file."""
    file = bundle / "configs/inference.json"
    config = json.loads(file.read_text())
    config["initialize"].insert(0, f"$exec(\"open('{canary.as_posix()}', 'w').close()\")")
    file.write_text(json.dumps(config))
    return bundle


@pytest.fixture
def images(tmp_path):
    return write_synthetic_dataset("nuclei", tmp_path / "images", count=1, size=(64, 64)).parent


def test_predict(evil, canary, images, tmp_path, capsys, caplog):
    words = ["predict", str(evil), str(images / "images"), "--out", str(tmp_path / "out"), "--device", "cpu"]
    assert main(words) == 1
    shown = capsys.readouterr().err
    assert "inference.json:initialize#0: exec: this name is not on the list" in shown
    assert f"cellseg bundle audit {evil}" in shown
    assert not canary.exists()
    assert main([*words, "--trust"]) == 0
    assert canary.exists()
    assert "without an audit" in caplog.text


def test_predict_with_weights_of_a_stranger(images, tmp_path):
    """The settings beside weights name the class of their network."""
    weights = shutil.copy(find_bundle("patch_attention_unet") / "models/model.pt", tmp_path / "model.pt")
    settings = {"weights_sha256": "", "bundle": None, "settings": {"network_def": {"_target_": "evil.Net"}}}
    Path(weights).with_suffix(".json").write_text(json.dumps(settings))
    with pytest.raises(Untrusted, match=r"evil\.Net"):
        predict("patch_attention_unet", [images], tmp_path / "out", options={"weights": str(weights)})


def test_each_change_is_audited_again(bundle):
    require_trust(bundle)
    require_trust(bundle)
    file = bundle / "configs/train.json"
    before, text = file.stat(), file.read_text()
    file.write_text(text.replace("PixelHandler", "EvilxHandler"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    with pytest.raises(Untrusted, match="EvilxHandler"):
        require_trust(bundle)
    file.write_text(text)
    require_trust(bundle)


def test_check(evil, canary):
    report = check_bundles(evil)
    assert report.failed
    assert [finding.check for finding in report.findings[evil]] == ["audit"]
    assert not canary.exists()
    assert "audit" not in [finding.check for finding in check_bundles(evil, trust=True).findings[evil]]


def test_site_policy(bundle, tmp_path, monkeypatch):
    (bundle / "configs/own.json").write_text('{"network_def": {"_target_": "our_lab.OurNet"}}')
    with pytest.raises(Untrusted, match=r"our_lab\.OurNet"):
        require_trust(bundle)
    (tmp_path / "site.yaml").write_text("targets: [our_lab.OurNet]")
    monkeypatch.setenv(POLICY, str(tmp_path / "site.yaml"))
    require_trust(bundle)
    assert not audit_bundle(bundle).failed


def test_verb(evil, tmp_path, capsys):
    assert main(["bundle", "audit", str(evil)]) == 1
    assert "1 finding refused" in capsys.readouterr().out
    assert main(["bundle", "audit", str(evil), "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert [finding["place"] for finding in content["findings"]] == ["initialize#0"]
    (tmp_path / "site.yaml").write_text("names: [exec]")
    assert main(["bundle", "audit", str(evil), "--policy", str(tmp_path / "site.yaml")]) == 0


def test_a_packed_bundle_with_the_package_passes(tmp_path):
    path = pack_bundle(find_bundle("skip_unet"), tmp_path, vendor=True)
    assert audit_bundle(path).findings == []


def test_metadata(bundle):
    file = bundle / "configs/metadata.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"version": "one"}))
    audit = audit_bundle(bundle)
    assert not audit.failed
    assert "warning: configs/metadata.json:version" in str(audit)
