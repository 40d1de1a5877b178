"""What `cellseg predict` costs beyond the network for many small images: `python benchmarks/small_images.py`.

Prints milliseconds of the processor for each image, all threads together: the network, and all else that an
image takes, from reading the file to writing labels and tables. The start of the command is left out, by
taking away the time for two images.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import torch

from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.inference.window_network import WindowNetwork
from cellseg_monai.jobs import predict


def timed(bundle: str, images: Path, out: Path) -> tuple[float, float]:
    """Seconds of the processor for a prediction, and those of the network within it."""
    alone = 0.0
    run = WindowNetwork.__call__

    def measured(network: WindowNetwork, windows: torch.Tensor) -> Any:
        nonlocal alone
        began = time.thread_time()
        result = run(network, windows)
        alone += time.thread_time() - began
        return result

    with patch.object(WindowNetwork, "__call__", measured):
        began = time.process_time()
        predict(bundle, [images], out, device="cpu")
        return time.process_time() - began, alone


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", default="patch_attention_unet")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--side", type=int, default=256)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    size = (arguments.side, arguments.side)
    with TemporaryDirectory() as name:
        folder = Path(name)
        for part, count in (("few", 2), ("many", arguments.count + 2)):
            write_synthetic_dataset("nuclei", folder / part, count=count, size=size)
        timed(arguments.bundle, folder / "few/images", folder / "first")
        few, few_alone = timed(arguments.bundle, folder / "few/images", folder / "second")
        many, many_alone = timed(arguments.bundle, folder / "many/images", folder / "third")
    every, alone = (1e3 * each / arguments.count for each in (many - few, many_alone - few_alone))
    print(f"{arguments.count} images of {arguments.side}², {arguments.bundle}")
    print(f"network {alone:.1f} ms, all else {every - alone:.1f} ms for each image: {every / alone - 1:.0%}")


if __name__ == "__main__":
    main()
