"""How much longer a prediction takes because ``run.json`` is written and the inputs are hashed.

    python benchmarks/accounting.py

The ratio is that of the time of the processor, which other programs do not change.
"""

import time
from contextlib import ExitStack
from statistics import median
from tempfile import TemporaryDirectory
from unittest.mock import patch

from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.jobs import predict
from cellseg_monai.outputs import Run

ROUNDS = 7
PARTS = ("files", "hashed", "_write")
"""Methods of the record that read, hash and write."""

HASHING = [f"cellseg_monai.inference.{module}.digest_if_readable" for module in ("one_image", "each_image")]
"""Where the files of an image are hashed."""


def seconds(images: str, recorded: bool) -> float:
    """Time of the processor for one prediction, all threads together."""
    with TemporaryDirectory() as out, ExitStack() as stack:
        if not recorded:
            stack.enter_context(patch.multiple(Run, **dict.fromkeys(PARTS, lambda *_, **__: None)))
            for hashing in HASHING:
                stack.enter_context(patch(hashing, lambda _: None))
        began = time.process_time()
        predict("patch_attention_unet", [images], f"{out}/cells", device="cpu")
        return time.process_time() - began


def main() -> None:
    """Print the ratio for a few and for many pixels."""
    for count, side in ((4, 256), (2, 1024)):
        with TemporaryDirectory() as folder:
            images = f"{folder}/nuclei"
            write_synthetic_dataset("nuclei", images, count=count, size=(side, side))
            seconds(f"{images}/images", recorded=True)
            ratios = []
            for number in range(ROUNDS):
                order = (True, False) if number % 2 else (False, True)
                taken = {recorded: seconds(f"{images}/images", recorded) for recorded in order}
                ratios.append(taken[True] / taken[False])
            spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
            print(
                f"{count} images of {side} x {side}: ratio {median(ratios):.3f}, {spread} in {ROUNDS} rounds"
            )


if __name__ == "__main__":
    main()
