"""Every shipped network alone, in two precisions and two memory formats: `python benchmarks/precisions.py`.

Prints seconds of the processor per megapixel in one thread, and the ratio to float32 in PyTorch's own format.
A network with windows of a fixed size gets two of them, every other one two of 256² pixels.
"""

import argparse
import time
from functools import partial
from statistics import median

import torch
from monai.bundle import ConfigParser
from torch import nn

from cellseg_monai.runtime import known_bundles
from cellseg_monai.runtime.finding import find_inference

FORMATS = {"": torch.contiguous_format, ", channels_last": torch.channels_last}


def loaded(bundle: str) -> tuple[nn.Module, torch.Tensor]:
    """Network of a bundle with its weights, and a batch for it."""
    inference = find_inference(bundle)
    config = ConfigParser(ConfigParser.load_config_files(inference.files))
    config["bundle_root"] = str(inference.bundle)
    network = config.get_parsed_content("network").eval()
    network.load_state_dict(torch.load(config.get_parsed_content("weights"), weights_only=True))
    window = config.get_parsed_content("window")
    side = window if isinstance(window, int) and window > 0 else 256
    return network, torch.rand(2, config.get_parsed_content("in_channels"), side, side)


def seconds(network: nn.Module, image: torch.Tensor, half: bool) -> float:
    """Time of the processor for one batch."""
    began = time.process_time()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, half):
        network(image)
    return time.process_time() - began


def main() -> None:
    """Print a table for each network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundles", nargs="*", default=known_bundles())
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for bundle in arguments.bundles:
        network, image = loaded(bundle)
        # a copy, since a tensor with one channel counts as contiguous in both formats
        images = {name: torch.empty_like(image, memory_format=form) for name, form in FORMATS.items()}
        calls = {}
        for precision, half in (("float32", False), ("bfloat16", True)):
            for name, ordered in images.items():
                ordered.copy_(image)
                calls[precision + name] = partial(seconds, network, ordered, half)
        for call in calls.values():
            call()
        taken: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(arguments.repeats):
            for name, call in calls.items():
                taken[name].append(call())
        megapixels = len(image) * image.shape[-1] * image.shape[-2] / 1e6
        print(f"\n{bundle}, {len(image)} windows of {image.shape[-1]}²; median of {arguments.repeats}")
        first = median(taken["float32"])
        for name, each in taken.items():
            print(f"{name:24} {median(each) / megapixels:7.2f} s/MP {median(each) / first:7.2f}", flush=True)


if __name__ == "__main__":
    main()
