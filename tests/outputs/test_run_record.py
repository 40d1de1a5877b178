"""``run.json`` accounts for what a run read, wrote and was asked, whatever its end."""

import hashlib
import json
import os
import re
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from cellseg_monai.cli import main
from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.export import write_tiled
from cellseg_monai.export.known_origin import origin_in
from cellseg_monai.outputs import Run, claim_outputs, verify_run
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.outputs.origin import Origin
from cellseg_monai.runtime import find_bundle
from tests.forked.commands import run

BUNDLE = find_bundle("patch_attention_unet")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def record(folder: Path, work: str) -> dict:
    return json.loads((folder / "run.json").read_text())[work]


@pytest.fixture(scope="module")
def nuclei(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_synthetic_dataset("nuclei", tmp_path_factory.mktemp("set"), count=2, size=(64, 96)).parent


@pytest.fixture(scope="module")
def segmented(nuclei: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "cells"
    options = ["--overlay", "--set", "threshold=0.45"]
    assert main(["predict", "patch_attention_unet", str(nuclei), "--out", str(out), *options]) == 0
    return out


def test_predict_names_weights_configs_inputs_outputs_and_values(segmented: Path, nuclei: Path) -> None:
    told = record(segmented, "predict")
    weights = BUNDLE / "models/model.pt"
    assert (told["exit"], told["device"], told["counts"]) == (
        "done",
        "cpu",
        {"images": 2, "failed": 0, "cells": told["counts"]["cells"]},
    )
    assert told["start"] <= told["end"]
    assert told["options"]["overlay"] is True
    assert told["options"]["resolved"]["threshold"] == 0.45
    assert told["options"]["resolved"]["scale"] == 1.0
    assert told["origin"]["weights_sha256"] == sha256(weights)
    listed = {entry["file"]: entry for part in ("weights", "configs", "inputs") for entry in told[part]}
    images = sorted((nuclei / "images").iterdir())
    expected = [weights, BUNDLE / "configs/inference.json", *images]
    for file in expected:
        entry = listed[str(file)]
        assert (entry["bytes"], entry["sha256"]) == (file.stat().st_size, sha256(file))
    outputs = {entry["file"]: entry["sha256"] for entry in told["outputs"]}
    names = {f"{kind}/{image.stem}{ending}" for image in images for kind, ending in
             (("labels", ".tif"), ("overlays", ".png"))}  # fmt: skip
    assert outputs.keys() == names | {"timing.csv", "failures.csv", "counts.csv"}
    assert all(sha256(segmented / name) == digest for name, digest in outputs.items())


def test_label_maps_name_their_weights(segmented: Path) -> None:
    with tifffile.TiffFile(segmented / "labels/nuclei_000.tif") as file:
        told = file.shaped_metadata[0]["cellseg_monai"]
        assert file.pages[0].software == told["software"]
    assert told["bundle"] == "patch_attention_unet"
    assert told["weights_sha256"] == sha256(BUNDLE / "models/model.pt")
    version = record(segmented, "predict")["versions"]["cellseg-monai"]
    assert told["software"] == f"cellseg-monai {version}"


@pytest.mark.parametrize("ending", [".ome.zarr", ".tif"])
def test_large_label_maps_name_them_too(tmp_path: Path, ending: str) -> None:
    origin = Origin({"bundle": "cells", "weights": "model.pt"}, {})
    path = tmp_path / f"cells{ending}"
    write_tiled(path, np.eye(32, dtype=np.int32), tile=16, origin=origin)
    if ending == ".tif":
        with tifffile.TiffFile(path) as file:
            told = file.shaped_metadata[0]["cellseg_monai"]
    else:
        told = zarr.open_group(str(path), mode="r").attrs["cellseg_monai"]
    assert told["weights"] == "model.pt"


def test_a_conversion_keeps_the_name_of_the_weights(segmented: Path, tmp_path: Path) -> None:
    labels = segmented / "labels/nuclei_000.tif"
    expected = origin_in(labels)
    assert expected.facts["weights_sha256"] == sha256(BUNDLE / "models/model.pt")
    for step, (source, to) in enumerate([(labels, "ome-zarr"), (tmp_path / "0/nuclei_000.ome.zarr", "tiff")]):
        assert main(["convert", str(source), "--to", to, "--out", str(tmp_path / str(step))]) == 0
    assert origin_in(tmp_path / "0/nuclei_000.ome.zarr") == expected
    assert origin_in(tmp_path / "1/nuclei_000.tif") == expected


def test_a_label_map_of_somebody_else_names_nothing(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "plain.tif", np.eye(8, dtype=np.uint8), metadata=None)
    tifffile.imwrite(tmp_path / "ours.tif", np.eye(8, dtype=np.uint8), metadata={"cellseg_monai": "?"})
    assert [origin_in(file) for file in sorted(tmp_path.iterdir())] == [None, None]


def test_monais_own_command_records_as_well(nuclei: Path, tmp_path: Path) -> None:
    options = ["--config_file", "configs/inference.json", "--dataset_dir", str(nuclei / "images")]
    done = run(
        ["-m", "monai.bundle", "run", *options, "--output_dir", str(tmp_path / "cells")], folder=BUNDLE
    )
    assert done.returncode == 0, done.stderr
    told = record(tmp_path / "cells", "predict")
    assert "--dataset_dir" in told["command"]
    assert told["origin"]["bundle"] == "patch_attention_unet"
    assert len(told["inputs"]) == 2
    assert not verify_run(tmp_path / "cells").failures


def test_verify_finds_what_was_changed_or_removed(
    segmented: Path, nuclei: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shutil.copytree(segmented, tmp_path / "moved")
    assert main(["verify-run", str(out)]) == 0
    assert "2 inputs, 7 outputs as recorded" in capsys.readouterr().out
    labels = out / "labels/nuclei_000.tif"
    pixels = bytearray(labels.read_bytes())
    pixels[-1] ^= 1
    labels.write_bytes(pixels)
    (out / "overlays/nuclei_001.png").unlink()
    changed = nuclei / "images/nuclei_001.tif"
    before = changed.read_bytes()
    changed.write_bytes(before + b"\0")
    try:
        assert main(["verify-run", str(out)]) == 1
    finally:
        changed.write_bytes(before)
    told = capsys.readouterr().out
    assert "1 inputs, 5 outputs as recorded" in told
    assert re.findall(r"predict: (changed|missing): (.*)", told) == [
        ("changed", str(changed)),
        ("changed", "labels/nuclei_000.tif"),
        ("missing", "overlays/nuclei_001.png"),
    ]


def test_each_verb_keeps_its_record(segmented: Path, nuclei: Path, tmp_path: Path) -> None:
    labels, out = segmented / "labels", tmp_path / "out"
    truth, numbered = nuclei / "labels", tmp_path / "frames"
    shutil.copytree(truth, numbered)
    assert main(["measure", str(labels), "--out", str(out)]) == 0
    assert main(["evaluate", "--pred", str(labels), "--truth", str(nuclei), "--out", str(out)]) == 0
    assert main(["convert", str(labels), "--to", "geojson", "--out", str(out)]) == 0
    assert main(["track", str(numbered), "--out", str(tmp_path / "tracks")]) == 0
    assert {"measure", "evaluate", "convert"} == json.loads((out / "run.json").read_text()).keys()
    assert record(out, "measure")["options"]["neighbours"] == 6
    assert len(record(out, "evaluate")["inputs"]) == 6  # truth, prediction and image of each
    assert [entry["file"] for entry in record(out, "convert")["outputs"]] == [
        "nuclei_000.geojson", "nuclei_001.geojson",
    ]  # fmt: skip
    assert record(tmp_path / "tracks", "track")["counts"]["frames"] == 2
    assert not verify_run(out).failures
    assert not verify_run(tmp_path / "tracks").failures


def test_results_of_an_earlier_run_stay_accounted_for(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "b.csv"):
        with claim_outputs(tmp_path, "measure", [name], run=Run("measure", {"name": name})):
            (tmp_path / name).write_text(name)
    told = record(tmp_path, "measure")
    assert told["options"] == {"name": "b.csv"}
    assert [earlier["options"] for earlier in told["earlier"]] == [{"name": "a.csv"}]
    (tmp_path / "a.csv").write_text("other")
    assert [str(fault) for fault in verify_run(tmp_path).failures] == ["measure: changed: a.csv"]


def test_a_failed_run_is_recorded_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), claim_outputs(tmp_path, "measure", run=Run("measure")):
        raise RuntimeError("2 of 3 images failed")
    told = record(tmp_path, "measure")
    assert told["exit"] == "RuntimeError: 2 of 3 images failed"
    assert told["end"] is not None


def test_a_killed_run_has_no_end(tmp_path: Path) -> None:
    if (child := os.fork()) == 0:
        inputs = [tmp_path / "image.tif"]
        with claim_outputs(tmp_path, "measure", ["a.csv"], inputs, run=Run("measure")):
            os._exit(9)
    os.waitpid(child, 0)
    told = record(tmp_path, "measure")
    assert (told["exit"], told["end"]) == (None, None)
    assert [entry["file"] for entry in told["inputs"]] == [str(tmp_path / "image.tif")]
    assert str(verify_run(tmp_path).failures[0]) == "measure: not finished"


def test_an_interrupted_run_does_not_wait_for_its_hashes(tmp_path: Path) -> None:
    image = tmp_path / "slide.tif"
    with image.open("wb") as file:
        file.truncate(1 << 40)  # takes no space, but hours to hash
    claimed = claim_outputs(tmp_path / "out", "measure", (), [image], run=Run("measure"))
    with pytest.raises(KeyboardInterrupt), claimed:
        raise KeyboardInterrupt
    assert record(tmp_path / "out", "measure")["exit"] == "interrupted"
    for thread in threading.enumerate():
        if thread.name.startswith("hash of inputs"):
            thread.join(timeout=10)
            assert not thread.is_alive()


def test_an_input_that_vanishes_does_not_stop_the_run(tmp_path: Path) -> None:
    absent = tmp_path / "absent.tif"
    with claim_outputs(tmp_path / "out", "measure", (), [absent], run=Run("measure")):
        pass
    assert record(tmp_path / "out", "measure")["inputs"] == [
        {"file": str(absent), "bytes": None, "sha256": None}
    ]
    assert [fault.what for fault in verify_run(tmp_path / "out").failures] == ["not hashed"]


@pytest.mark.parametrize("content", ["my notes", '{"epochs": 3}', "[1]"], ids=["text", "numbers", "list"])
def test_a_run_json_of_somebody_else_is_not_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    claimed = claim_outputs(tmp_path, "measure", ["a.csv"], run=Run("measure"))
    with pytest.raises(FileExistsError, match="not a record of runs; move it away"), claimed:
        pytest.fail("the run began")
    assert (tmp_path / "run.json").read_text() == content


def test_a_file_is_hashed_anew_after_each_change(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    for number in range(100):  # same size; many of these within one tick of the clock of the file system
        path.write_bytes(b"%04d" % number)
        assert digest_of(path) == sha256(path)


def test_a_known_hash_is_forgotten_when_the_file_changes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("cellseg_monai.outputs.digest._SETTLED", -(10**12))
    path = tmp_path / "a.bin"
    path.write_bytes(b"before")
    before = path.stat()
    assert digest_of(path) == digest_of(path) == sha256(path)
    path.write_bytes(b"after!")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the time of the change stays
    assert digest_of(path) == sha256(path)
