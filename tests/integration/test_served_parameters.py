"""No value of a request is evaluated, and none is silently ignored."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from tests.integration.served import Server

pytestmark = pytest.mark.label

MODEL = "patch_attention_unet"
ROUTES = {
    "infer": f"/infer/{MODEL}?image=nuclei_000",
    "batch": f"/batch/infer/{MODEL}",
    "train": f"/train/{MODEL}",
    "train all": "/train/",
    "scoring": f"/scoring/{MODEL}",
    "scoring all": "/scoring/",
    "choose": "/activelearning/first",
}


def send(server: Server, route: str, params: Any) -> requests.Response:
    """Parameters as each of the routes expects them."""
    if route == "infer":
        return server.ask("POST", ROUTES[route], data={"params": json.dumps(params)})
    return server.ask("POST", ROUTES[route], json={MODEL: params} if route.endswith("all") else params)


def expression(canary: Path, begin: str = "$") -> str:
    return f"{begin}__import__('pathlib').Path({str(canary)!r}).touch()"


@pytest.mark.parametrize(
    ("route", "name"),
    [
        *(
            ("infer", name)
            for name in (
                "threshold",
                "min_size",
                "max_hole",
                "seed_height",
                "morphology",
                "tta",
                "device",
                "model_filename",
                "result_extension",
                "result_dtype",
                "label_tag",
                "client_id",
                "unheard_of",
            )
        ),
        *(("batch", name) for name in ("threshold", "tta", "device", "gpus", "label_tag", "images")),
        *(
            (route, name)
            for route in ("train", "train all")
            for name in (
                "max_epochs",
                "val_split",
                "device",
                "pretrained",
                "gpus",
                "run_id",
                "tracking",
                "tracking_uri",
                "tracking_experiment_name",
                "tracking_run_name",
                "model_filename",
                "bundle_path",
            )
        ),
        *((route, name) for route in ("scoring", "scoring all") for name in ("device", "simulation_size")),
        ("choose", "client_id"),
    ],
)
def test_no_expression_is_evaluated(route: str, name: str, server: Server, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    evaluated = expression(canary)
    for value in (evaluated, f" {evaluated}", [evaluated], {"a": [{"b": evaluated}]}, {evaluated: 1}):
        answer = send(server, route, {name: value})
        assert answer.status_code == 422, answer.text
        assert name in answer.json()["detail"]
    assert not canary.exists()
    assert server.ask("GET", "/info/").status_code == 200


@pytest.mark.parametrize("value", ["@bundle_root", "%/etc/passwd", "@weights", "%metadata.json#version"])
@pytest.mark.parametrize("route", ["infer", "batch", "train"])
def test_no_reference_or_macro_is_followed(route: str, value: str, server: Server) -> None:
    answer = send(server, route, {"device": value})
    assert answer.status_code == 422
    assert "but MONAI would evaluate" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("route", "params", "detail"),
    [
        ("infer", {"tresh": 0.5}, "there is no parameter 'tresh'; choose one of client_id, device,"),
        ("infer", {"image": "/etc/hostname"}, "there is no parameter 'image'"),
        ("infer", {"tta": 1}, "tta must be true or false, not 1"),
        ("infer", {"min_size": True}, "min_size must be a whole number, not True"),
        ("infer", {"min_size": 1.5}, "min_size must be a whole number, not 1.5"),
        ("infer", {"threshold": float("nan")}, "threshold must be a number, not nan"),
        ("infer", {"threshold": None}, "threshold must be a number, not None"),
        ("infer", {"threshold": {"_target_": "os.getcwd"}}, "threshold must be a number"),
        ("infer", {"morphology": []}, "morphology must be one of none, opening, closing, both"),
        ("infer", [], "the parameters must be a JSON object, not []"),
        ("batch", {"images": ["/etc/hostname"]}, "there is no parameter 'images'"),
        ("train", {"max_epochs": "2"}, "max_epochs must be a whole number, not '2'"),
        ("train", {"model": "skip_unet"}, "there is no parameter 'model'"),
        ("train", {"run_id": "initialize"}, "run_id must be one of nothing, run"),
        ("train", {"tracking_uri": "file:///tmp/runs"}, "(a request cannot change it)"),
        ("train", {"tracking": "/tmp/settings.json"}, "tracking must be one of None, mlflow"),
        ("train all", {"epochs": 2}, "there is no parameter 'epochs'"),
        ("scoring", {"simulation_size": "5"}, "simulation_size must be a whole number, not '5'"),
        ("choose", {"label_tag": "final"}, "there is no parameter 'label_tag'; choose one of client_id"),
    ],
)
def test_what_is_no_value_of_a_parameter_is_told(
    route: str, params: Any, detail: str, server: Server
) -> None:
    answer = send(server, route, params)
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize("route", ["batch", "train", "scoring"])
def test_who_is_not_there_is_told(route: str, server: Server) -> None:
    """Without that the answer is 200, and a task in the background fails."""
    answer = server.ask("POST", ROUTES[route].replace(MODEL, "unknown"), json={})
    assert answer.status_code == 404
    told, _, names = answer.json()["detail"].partition("; choose one of ")
    assert told.endswith("'unknown'")
    assert MODEL in names.split(", ")


def test_a_body_that_is_no_json_is_told(server: Server) -> None:
    answer = server.ask("POST", ROUTES["train"], data="max_epochs=2", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 422
    assert "the parameters are not JSON" in answer.json()["detail"]
    twice = [("params", (None, '{"threshold": "high"}')), ("params", (None, "{}"))]
    answer = server.ask("POST", ROUTES["infer"], files=twice)
    assert answer.status_code == 422
    assert "params must be one text field" in answer.json()["detail"]


def shown(config: Mapping[str, Any]) -> dict[str, Any]:
    """What 3D Slicer sends of the options that a server shows: all of them, of a list the first."""
    return {name: value[0] if isinstance(value, list) else value for name, value in config.items()}


def test_what_3d_slicer_sends_is_served(trained: Server) -> None:
    info = trained.ask("GET", "/info/").json()
    asked = {"client_id": "user-xyz", "result_extension": ".nrrd", "result_dtype": "uint8"}
    options = shown(info["models"][MODEL]["config"])
    labels = trained.labels(MODEL, "nuclei_007", **options, **asked)
    np.testing.assert_array_equal(labels, trained.labels(MODEL, "nuclei_007"))
    chosen = trained.ask("POST", "/activelearning/first", json={"client_id": "user-xyz"})
    assert chosen.json()["id"] == "nuclei_006"
    training = {**shown(info["trainers"][MODEL]["config"]), "max_epochs": 1, "client_id": "user-xyz"}
    answer = trained.ask("POST", f"/train/{MODEL}", json=training)
    assert answer.status_code == 200, answer.text
    trained.wait("train/")
