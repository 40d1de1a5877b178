"""A server among people: wrong requests, many at once, and one while it trains."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.integration.served import Server, read_answer, write_dots

pytestmark = pytest.mark.label

logger = logging.getLogger(__name__)

MEGABYTE = 1 << 20


@pytest.mark.parametrize(
    ("path", "params", "status", "detail"),
    [
        ("/infer/unknown?image=nuclei_000", {}, 404, "no model 'unknown'"),
        ("/infer/pixels?image=unknown", {}, 404, "there is no image 'unknown'"),
        ("/infer/pixels?image=nuclei_000", {"threshold": 2}, 422, "threshold must be a probability"),
        (
            "/infer/pixels?image=nuclei_000",
            {"threshold": "high"},
            422,
            "threshold must be a number, not 'high'",
        ),
        ("/infer/pixels?image=nuclei_000", {"morphology": "dilation"}, 422, "morphology must be one of none"),
        ("/infer/pixels?image=nuclei_000", {"min_size": -1}, 422, "cannot be negative"),
        ("/activelearning/unknown", {}, 404, "no such strategy 'unknown'"),
    ],
    ids=["model", "image", "threshold", "no number", "morphology", "size", "strategy"],
)
def test_a_wrong_request_is_told_and_the_next_one_is_served(
    path: str, params: dict[str, object], status: int, detail: str, server: Server
) -> None:
    import json

    sent = {"data": {"params": json.dumps(params)}} if path.startswith("/infer") else {}
    answer = server.ask("POST", path, **sent)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert detail in answer.json()["detail"]
    assert server.labels("pixels", "nuclei_000").shape == (96, 144)


def test_a_label_of_no_image_is_refused(server: Server, tmp_path: Path) -> None:
    file = write_dots(tmp_path / "dots.tif", 3, 4, 4)
    answer = server.ask(
        "PUT", "/datastore/label?image=unknown", files={"label": (file.name, file.read_bytes())}
    )
    assert answer.status_code == 404
    assert "unknown" in answer.json()["detail"]


@pytest.mark.parametrize("suffix", [".tif", ".png", ".nii.gz", ".jpg", ".txt"])
def test_a_file_that_is_no_image_is_told(suffix: str, server: Server, tmp_path: Path) -> None:
    file = tmp_path / f"broken{suffix}"
    file.write_bytes(b"not an image at all")
    answer = server.infer("pixels", file=file)
    assert answer.status_code == 422, answer.text
    assert "cannot be read" in answer.json()["detail"]
    assert server.labels("pixels", "nuclei_000").shape == (96, 144)


def test_a_request_during_a_training(trained: Server) -> None:
    name = "patch_attention_unet"
    before = trained.labels(name, "nuclei_007")
    assert trained.ask("POST", f"/train/{name}", json={"max_epochs": 50}).status_code == 200
    np.testing.assert_array_equal(trained.labels(name, "nuclei_007"), before)
    second = trained.ask("POST", f"/train/{name}", json={"max_epochs": 1})
    assert second.status_code == 429
    assert "Already Running" in second.json()["detail"]
    assert trained.ask("DELETE", "/train/").status_code == 200
    assert trained.labels(name, "nuclei_007").shape == before.shape


def test_a_hundred_requests_at_once(server: Server) -> None:
    images = [f"nuclei_{number:03}" for number in range(8)]
    expected = {image: server.labels("pixels", image) for image in images}
    for image in images * 2:
        server.labels("pixels", image)
    asked = [images[number % 8] for number in range(100)]
    memory = []
    for _ in range(2):
        with ThreadPoolExecutor(100) as people:
            answers = list(people.map(lambda image: server.infer("pixels", image), asked))
        assert [answer.status_code for answer in answers] == [200] * 100
        for image, answer in zip(asked, answers, strict=True):
            np.testing.assert_array_equal(read_answer(answer, server.app), expected[image])
        memory.append(server.memory())
    told = [f"{size / MEGABYTE:.0f}" for size in memory]
    logger.info("MiB of the server after each hundred requests: %s", ", ".join(told))
    assert memory[1] - memory[0] < 20 * MEGABYTE
