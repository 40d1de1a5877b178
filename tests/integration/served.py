"""A MONAI Label server in a process of its own, and bundles small enough to be trained through it."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import requests
import tifffile

from cellseg_monai.data import read_label_map
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.runtime.overrides import override
from tests.bundles.reduced import BUNDLES, NARROW

LABEL = BUNDLES.parent / "label"
TRAINED = ("patch_attention_unet", "attention_unetpp", "skip_unet")
QUICK: Mapping[str, Any] = {"learning_rate": 0.01, "patches_per_image": 16, "batch_size": 1}
"""Options of the training that show progress in a few epochs."""
DECODING: Mapping[str, Any] = {"threshold": 0.5, "seed_height": 0.25, "min_size": 15}
"""By which weights are decoded that nothing is calibrated for."""
ONE_THREAD: Mapping[str, str] = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
"""Environment of the server, and of what is compared with it: sums over several threads round otherwise."""


def narrowed(name: str, folder: Path) -> Path:
    """A bundle whose configurations are themselves small, and untrained; a server takes no options."""
    bundle = folder / name
    shutil.copytree(BUNDLES / name, bundle, ignore=shutil.ignore_patterns("model.*"))
    small = NARROW[name]
    for config, options in {"train": {**small, **QUICK}, "inference": small}.items():
        file = bundle / f"configs/{config}.json"
        content = override(json.loads(file.read_text()), options, str(file), set(options))
        file.write_text(json.dumps(content, indent=4))
    return bundle


class Server:
    """What a viewer does, by HTTP."""

    def __init__(self, url: str, process: "subprocess.Popen[bytes]", images: Path, app: Path) -> None:
        self.url, self.process, self.images, self.app = url, process, images, app

    def ask(self, verb: str, path: str, **options: Any) -> requests.Response:
        """Any request; the answer may be an error."""
        return requests.request(verb, f"{self.url}{path}", timeout=300, **options)

    def infer(
        self, model: str, image: str = "", file: Path | None = None, **params: Any
    ) -> requests.Response:
        """The label map of an image of the server, or of one that is sent along."""
        sent = {} if file is None else {"file": (file.name, file.read_bytes())}
        path = f"/infer/{model}?image={image}&output=image"
        return self.ask("POST", path, data={"params": json.dumps(params)}, files=sent)

    def labels(self, model: str, image: str = "", file: Path | None = None, **params: Any) -> LabelMap:
        """The same, read; it must succeed."""
        answer = self.infer(model, image, file, **params)
        assert answer.status_code == 200, answer.text
        return read_answer(answer, self.app)

    def save(self, image: str, labels: Path) -> None:
        """Make a file the final label of an image."""
        with labels.open("rb") as content:
            files = {"label": (labels.name, content)}
            answer = self.ask("PUT", f"/datastore/label?image={image}&tag=final", files=files)
        assert answer.status_code == 200, answer.text

    def wait(self, task: str) -> Mapping[str, Any]:
        """Until a task in the background has ended."""
        while True:
            state: Mapping[str, Any] = self.ask("GET", f"/{task}").json()
            if state["status"] not in ("SUBMITTED", "RUNNING"):
                assert state["status"] == "DONE", "\n".join(state["details"])
                return state
            time.sleep(0.3)

    def info(self, image: str) -> Mapping[str, Any]:
        """What the server knows of an image."""
        answer: Mapping[str, Any] = self.ask("GET", f"/datastore/image/info?image={image}").json()
        return answer

    def memory(self) -> int:
        """Resident bytes of the server."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def answered_file(answer: requests.Response, folder: Path) -> Path:
    """The file of an answer, under its suffix."""
    name = answer.headers["content-disposition"].partition('filename="')[2].rstrip('"')
    file = folder / f"answer{''.join(Path(name).suffixes)}"
    file.write_bytes(answer.content)
    return file


def read_answer(answer: requests.Response, folder: Path) -> LabelMap:
    """The label map of an answer."""
    return read_label_map(answered_file(answer, folder))


@contextmanager
def serving(
    python: str,
    app: Path,
    images: Path,
    models: Sequence[str],
    log: Path,
    *,
    stock: bool = False,
    options: Sequence[str] = (),
    **environment: str,
) -> Iterator[Server]:
    """Start ``label/serve.py`` on bundles that lie in the app already, and end it.

    Args:
        python: of the environment with MONAI Label.
        app: folder of the app.
        images: folder of images.
        models: bundles.
        log: file for what the server says.
        stock: start MONAI Label itself, without our application around it.
        options: more of ``label/serve.py``.
        environment: more of it.
    """
    port = free_port()
    where = [str(images), "--app", str(app), "--port", str(port), "--models", *models]
    command = [python, str(LABEL / "serve.py"), *where, *options]
    if stock:
        settings = {"models": ",".join(models), "zoo_source": "local", "sam2": "false"}
        words = [word for key, value in settings.items() for word in ("--conf", key, value)]
        place = ["--app", str(app), "--studies", str(images), "--host", "127.0.0.1", "--port", str(port)]
        command = [python, "-m", "monailabel.main", "start_server", *place, *words]
    offline = {
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "no_proxy": "127.0.0.1",
    }
    with log.open("wb") as said:
        process = subprocess.Popen(
            command,
            env={**os.environ, **offline, **ONE_THREAD, **environment},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        server = Server(f"http://127.0.0.1:{port}", process, images, app)
        _wait_until_up(server, log)
        yield server
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_up(server: Server, log: Path, seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.process.poll() is None, f"the server ended:\n{log.read_text()[-4000:]}"
        try:
            if server.ask("GET", "/info/").status_code == 200:
                return
        except requests.ConnectionError:
            time.sleep(0.3)
    raise AssertionError(f"the server does not answer:\n{log.read_text()[-4000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def dots(count: int, rows: int, columns: int) -> np.ndarray:
    """So many bright pixels that touch nowhere, the first of them in the corner."""
    image = np.zeros((rows, columns), np.uint8)
    spots = [(row, column) for row in range(0, rows, 2) for column in range(0, columns, 2)][:count]
    assert len(spots) == count
    image[tuple(np.transpose(spots))] = 255
    return image


def write_dots(file: Path, count: int, rows: int, columns: int) -> Path:
    """As TIFF, or in any format that Pillow knows."""
    pixels = dots(count, rows, columns)
    if file.suffix == ".tif":
        tifffile.imwrite(file, pixels)
    else:
        from PIL import Image

        Image.fromarray(pixels).save(file)
    return file
