"""TiledInferer compared with MONAI's SlidingWindowInferer: `python benchmarks/inference.py`.

The network is that of the bundle `patch_attention_unet`, with its weights. With `--data`, the script first
prints the Dice score of each inferer on real images:

    python benchmarks/inference.py --data nuclei/test

benchmarks/gpu.py measures them on a GPU.
"""

import argparse
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from harness import compare
from monai.inferers import Inferer, SlidingWindowInferer
from monai.transforms import LoadImage
from torch import nn

from cellseg_monai.data import MicroscopyReader, list_items
from cellseg_monai.inference import TiledInferer
from cellseg_monai.networks import PatchAttentionUNet
from cellseg_monai.transforms import PercentileStretch

WEIGHTS = Path(__file__).parents[1] / "bundles/patch_attention_unet/models/model.pt"
CHANNELS = (16, 32, 64, 128, 256)
PATCH = 128


def ways(overlap: float) -> dict[str, Inferer]:
    """MONAI's inferer as the reference, and ours with the same windows and with windows that fit."""
    ours = partial(TiledInferer, overlap=overlap, blending="gaussian", patch_size=PATCH, progress=False)
    return {
        "MONAI": SlidingWindowInferer((PATCH, PATCH), 8, overlap, "gaussian"),
        "same windows": ours(PATCH),
        "same windows, channels_last": ours(PATCH, channels_last=True),
        "windows that fit": ours("fit"),
        "MONAI, half precision": HalfPrecision((PATCH, PATCH), 8, overlap, "gaussian"),
        "windows that fit, amp": ours("fit", amp=True),
    }


class HalfPrecision(SlidingWindowInferer):
    """MONAI's inferer, as its evaluators run it with ``amp``."""

    def __call__(self, inputs: torch.Tensor, network: nn.Module, *args: Any, **kwargs: Any) -> Any:
        """Run the inferer with autocast."""
        with torch.autocast(inputs.device.type):
            return super().__call__(inputs, network, *args, **kwargs)


class FirstAnswer(nn.Module):
    """Network that computes one batch of each shape and repeats its output: its memory without its time."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.answers: dict[Any, torch.Tensor] = {}

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Return an output of the shape of the network's output."""
        if windows.shape not in self.answers:
            self.answers[windows.shape] = self.network(windows)
        return self.answers[windows.shape].clone()


def infer(inferer: Inferer, image: torch.Tensor, network: nn.Module) -> None:
    """Predict one image."""
    with torch.no_grad():
        inferer(image, network)


def network_alone(windows: list[torch.Tensor], network: nn.Module) -> None:
    """Run the network on windows that are already cut."""
    with torch.no_grad():
        for batch in windows:
            network(batch)


def windows_given(inferer: Inferer, image: torch.Tensor) -> list[torch.Tensor]:
    """Batches that the inferer passes to the network."""
    batches: list[torch.Tensor] = []

    class Recorder(nn.Module):
        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            batches.append(windows)
            return windows

    infer(inferer, image, Recorder())
    return batches


def throughput(side: int, network: nn.Module, repeats: int) -> None:
    """Compare with MONAI at two common overlaps, and print the time of the engine without the network."""
    image = torch.rand(1, 1, side, side)
    for overlap in (0.25, 0.5):
        calls = {name: partial(infer, inferer, image, network) for name, inferer in ways(overlap).items()}
        compare(f"{side:,}², overlap {overlap}", calls, repeats)
    inferer = ways(0.25)["windows that fit"]
    calls = {
        "network alone": partial(network_alone, windows_given(inferer, image), network),
        "windows that fit": partial(infer, inferer, image, network),
    }
    compare(f"{side:,}², time that the engine adds", calls, repeats)


def memory(side: int, network: nn.Module) -> None:
    """Print the peak memory of a large image; all batches are stitched, but only the first is computed."""
    image = torch.rand(1, 1, side, side)
    half = TiledInferer("fit", progress=False, output_dtype=torch.float16)
    inferers = {**ways(0.25), "windows that fit, float16": half}
    calls = {
        name: lambda inferer=inferer: infer(inferer, image, FirstAnswer(network))
        for name, inferer in inferers.items()
    }
    compare(f"{side:,}², time of stitching and peak memory", calls, repeats=1)


def dice(folder: Path, network: nn.Module) -> None:
    """Print the mean Dice score of the foreground for each inferer."""
    read = LoadImage(reader=MicroscopyReader(), ensure_channel_first=True)
    read_label = LoadImage(reader=MicroscopyReader("label"), ensure_channel_first=True)
    stretch = PercentileStretch(1, 99)
    pairs = [
        (
            stretch(read(item["image"])).as_tensor()[None],
            read_label(item["label"]).as_tensor()[None] > 0,
        )
        for item in list_items(folder)
    ]
    print(f"\n{folder}: Dice score of {len(pairs)} images, mean and worst")
    for overlap in (0.25, 0.5):
        for name, inferer in ways(overlap).items():
            scores = []
            for image, truth in pairs:
                with torch.no_grad():
                    found = inferer(image, network)[:, :1] > 0
                scores.append(2 * float((found & truth).sum()) / float(found.sum() + truth.sum()))
            print(f"{name:28} overlap {overlap} {fmean(scores):9.4f} {min(scores):9.4f}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of images and masks for the Dice scores")
    parser.add_argument("--quick", action="store_true", help="images up to 1,024² only")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = PatchAttentionUNet(2, 1, 2, channels=CHANNELS).eval()
    network.load_state_dict(torch.load(WEIGHTS, weights_only=True))

    if arguments.data is not None:
        dice(arguments.data, network)
    else:
        print("no Dice scores: add --data")
    throughput(1024, network, repeats=3)
    if not arguments.quick:
        memory(8192, network)
        throughput(4096, network, repeats=1)


if __name__ == "__main__":
    main()
