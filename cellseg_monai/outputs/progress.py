"""How far a run has come, read from its manifest by another process."""

import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from cellseg_monai.outputs.containment import StrPath
from cellseg_monai.outputs.counting import counted
from cellseg_monai.outputs.lock import HIDDEN, user_of
from cellseg_monai.outputs.manifest import FAILED, MANIFEST, STATES

_SHOWN = 20


class Progress(NamedTuple):
    """State of a run.

    Attributes:
        folder: output folder.
        counts: number of items in each state.
        failed: reason by item that failed.
        seconds: time that the run has taken so far, or took.
        finished: number of items that were done or failed in this time.
        user: process that is running it; empty if none is.

    Example:
        >>> counts = {"pending": 8, "running": 1, "done": 3, "failed": 1}
        >>> print(Progress(Path("out"), counts, {"a.tif": "ValueError: 2 channels"}, 6.0, 3, "process 7"))
        out: process 7 is at work
        13 items: 3 done, 1 failed, 1 running, 8 pending
        0.5 items a second, 0:00:18 left
        failed: a.tif: ValueError: 2 channels
    """

    folder: Path
    counts: dict[str, int]
    failed: dict[str, str]
    seconds: float
    finished: int
    user: str

    @property
    def left(self) -> int:
        """Number of items that are not finished."""
        return self.counts["pending"] + self.counts["running"]

    def __str__(self) -> str:
        """Counts, rate, time left and failures."""
        numbers = [f"{self.counts[state]:,} {state}" for state in ("done", "failed", "running", "pending")]
        lines = [
            f"{self.folder}: {self._running()}",
            f"{counted(sum(self.counts.values()), 'item')}: {', '.join(numbers)}",
            *([self._rate()] if self.finished else []),
            *(f"failed: {name}: {reason}" for name, reason in list(self.failed.items())[:_SHOWN]),
        ]
        more = len(self.failed) - _SHOWN
        return "\n".join([*lines, *([f"failed: {more:,} more"] if more > 0 else [])])

    def _running(self) -> str:
        if self.user:
            return f"{self.user} is at work"
        return "no process is at work; run the same command again to continue" if self.left else "ended"

    def _rate(self) -> str:
        rate = self.finished / max(self.seconds, 1e-3)
        told = f"{rate:.3g} items a second" if rate >= 0.1 else f"{1 / rate:.3g} seconds an item"
        if not (self.left and self.user):
            return told
        return f"{told}, {timedelta(seconds=round(self.left / rate))} left"


def read_progress(folder: StrPath, work: str) -> Progress:
    """Read how far the latest run in an output folder has come; it may be running or dead.

    Args:
        folder: output folder.
        work: kind of work, such as ``"predict"``.

    Raises:
        FileNotFoundError: no such run has begun in the folder.
        FileExistsError: the file is not a manifest.

    Example:
        >>> read_progress("absent", "predict")
        Traceback (most recent call last):
        ...
        FileNotFoundError: absent: there is no state of a run here; give the output folder of cellseg predict
    """
    path = Path(folder) / HIDDEN / MANIFEST
    absent = f"{folder}: there is no state of a run here; give the output folder of cellseg {work}"
    if not path.is_file():
        raise FileNotFoundError(absent)
    try:
        with closing(sqlite3.connect(path, timeout=30)) as base:
            began = base.execute("SELECT began FROM runs WHERE work = ?", (work,)).fetchone()
            where = "FROM items WHERE work = ? AND place IS NOT NULL"
            states = base.execute(f"SELECT state, count(*) {where} GROUP BY state", (work,)).fetchall()
            failures = base.execute(
                f"SELECT name, error {where} AND state = ? ORDER BY place", (work, FAILED)
            ).fetchall()
            since = began or (0.0,)
            finished, last = base.execute(
                f"SELECT count(*), max(ended) {where} AND ended >= ?", (work, *since)
            ).fetchone()
    except sqlite3.DatabaseError as error:
        raise FileExistsError(f"{path}: is not a manifest, or cannot be read: {error}") from error
    if began is None:
        raise FileNotFoundError(absent)
    user = user_of(folder)
    seconds = (time.time() if user else last or began[0]) - began[0]
    counts = dict.fromkeys(STATES, 0) | dict(states)
    return Progress(Path(folder), counts, dict(failures), seconds, finished, user)
