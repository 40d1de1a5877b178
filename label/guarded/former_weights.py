"""Restore weights that a training or an upload has replaced.

    python label/guarded/former_weights.py label_app/model/stemcell_unet
    python label/guarded/former_weights.py label_app/model/stemcell_unet --restore model-1f2e3d4c

The first command lists the weights kept in ``models/former``, newest last. The second restores some of them,
and keeps the weights that it replaces. A running server uses the restored weights from the next request on.
"""

import argparse
import logging
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cellseg_monai.outputs import written_whole
from cellseg_monai.outputs.former import FORMER, keep_former

logger = logging.getLogger("label")


def restore(bundle: Path, name: str) -> None:
    """Restore former weights, and keep the current ones."""
    kept = {file.stem: file for file in former(bundle)}
    if name not in kept:
        known = ", ".join(kept) or "there are none yet"
        raise SystemExit(f"{bundle}: no weights are kept as {name!r}; choose one of: {known}")
    weights = weights_of(bundle)
    keep_former(weights)
    for source in sorted(kept[name].parent.glob(f"{name}.*")):  # settings before weights
        with written_whole(weights.with_suffix(source.name.removeprefix(name))) as part:
            shutil.copyfile(source, part)


def former(bundle: Path) -> list[Path]:
    """Former weights of a bundle, newest last."""
    folder = weights_of(bundle).parent / FORMER
    return sorted(folder.glob("*.pt"), key=lambda file: file.stat().st_mtime_ns)


def weights_of(bundle: Path) -> Path:
    """Path of the weights that the server uses."""
    return bundle / "models/model.pt"


def main(arguments: Sequence[str] | None = None) -> None:
    """List the former weights, or restore some of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="bundle in the folder of the app, label_app/model/NAME")
    parser.add_argument("--restore", metavar="WEIGHTS", help="former weights to restore")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    if not weights_of(options.bundle).parent.is_dir():
        raise SystemExit(
            f"{options.bundle}: this is not a bundle; name one such as label_app/model/skip_unet"
        )
    if options.restore:
        restore(options.bundle, options.restore)
        logger.info("%s has the weights %s again", options.bundle, options.restore)
        return
    for file in former(options.bundle):
        kept = time.strftime("%Y-%m-%d %H:%M", time.localtime(file.stat().st_mtime))
        logger.info("%s  %s", kept, file.stem)


if __name__ == "__main__":
    main()
