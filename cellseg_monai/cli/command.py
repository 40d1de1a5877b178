"""The command ``cellseg``: each verb is one call.

Verbs import what they need when they run, so ``cellseg --help`` answers at once.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cellseg_monai.cli.analysis import MEASURE, TRACK
from cellseg_monai.cli.bundles import BUNDLE, MODELS
from cellseg_monai.cli.data import DATA
from cellseg_monai.cli.evaluation import EVALUATE, REPORT, REVIEW, VERIFY_RUN
from cellseg_monai.cli.images import CALIBRATE, CONVERT, PREDICT
from cellseg_monai.cli.studies import STUDY
from cellseg_monai.cli.training import TRAIN
from cellseg_monai.cli.verbs import add_verbs, exit_code
from cellseg_monai.outputs.causes import cause_of, origin_of

VERBS = (
    DATA,
    TRAIN,
    PREDICT,
    CONVERT,
    CALIBRATE,
    BUNDLE,
    MODELS,
    EVALUATE,
    REPORT,
    REVIEW,
    MEASURE,
    TRACK,
    VERIFY_RUN,
    STUDY,
)

INTERRUPTED = 130
"""Exit code after Ctrl-C, as in shells."""

TERMINATED = 143
"""Exit code after SIGTERM, as in shells."""


class _Terminated(KeyboardInterrupt):
    """SIGTERM, by which a scheduler or a shutdown ends a command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; print an error of the user in one sentence.

    Args:
        arguments: words after ``cellseg``; by default those of the command line.

    Returns:
        Exit code: 0 on success, 1 after an error.

    Example:
        >>> main(["data", "layouts"])
        annotations      ...
        0
    """
    try:
        with _terminable():
            options = vars(_parser().parse_args(arguments))
            code = exit_code(options.pop("run")(**options))
            sys.stdout.flush()
            return code
    except BrokenPipeError:  # the reader of a pipe has stopped reading, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt as error:
        print("cellseg: interrupted; finished results stay; run the same command again", file=sys.stderr)
        return TERMINATED if isinstance(error, _Terminated) else INTERRUPTED
    except (ValueError, OSError, RuntimeError) as error:
        cause = cause_of(error)
        if isinstance(cause, RuntimeError) and "/cellseg_monai/" not in origin_of(cause):
            raise  # a bug, which needs its traceback
        print(f"cellseg: error: {cause}", file=sys.stderr)
        return 1


@contextmanager
def _terminable() -> Iterator[None]:
    """Within, SIGTERM ends a command as Ctrl-C does: parts are removed, and the record says so."""

    def end(number: int, frame: object) -> None:
        raise _Terminated

    if threading.current_thread() is not threading.main_thread():  # only there are signals received
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cellseg", description="Train and use cell segmentation from a few annotated microscope images."
    )
    add_verbs(parser, VERBS)
    return parser
