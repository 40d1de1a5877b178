"""Weights that a training or an upload replaces are kept, and come back on demand.

    python label/guarded/former_weights.py label_app/model/stemcell_unet
    python label/guarded/former_weights.py label_app/model/stemcell_unet --restore 2026-11-29T16-42-03

The first lists what is kept, the second puts it back. The weights that it replaces are kept as well. A
running server uses the restored weights from the next request on.
"""

import argparse
import filecmp
import logging
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

logger = logging.getLogger("label")

FOLDER = "former"
DECODING = ".decoding.json"
"""Suffix of the values that were calibrated for weights, in a file beside them."""


def keep(bundle: Path) -> Path | None:
    """Copy the weights of a bundle, with what was calibrated for them, to ``models/former/<time>.pt``.

    Returns:
        The copy; None if there are no weights, or if the latest copy is the same.
    """
    weights = weights_of(bundle)
    kept = former(bundle)
    if not weights.is_file() or (kept and filecmp.cmp(kept[-1], weights, shallow=False)):
        return None
    copy = unused(weights.parent / FOLDER)
    copy.parent.mkdir(exist_ok=True)
    copy_both(weights, copy)
    return copy


def restore(bundle: Path, time_kept: str) -> None:
    """Put former weights in place, after keeping the present ones."""
    times = {file.stem: file for file in former(bundle)}
    if time_kept not in times:
        known = ", ".join(times) or "nothing is kept yet"
        raise SystemExit(f"{bundle}: no weights are kept of {time_kept!r}; choose of {known}")
    keep(bundle)
    copy_both(times[time_kept], weights_of(bundle))


def former(bundle: Path) -> list[Path]:
    """The weights that are kept, the oldest first."""
    return sorted((weights_of(bundle).parent / FOLDER).glob("*.pt"), key=lambda file: file.stem)


def weights_of(bundle: Path) -> Path:
    """The weights that a server uses."""
    return bundle / "models/model.pt"


def copy_both(source: Path, target: Path) -> None:
    """Copy weights and what was calibrated for them; a reader sees the old file or the new, never a half."""
    for suffix in (DECODING, source.suffix):
        if source.with_suffix(suffix).is_file():
            half = target.with_name(f"{target.stem}{suffix}.half")
            shutil.copyfile(source.with_suffix(suffix), half)
            os.replace(half, target.with_suffix(suffix))


def unused(folder: Path) -> Path:
    """A file named after the time, of which there is none yet."""
    stem = time.strftime("%Y-%m-%dT%H-%M-%S")
    tries = [folder / f"{stem}.pt", *(folder / f"{stem}-{number:02}.pt" for number in range(2, 100))]
    return next(file for file in tries if not file.exists())


def main(arguments: Sequence[str] | None = None) -> None:
    """List the weights that are kept, or restore some."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="a bundle in the folder of the app, label_app/model/NAME")
    parser.add_argument("--restore", metavar="TIME", help="put these back")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    if not weights_of(options.bundle).parent.is_dir():
        raise SystemExit(
            f"{options.bundle}: this is not a bundle; name one such as label_app/model/skip_unet"
        )
    if options.restore:
        restore(options.bundle, options.restore)
        logger.info("%s has the weights of %s again", options.bundle, options.restore)
    else:
        for file in former(options.bundle):
            logger.info("%s", file.stem)


if __name__ == "__main__":
    main()
