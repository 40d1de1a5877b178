"""``cellseg demo``: from annotated images to scores on unseen ones, by commands that are printed and run."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from cellseg_monai.cli.verbs import Verb, argument

MINUTES = 2.0


def demo(out: str = "demo", images: str | None = None, minutes: float = MINUTES) -> int:
    """Run the commands; those of an interrupted demo go on.

    Args:
        out: folder of all results.
        images: annotated images to train on; by default some are drawn, and unseen ones are scored.
        minutes: duration of the training.

    Returns:
        Exit code of the first command that fails, or 0.
    """
    from cellseg_monai.cli.command import main

    folder = Path(out)
    commands = _with_drawn(folder, minutes) if images is None else _with_own(folder, minutes, images)
    for words in commands:
        print(f"\n$ cellseg {shlex.join(words)}", flush=True)
        if code := main(words):
            return code
    return 0


def _with_drawn(folder: Path, minutes: float) -> Iterator[list[str]]:
    drawn, unseen, cells = f"{folder / 'images'}", f"{folder / 'unseen'}", folder / "cells"
    for images, options in ((drawn, ["--count", "8"]), (unseen, ["--count", "3", "--seed", "1"])):
        if not Path(images, "dataset.json").is_file():
            yield ["data", "synthesize", "tissue", images, *options]
    yield ["data", "check", drawn]
    yield ["train", drawn, "--out", f"{folder / 'bundle'}", "--minutes", f"{minutes:g}"]
    yield ["predict", f"{folder / 'bundle'}", unseen, "--out", f"{cells}", "--overlay"]
    labels, scores = f"{cells / 'labels'}", f"{folder / 'scores'}"
    yield ["evaluate", "--pred", labels, "--truth", unseen, "--out", scores]


def _with_own(folder: Path, minutes: float, images: str) -> Iterator[list[str]]:
    bundle, cells = f"{folder / 'my_bundle'}", f"{folder / 'my_cells'}"
    yield ["data", "check", images]
    yield ["train", images, "--out", bundle, "--minutes", f"{minutes:g}"]
    yield ["predict", bundle, images, "--out", cells, "--overlay"]


DEMO = Verb("demo", "train on a few drawn images, and score unseen ones, in five minutes", demo, [
    argument("--out", metavar="DIR", help="folder of the results (default demo)"),
    argument("--images", metavar="DATA", help="annotated images of yours to train on instead"),
    argument("--minutes", type=float, metavar="N", help="duration of the training (default 2)"),
])  # fmt: skip
