"""``cellseg train``: from annotated images to a bundle."""

import math
import sys
import time
from collections.abc import Callable
from typing import Any

from cellseg_monai.cli.options import READING, SETTINGS
from cellseg_monai.cli.verbs import Verb, argument

_SECONDS_OF_A_DRY_RUN = 8.0
_SECONDS_BETWEEN_LINES = 10.0


def _train(images: str, out: str, dry_run: bool = False, reading: Any = None, **options: Any) -> Any:
    from cellseg_monai.data import labelled, list_items
    from cellseg_monai.planning import prepare, train

    if reading is not None:
        options["options"] = {**options.get("options", {}), **reading.config}
    if dry_run:
        chosen = {name: options[name] for name in ("start", "options", "minutes") if name in options}
        return prepare(labelled(list_items(images)), **chosen, seconds=_SECONDS_OF_A_DRY_RUN)
    return train(images, out, report=_show_progress(), **options)


def _show_progress() -> Callable[[str], None]:
    """Return a function that prints lines.

    On a terminal, a line of progress replaces the one before; elsewhere, only some of them are printed.
    """
    printed = -math.inf

    def show(line: str) -> None:
        nonlocal printed
        progress, now = line.startswith("epoch "), time.monotonic()
        if sys.stdout.isatty():
            print(f"\r\x1b[K{line}", end="" if progress else "\n", flush=True)
        elif not progress or now - printed >= _SECONDS_BETWEEN_LINES:
            printed = now if progress else printed
            print(line, flush=True)

    return show


TRAIN = Verb("train", "train a bundle with annotated images", _train, [
    argument("images", help="annotated images: a folder with images/ and masks/, or another dataset"),
    argument("--out", required=True, metavar="DIR", help="folder of the bundle; the same command resumes"),
    argument("--minutes", type=float, metavar="N", help="duration by the clock (default 30)"),
    argument("--from", dest="start", metavar="MODEL", help="start: a bundle, or none for random weights"),
    argument("--val", dest="validation", metavar="DIR", help="validation images (default: a fifth)"),
    argument("--test", metavar="DIR", help="test images: scored at the end, they decide nothing"),
    argument("--folds", type=int, metavar="N", help="N trainings, each validated on another part"),
    argument("--how-many-more", action="store_true", help="also train with fewer images: would more help?"),
    argument("--seed", type=int, metavar="N", help="random seed (default 0)"),
    argument("--dry-run", action="store_true", help="only print the plan"),
    *READING,
    SETTINGS,
])  # fmt: skip
