"""Errors in one sentence instead of a traceback under ``python -m monai.bundle run``."""

import logging
import sys
from pathlib import Path
from types import TracebackType

import monai.bundle

from cellseg_monai.outputs.causes import cause_of, origin_of

logger = logging.getLogger(__name__)

_READABLE = ("cellseg_monai", "monai/bundle", "monai/utils")
"""Code whose errors are written for users; other errors keep their traceback, which shows the cause."""


def runs_monais_command() -> bool:
    """Whether this process is ``python -m monai.bundle``, and not another program.

    Example:
        >>> runs_monais_command()
        False
    """
    return Path(sys.argv[0]).parent == Path(monai.bundle.__file__).parent


def plain_errors() -> None:
    """Report uncaught errors of a configuration or a dataset in one sentence, under MONAI's command.

    MONAI wraps such an error several times, and fifty lines of traceback hide its message. The exit code is
    still 1. Errors of other software keep their traceback, and with the level DEBUG in ``logging.conf`` all
    errors do. In other processes, such as a program of your own, nothing is changed.

    Example:
        >>> hook = sys.excepthook
        >>> plain_errors()
        >>> sys.excepthook is hook
        True
    """
    if runs_monais_command():
        sys.excepthook = _report


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    cause = cause_of(error)
    readable = any(f"/{package}/" in origin_of(cause) for package in _READABLE)
    if readable and not logger.isEnabledFor(logging.DEBUG):
        sys.stderr.write(f"{type(cause).__name__}: {cause}\n")
    else:
        sys.__excepthook__(kind, error, trace)
