"""Annotate with a MONAI Label server: segment, correct, train, and again.

    python annotation_loop.py --server http://127.0.0.1:8000 --model patch_attention_unet --truth masks

Each round asks for the image of which the network is least sure, has it segmented, lets a person correct the
label, saves it, and trains. Here the masks of ``--truth`` stand in for the person; replace :func:`correct` by
whatever opens an editor.
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
    """The requests of an annotation, to one model of a server.

    Args:
        url: such as ``http://127.0.0.1:8000``.
        model: name of the bundle.
    """

    def __init__(self, url: str, model: str) -> None:
        self.url = url.rstrip("/")
        self.model = model

    def ask(self, verb: str, path: str, **options: Any) -> requests.Response:
        """Send a request; an error tells what the server says of it."""
        answer = requests.request(verb, f"{self.url}{path}", timeout=600, **options)
        if not answer.ok:
            raise RuntimeError(f"{verb} {path}: {answer.status_code} {answer.text}")
        return answer

    def least_sure(self) -> list[str]:
        """Images without a label, the one first of whose cells the network is least sure."""
        self.ask("POST", f"/scoring/{self.model}", json={"max_workers": 1})  # two disturb each other
        self._wait("scoring")
        images = self.ask("GET", "/datastore/?output=all").json()["objects"]
        waiting = {
            name: image["image"]["info"] for name, image in images.items() if "final" not in image["labels"]
        }
        return sorted(waiting, key=lambda name: waiting[name].get("epistemic_entropy", 0.0), reverse=True)

    def segment(self, image: str, **parameters: Any) -> Labels:
        """The cells that the network sees; parameters such as ``threshold=0.4`` are those of the bundle."""
        wanted = {"result_extension": ".tif", **parameters}
        path = f"/infer/{self.model}?image={image}&output=image"
        answer = self.ask("POST", path, data={"params": json.dumps(wanted)})
        with TemporaryDirectory() as folder:
            file = Path(folder) / "label.tif"
            file.write_bytes(answer.content)
            return read_label_map(file)

    def save(self, image: str, labels: Labels) -> None:
        """Make these the final labels of an image; a training uses final labels alone."""
        with TemporaryDirectory() as folder:
            file = Path(folder) / "label.tif"
            tifffile.imwrite(file, labels, compression="zlib")
            with file.open("rb") as content:
                self.ask("PUT", f"/datastore/label?image={image}&tag=final", files={"label": content})

    def train(self, epochs: int) -> None:
        """Train from the weights that the server has, on all images with final labels."""
        self.ask("POST", f"/train/{self.model}", json={"max_epochs": epochs})
        self._wait("train")

    def _wait(self, task: str, seconds: float = 0.5) -> None:
        while (state := self.ask("GET", f"/{task}/").json())["status"] in ("SUBMITTED", "RUNNING"):
            time.sleep(seconds)
        if state["status"] != "DONE":
            raise RuntimeError(f"{task}: {state['status']}\n" + "\n".join(state.get("details", [])))


def correct(image: str, labels: Labels, truth: Path) -> Labels:
    """What a person makes of the labels: the mask of that image."""
    return read_label_map(next(truth.glob(f"{image}.*")))


def run(
    server: Server, person: Callable[[str, Labels], Labels], truth: Path, rounds: int = 3, epochs: int = 5
) -> list[float]:
    """Annotate one image a round.

    Args:
        server: with images, some without labels.
        person: is given an image and the labels of the network, and returns corrected ones.
        truth: masks of images that measure the progress.
        rounds: images to annotate.
        epochs: of each training.

    Returns:
        Mean Dice score over the images in ``truth``: before, and after each round.
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
    """Mean Dice score of the foreground."""
    masks = {file.name.partition(".")[0]: read_label_map(file) for file in sorted(truth.iterdir())}
    counts = [pixel_counts(server.segment(name), mask) for name, mask in masks.items()]
    return float(np.mean([pixel_scores(each).dice for each in counts]))


def main() -> None:
    """Run the loop from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="http://127.0.0.1:8000")
    parser.add_argument("--model", default="patch_attention_unet")
    parser.add_argument("--truth", type=Path, required=True, help="masks that stand in for the person")
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
