"""State of each item of a long run, in one SQLite file, so that a killed run goes on where it was."""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cellseg_monai.outputs.containment import StrPath
from cellseg_monai.outputs.lock import HIDDEN
from cellseg_monai.outputs.whole import OutputError, make_folder, written_whole

MANIFEST = "manifest.sqlite"
"""File in the hidden folder of an output folder."""

PENDING, RUNNING, DONE, FAILED = STATES = ("pending", "running", "done", "failed")

_SECONDS = 1.0
_VERSION = 1
_TABLES = f"""
CREATE TABLE runs (work TEXT PRIMARY KEY, began REAL NOT NULL);
CREATE TABLE items (
    work TEXT NOT NULL,
    name TEXT NOT NULL,
    place INTEGER,           -- in the latest run; NULL if that run does not have the item
    state TEXT NOT NULL,
    settings TEXT NOT NULL,  -- hash of the configuration and the weights
    weights TEXT,            -- SHA-256 of the file of the weights
    stamp TEXT,              -- sizes and times of the input files
    inputs TEXT,             -- SHA-256 of the input files
    worker TEXT,
    began REAL,
    ended REAL,
    result TEXT,
    error TEXT,
    PRIMARY KEY (work, name)
);
CREATE INDEX states ON items (work, state);
PRAGMA user_version = {_VERSION};
"""


class Done(NamedTuple):
    """An item that an earlier run has done.

    Attributes:
        stamp: sizes and times of its input files when it was done.
        inputs: SHA-256 of its input files.
        result: what the run kept about it.

    Example:
        >>> Done([[512, 1]], ["1aca80e8"], {"cells": 7}).result["cells"]
        7
    """

    stamp: Any
    inputs: list[str | None]
    result: dict[str, Any]


class Manifest:
    """Items of one kind of work in an output folder: pending, running, done, or failed with the reason.

    Only the process that has locked the folder may write. What ended is on disk when the method returns.

    Args:
        folder: output folder.
        work: kind of work, such as ``"predict"``.

    Raises:
        FileExistsError: the file is not such a manifest.
        OutputError: when a change cannot be written, because the disk is full or read-only.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> for _ in range(2):
        ...     with Manifest(folder, "predict") as manifest:
        ...         done = manifest.done("settings 1")
        ...         manifest.ask({"a.tif": [], "b.tif": []}, "settings 1", keep=done)
        ...         print(sorted(done))
        ...         manifest.start("a.tif")
        ...         manifest.finish("a.tif", ["1aca80e8"], {"cells": 7})
        []
        ['a.tif']
    """

    def __init__(self, folder: StrPath, work: str) -> None:
        self.path = Path(folder) / HIDDEN / MANIFEST
        self._work = work
        self._written = 0.0
        make_folder(self.path.parent)
        with self._in_plain_words():
            if not (self.path.is_file() and self.path.stat().st_size):
                with written_whole(self.path) as part, closing(sqlite3.connect(part)) as base:
                    base.executescript(f"BEGIN;{_TABLES}COMMIT;")
            self._base = sqlite3.connect(self.path)
            # Twice as fast. After a power cut the last changes may be missing, but the file is whole.
            self._base.execute("PRAGMA synchronous = NORMAL")

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(self, *_: object) -> None:
        self._write()
        self._base.close()

    def done(self, settings: str) -> dict[str, Done]:
        """Items by name that an earlier run has done with the same settings.

        Args:
            settings: hash of everything besides the input that a result depends on.
        """
        where = "work = ? AND state = ? AND settings = ?"
        with self._in_plain_words():
            rows = self._base.execute(
                f"SELECT name, stamp, inputs, result FROM items WHERE {where}", (self._work, DONE, settings)
            )
            return {name: Done(*map(json.loads, known)) for name, *known in rows}

    def ask(
        self,
        stamps: Mapping[str, Any],
        settings: str,
        *,
        keep: Iterable[str] = (),
        weights: str | None = None,
    ) -> None:
        """Begin a run: all items are pending, except for those that are kept.

        Args:
            stamps: sizes and times of the input files by item, in the order of the run.
            settings: hash of everything besides the input that a result depends on.
            keep: items whose results of an earlier run are used.
            weights: SHA-256 of the file of the weights.
        """
        kept = set(keep)
        rows = [
            (self._work, name, place, PENDING, settings, weights, json.dumps(stamp))
            for place, (name, stamp) in enumerate(stamps.items())
            if name not in kept
        ]
        kept_rows = [
            (place, json.dumps(stamp), self._work, name)
            for place, (name, stamp) in enumerate(stamps.items())
            if name in kept
        ]
        columns = "work, name, place, state, settings, weights, stamp"
        with self._in_plain_words():
            self._base.execute("REPLACE INTO runs VALUES (?, ?)", (self._work, time.time()))
            self._base.execute("UPDATE items SET place = NULL WHERE work = ?", (self._work,))
            self._base.executemany(f"REPLACE INTO items ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._base.executemany(
                "UPDATE items SET place = ?, stamp = ? WHERE work = ? AND name = ?", kept_rows
            )
        self._write()

    def start(self, name: str) -> None:
        """Note that work on an item begins.

        A note that follows another one within a second is written with the next item that ends.
        """
        self._change(name, state=RUNNING, began=time.time())
        if time.monotonic() - self._written > _SECONDS:
            self._write()

    def finish(
        self, name: str, inputs: Sequence[str | None], result: Mapping[str, Any], worker: str | None = None
    ) -> None:
        """Note that an item is done, after its files are in place.

        Args:
            name: name of the item.
            inputs: SHA-256 of its input files.
            result: what to keep about it, as JSON has it.
            worker: process that did it.
        """
        known = {"inputs": json.dumps(inputs), "result": json.dumps(result), "worker": worker}
        self._change(name, state=DONE, ended=time.time(), **known)
        self._write()

    def fail(self, name: str, reason: str, worker: str | None = None) -> None:
        """Note that an item failed.

        Args:
            name: name of the item.
            reason: why it failed.
            worker: process that tried it.
        """
        self._change(name, state=FAILED, ended=time.time(), error=reason, worker=worker)
        self._write()

    def _change(self, name: str, **values: Any) -> None:
        columns = ", ".join(f"{column} = ?" for column in values)
        with self._in_plain_words():
            self._base.execute(
                f"UPDATE items SET {columns} WHERE work = ? AND name = ?",
                (*values.values(), self._work, name),
            )

    def _write(self) -> None:
        with self._in_plain_words():
            self._base.commit()
        self._written = time.monotonic()

    @contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OutputError(f"{self.path}: not written: {error}") from error
        except sqlite3.DatabaseError as error:
            raise FileExistsError(f"{self.path} exists, but is not a manifest; move it away") from error
