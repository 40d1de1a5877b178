"""``cellseg train``: from annotated images to a bundle."""

import sys
from typing import Any

from cellseg_monai.cli.options import SETTINGS
from cellseg_monai.cli.verbs import Verb, argument

_SECONDS_OF_A_DRY_RUN = 8.0


def _train(images: str, out: str, dry_run: bool = False, **options: Any) -> Any:
    from cellseg_monai.data import labelled, list_items
    from cellseg_monai.planning import prepare, train

    if dry_run:
        chosen = {name: options[name] for name in ("start", "options") if name in options}
        return prepare(labelled(list_items(images)), **chosen, seconds=_SECONDS_OF_A_DRY_RUN)
    return train(images, out, report=_show, **options)


def _show(line: str) -> None:
    """Print a line; on a terminal, a line of progress replaces the one before."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{line}", end="" if line.startswith("epoch ") else "\n", flush=True)
    else:
        print(line, flush=True)


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
    SETTINGS,
])  # fmt: skip
