"""Annotate with a MONAI Label server: segment, correct, train, and again.

    python annotation_loop.py --server http://127.0.0.1:8000 --model patch_attention_unet --truth masks

Each round finds the image with the least certain prediction, segments it, lets a person correct the label,
saves it, and trains. In this script the masks of ``--truth`` replace the person. For real annotation, replace
:func:`correct` by a function that opens an editor.
"""

import argparse
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import requests
import tifffile

from cellseg_monai.data import read_label_map
from cellseg_monai.metrics import pixel_counts, pixel_scores

logger = logging.getLogger("annotation_loop")

Labels = npt.NDArray[np.int32]


class Server:
    """Client for one model of a MONAI Label server.

    Args:
        url: address of the server, such as ``http://127.0.0.1:8000``.
        model: name of the bundle.
    """

    def __init__(self, url: str, model: str) -> None:
        self.url = url.rstrip("/")
        self.model = model

    def ask(self, verb: str, path: str, **options: Any) -> requests.Response:
        """Send a request; an error includes the message of the server."""
        answer = requests.request(verb, f"{self.url}{path}", timeout=600, **options)
        if not answer.ok:
            raise RuntimeError(f"{verb} {path}: {answer.status_code} {answer.text}")
        return answer

    def least_sure(self) -> list[str]:
        """Return the images without a label, sorted so that the least certain prediction is first."""
        self.ask("POST", f"/scoring/{self.model}", json={"max_workers": 1})  # two interfere with each other
        self._wait("scoring")
        images = self.ask("GET", "/datastore/?output=all").json()["objects"]
        waiting = {
            name: image["image"]["info"] for name, image in images.items() if "final" not in image["labels"]
        }
        return sorted(waiting, key=lambda name: waiting[name].get("epistemic_entropy", 0.0), reverse=True)

    def segment(self, image: str, **parameters: Any) -> Labels:
        """Segment an image, with parameters of the bundle such as ``threshold=0.4``."""
        wanted = {"result_extension": ".tif", **parameters}
        path = f"/infer/{self.model}?image={image}&output=image"
        answer = self.ask("POST", path, data={"params": json.dumps(wanted)})
        with TemporaryDirectory() as folder:
            file = Path(folder) / "label.tif"
            file.write_bytes(answer.content)
            return read_label_map(file)

    def save(self, image: str, labels: Labels) -> None:
        """Save the final labels of an image; trainings use only final labels."""
        with TemporaryDirectory() as folder:
            file = Path(folder) / "label.tif"
            tifffile.imwrite(file, labels, compression="zlib")
            with file.open("rb") as content:
                self.ask("PUT", f"/datastore/label?image={image}&tag=final", files={"label": content})

    def train(self, epochs: int) -> None:
        """Train on all images with final labels, starting from the weights on the server."""
        self.ask("POST", f"/train/{self.model}", json={"max_epochs": epochs})
        self._wait("train")

    def _wait(self, task: str, seconds: float = 0.5) -> None:
        while (state := self.ask("GET", f"/{task}/").json())["status"] in ("SUBMITTED", "RUNNING"):
            time.sleep(seconds)
        if state["status"] != "DONE":
            raise RuntimeError(f"{task}: {state['status']}\n" + "\n".join(state.get("details", [])))


def correct(image: str, labels: Labels, truth: Path) -> Labels:
    """Return the corrected labels, here the mask of the image."""
    return read_label_map(next(truth.glob(f"{image}.*")))


def run(
    server: Server, person: Callable[[str, Labels], Labels], truth: Path, rounds: int = 3, epochs: int = 5
) -> list[float]:
    """Annotate one image per round.

    Args:
        server: server with images, some of them without labels.
        person: function that gets an image and its predicted labels, and returns corrected labels.
        truth: folder of masks to measure the progress.
        rounds: number of images to annotate.
        epochs: number of epochs of each training.

    Returns:
        Mean Dice scores over the images in ``truth``, before the first round and after each round.
    """
    scores = [score(server, truth)]
    logger.info("before: Dice %.3f", scores[0])
    for number in range(rounds):
        image = server.least_sure()[0]
        server.save(image, person(image, server.segment(image)))
        server.train(epochs)
        scores.append(score(server, truth))
        logger.info("%d annotated, the last one %s: Dice %.3f", number + 1, image, scores[-1])
    return scores


def score(server: Server, truth: Path) -> float:
    """Compute the mean Dice score of the foreground."""
    masks = {file.name.partition(".")[0]: read_label_map(file) for file in sorted(truth.iterdir())}
    counts = [pixel_counts(server.segment(name), mask) for name, mask in masks.items()]
    return float(np.mean([pixel_scores(each).dice for each in counts]))


def main() -> None:
    """Run the loop from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="http://127.0.0.1:8000")
    parser.add_argument("--model", default="patch_attention_unet")
    parser.add_argument("--truth", type=Path, required=True, help="folder of masks that replace the person")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    server = Server(options.server, options.model)
    run(
        server, lambda image, labels: correct(image, labels, options.truth), options.truth, options.rounds,
        options.epochs,
    )  # fmt: skip


if __name__ == "__main__":
    main()
