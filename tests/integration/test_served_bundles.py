"""Every bundle in the stock app: what a viewer asks of it, by HTTP."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellseg_monai.metrics import pixel_counts, pixel_scores
from tests.bundles.reduced import BUNDLES, NARROW
from tests.integration.served import DECODING, ONE_THREAD, TRAINED, Server

pytestmark = pytest.mark.label

BATCH = {"device": "cpu", "multi_gpu": False, "save_label": True, "label_tag": "original", "max_workers": 1}


def test_every_bundle_is_there_with_what_a_user_may_change(server: Server) -> None:
    info = server.ask("GET", "/info/").json()
    assert set(info["models"]) == {*NARROW, "pixels"}
    assert set(info["trainers"]) == {*NARROW, "pixels"}
    assert set(info["scoring"]) == {*NARROW, "pixels"}
    for name in NARROW:
        model = info["models"][name]
        assert (model["type"], model["dimension"], model["labels"]) == ("segmentation", 2, {"cell": 1})
        defaults = json.loads((BUNDLES / name / "configs/inference.json").read_text())["settings"] | DECODING
        for key in ("threshold", "seed_height", "min_size", "max_hole", "tta"):
            assert model["config"][key] == defaults[key], key
        assert sorted(model["config"]["morphology"]) == ["both", "closing", "none", "opening"]
        assert model["config"]["morphology"][0] == ("closing" if name == "attention_unetpp" else "none")


@pytest.mark.parametrize("name", sorted(NARROW))
def test_a_label_has_the_size_of_its_image(name: str, server: Server) -> None:
    labels = server.labels(name, "nuclei_007")
    assert (labels.shape, labels.dtype) == ((96, 144), np.int32)


@pytest.mark.parametrize("name", TRAINED)
def test_a_training_finds_cells(name: str, trained: Server, dataset: Path) -> None:
    labels = trained.labels(name, "nuclei_007")
    truth = tifffile.imread(dataset / "labels/nuclei_007.tif")
    assert pixel_scores(pixel_counts(labels, truth)).dice > 0.8
    assert labels.max() > 5


@pytest.mark.parametrize("name", TRAINED)
def test_labels_are_those_of_the_bundle(name: str, trained: Server, formats: Path, tmp_path: Path) -> None:
    """Pixel for pixel, for every format of an image."""
    where = ["--dataset_dir", str(formats), "--output_dir", str(tmp_path)]
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/inference.json", *where]
    bundle = trained.app / "model" / name
    environment = {**os.environ, **ONE_THREAD}
    done = subprocess.run(command, cwd=bundle, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    files = sorted(formats.iterdir())
    assert len(files) == 11
    for file in files:
        expected = tifffile.imread(tmp_path / f"labels/{file.name.partition('.')[0]}.tif")
        assert expected.shape == (90, 130)
        assert expected.max() >= 3, file
        np.testing.assert_array_equal(trained.labels(name, file=file), expected, err_msg=file.name)


@pytest.mark.parametrize("name", TRAINED)
def test_all_images_at_once(name: str, trained: Server) -> None:
    answer = trained.ask("POST", f"/batch/infer/{name}?images=unlabeled", json=BATCH)
    assert answer.status_code == 200, answer.text
    trained.wait("batch/infer")
    for image in ("nuclei_006", "nuclei_007"):
        saved = trained.images / f"labels/original/{image}.tif"
        np.testing.assert_array_equal(tifffile.imread(saved), trained.labels(name, image))


@pytest.mark.parametrize("name", TRAINED)
def test_scores_are_entropies_and_fall_where_the_network_is_sure(name: str, trained: Server) -> None:
    """In MONAI Label's formula -p log p of the mean probability; at most 1/e, and 0 for a sure network."""
    for image in ("nuclei_006", "nuclei_007"):
        trained.ask("PUT", f"/datastore/image/info?image={image}", data={"info": '{"epistemic_ts": 0}'})
    answer = trained.ask(
        "POST", f"/scoring/{name}?run_sync=true", json={"simulation_size": 3, "max_workers": 1}
    )
    assert (answer.status_code, answer.json()["executed"]) == (200, 2), answer.text
    scores = [trained.info(image)["epistemic_entropy"] for image in ("nuclei_006", "nuclei_007")]
    assert all(0.001 < score < np.exp(-1) for score in scores)


def test_the_next_sample_by_strategy(trained: Server) -> None:
    assert trained.ask("POST", "/activelearning/first").json()["id"] == "nuclei_006"
    assert trained.ask("POST", "/activelearning/random").json()["id"] in {"nuclei_006", "nuclei_007"}


def test_parameters_act(trained: Server) -> None:
    """Each of them changes the label as it should, and the next request has the default again."""
    name, image = "patch_attention_unet", "nuclei_007"
    default = trained.labels(name, image)
    assert (trained.labels(name, image, threshold=0.95) > 0).sum() < (default > 0).sum()
    assert (trained.labels(name, image, threshold=0.05) > 0).sum() > (default > 0).sum()
    sizes = np.bincount(default.ravel())[1:]
    large = trained.labels(name, image, min_size=int(np.median(sizes)) + 1)
    assert large.max() == (sizes > np.median(sizes)).sum()
    holes = trained.labels(name, image, threshold=0.95, max_hole=10_000)
    assert (holes > 0).sum() >= (trained.labels(name, image, threshold=0.95) > 0).sum()
    opened = trained.labels(name, image, threshold=0.6, morphology="opening")
    closed = trained.labels(name, image, threshold=0.6, morphology="closing")
    assert (opened > 0).sum() < (closed > 0).sum()
    assert (trained.labels(name, image, tta=True) != default).any()
    np.testing.assert_array_equal(trained.labels(name, image), default)
