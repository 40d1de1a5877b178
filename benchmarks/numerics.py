"""How far the ways to segment an image agree: `python benchmarks/numerics.py [--bundle NAME] [--image FILE]`.

Each way is compared with the first, float32 on one thread: the largest difference of a probability of the
foreground, the share of pixels that change sides, and the cells of both label maps without a partner in the
other one at an IoU of 0.9. The exit code is the number of ways beyond their bounds.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
import torch
from monai.bundle import ConfigWorkflow

from cellseg_monai.data import list_items, write_synthetic_dataset
from cellseg_monai.jobs import predict
from cellseg_monai.memory import MEMORY
from cellseg_monai.metrics import instance_counts
from cellseg_monai.runtime.finding import find_inference

SIZE = (480, 640)
LITTLE = "0.02"
"""Gigabytes of memory with which the image is segmented in tiles."""


class Way(NamedTuple):
    """A way to segment an image, and how far it may be from the first.

    Attributes:
        options: options of the bundle.
        probability: largest difference of a probability.
        pixels: largest share of pixels that change sides.
        threads: threads of PyTorch.
        tiles: whether the image is streamed in tiles.
    """

    options: Mapping[str, Any]
    probability: float
    pixels: float
    threads: int = 1
    tiles: bool = False


WAYS = {
    "float32, one thread": Way({}, 0.0, 0.0),
    "the same again": Way({}, 0.0, 0.0),
    "two threads": Way({}, 1e-4, 1e-4, threads=2),
    "channels first": Way({"channels_last": False}, 1e-4, 1e-4),
    "bfloat16": Way({"inferer#amp": True}, 0.1, 0.001),
    "windows of 256": Way({"window": 256}, 0.5, 0.005),
    "streamed, one tile": Way({}, 1e-4, 1e-4, tiles=True),
    "streamed, tiles of 256": Way({"tile": 256, "halo": 128}, 0.01, 1e-4, tiles=True),
    "compiled": Way({"inferer#compiled": True}, 1e-4, 1e-4),
}
"""Ways by name; the first is what the others are compared with."""


class Agreement(NamedTuple):
    """How far two results agree."""

    probability: float
    pixels: float
    cells: int
    unmatched: int


def main() -> int:
    """Segment the image in each way, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", default="attention_unetpp")
    parser.add_argument("--image", type=Path, help="file (default: synthetic nuclei)")
    options = parser.parse_args()
    print(f"{options.bundle}, PyTorch {torch.__version__}")
    print(f"{'':24} probability    pixels   cells unmatched  within bounds")
    beyond = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        image = options.image or _synthetic(folder / "set")
        first = segmented(options.bundle, image, next(iter(WAYS.values())), folder / "first")
        for number, (name, way) in enumerate(WAYS.items()):
            found = agreement(first, segmented(options.bundle, image, way, folder / str(number)))
            beyond += _printed(name, found, way.probability, way.pixels)
    beyond += _printed("exported (torch.export)", exported(options.bundle), 1e-4, 1e-4)
    return beyond


def _synthetic(folder: Path) -> Path:
    (item,) = list_items(write_synthetic_dataset("nuclei", folder, count=1, size=SIZE))
    return Path(item["image"])


def segmented(bundle: str, image: Path, way: Way, out: Path) -> tuple[Any, Any]:
    """Segment an image; return the probability of the foreground and the label map."""
    torch.set_num_threads(way.threads)
    os.environ.pop(MEMORY, None)
    if way.tiles:
        os.environ[MEMORY] = LITTLE
    predict(bundle, [image], out, device="cpu", save_probability=True, options=way.options)
    os.environ.pop(MEMORY, None)
    probability, labels = (next((out / kind).rglob("*.tif")) for kind in ("probability", "labels"))
    pixels = np.asarray(tifffile.imread(probability), np.float32)
    return (pixels if pixels.ndim == 2 else pixels[np.argmin(pixels.shape)]), tifffile.imread(labels)


def agreement(first: tuple[Any, Any], other: tuple[Any, Any]) -> Agreement:
    """Compare two results."""
    (one, labels), (two, others) = first, other
    _, alone, missed, _ = np.ravel(instance_counts(others, labels, 0.9))
    cells = len(np.unique(labels[labels > 0]))
    sides = float(((labels > 0) != (others > 0)).mean())
    return Agreement(float(np.abs(one - two).max()), sides, cells, int(alone + missed))


def exported(bundle: str) -> Agreement:
    """Compare the network with what ``torch.export`` makes of it, on a window of random pixels."""
    inference = find_inference(bundle)
    workflow = ConfigWorkflow(inference.files, logging_file=False, bundle_root=str(inference.bundle))
    workflow.initialize()
    network = workflow.parser.get_parsed_content("network").eval()
    channels = int(workflow.parser.get_parsed_content("in_channels"))
    window = torch.rand(1, channels, 256, 256, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        copy: Callable[[Any], Any] = torch.export.export(network, (window,)).module()
        one, two = (torch.sigmoid(net(window)[:, :1]) for net in (network, copy))
    return Agreement(float((one - two).abs().max()), float(((one > 0.5) != (two > 0.5)).float().mean()), 0, 0)


def _printed(name: str, found: Agreement, probability: float, pixels: float) -> bool:
    beyond = found.probability > probability or found.pixels > pixels
    differences = f"{found.probability:11.2g} {found.pixels:9.2g} {found.cells:7} {found.unmatched:9}"
    bounds = f"{'no' if beyond else 'yes'} ({probability:g}, {pixels:g})"
    print(f"{name:24} {differences}  {bounds}", flush=True)
    return beyond


if __name__ == "__main__":
    sys.exit(main())
