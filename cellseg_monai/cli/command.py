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
from typing import Any

from cellseg_monai.cli.analysis import MEASURE, TRACK
from cellseg_monai.cli.bundles import BUNDLE, MODELS
from cellseg_monai.cli.data import DATA
from cellseg_monai.cli.demo import DEMO
from cellseg_monai.cli.doctor import DOCTOR
from cellseg_monai.cli.evaluation import EVALUATE, REPORT, REVIEW, VERIFY_RUN
from cellseg_monai.cli.images import CALIBRATE, CONVERT, PREDICT
from cellseg_monai.cli.results import exit_code
from cellseg_monai.cli.studies import STUDY
from cellseg_monai.cli.training import TRAIN
from cellseg_monai.cli.verbs import Group, Verb, add_verbs

TASKS: dict[str, Sequence[Verb | Group]] = {
    "first": (DOCTOR, DEMO, MODELS),
    "segment images": (PREDICT, CONVERT),
    "train on images of your own": (DATA, TRAIN, CALIBRATE),
    "judge": (EVALUATE, REPORT, REVIEW, VERIFY_RUN),
    "answer a question of biology": (MEASURE, TRACK),
    "publish and compare": (BUNDLE, STUDY),
}
"""Verbs by task, as ``cellseg --help`` lists them."""

VERBS = tuple(verb for verbs in TASKS.values() for verb in verbs)

_PURPOSE = "Segment cells in microscope images, and train on a few annotated ones."
INTERRUPTED = 130
"""Exit code after Ctrl-C, as in shells."""

TERMINATED = 143
"""Exit code after SIGTERM, as in shells."""


class _Terminated(KeyboardInterrupt):
    """SIGTERM, by which a scheduler or a shutdown ends a command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; print an error in one sentence, or with its traceback after ``--debug``.

    Args:
        arguments: words after ``cellseg``; by default those of the command line.

    Returns:
        Exit code: 0 on success, 1 after an error.

    Example:
        >>> main(["data", "layouts"])
        annotations      ...
        0
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        with _terminable():
            options = vars(_parser().parse_args(arguments))
            options.pop("debug", None)
            as_json = options.pop("json", False)
            code = exit_code(options.pop("run")(**options), as_json)
            sys.stdout.flush()
            return code
    except BrokenPipeError:  # the reader of a pipe has stopped reading, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt as error:
        print("cellseg: interrupted; finished results stay; run the same command again", file=sys.stderr)
        return TERMINATED if isinstance(error, _Terminated) else INTERRUPTED
    except Exception as error:
        if "--debug" in arguments:
            raise
        print(f"cellseg: {_in_a_sentence(error)}", file=sys.stderr)
        return 1


def _in_a_sentence(error: Exception) -> str:
    """The cause of an error of the user, or what to do about one that nobody foresaw."""
    import traceback

    from cellseg_monai.outputs.causes import cause_of, in_one_line, origin_of

    cause = cause_of(error)
    line = traceback.extract_tb(cause.__traceback__)[-1].line or ""
    on_purpose = line.startswith("raise ") and "/cellseg_monai/" in origin_of(cause)
    if isinstance(cause, ValueError | OSError) or on_purpose:
        return f"error: {cause}"
    return (
        f"unexpected error: {in_one_line(error)}\n"
        "If the files and options are as intended, this is a bug. The same command with --debug shows "
        "where it is; report that with what `cellseg doctor` prints."
    )


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
        prog="cellseg",
        usage="cellseg VERB ...",
        description=f"{_PURPOSE}\n\n{_overview()}",
        epilog="`cellseg VERB --help` lists the options of a verb, with examples.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, default=argparse.SUPPRESS, help="print the version and exit"
    )
    add_verbs(parser, VERBS, prog="cellseg", help=argparse.SUPPRESS)
    if "_ARGCOMPLETE" in os.environ:  # a shell asks how the line could go on
        import argcomplete

        argcomplete.autocomplete(parser)
    return parser


def _overview() -> str:
    """One line for each verb, by task."""
    return "\n\n".join(
        "\n".join([f"{task}:", *(f"  {verb.name:<12}{verb.help}" for verb in verbs)])
        for task, verbs in TASKS.items()
    )


class _Version(argparse.Action):
    """Print the version."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Print it, and end."""
        from cellseg_monai.outputs.origin import software

        print(software())
        parser.exit()
