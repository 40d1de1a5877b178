"""Memory of an output folder: which files were written, by what work, from which input, and their hashes."""

import json
import logging
from pathlib import Path
from typing import Any, NamedTuple

from cellseg_monai.outputs.containment import StrPath
from cellseg_monai.outputs.lock import HIDDEN
from cellseg_monai.outputs.whole import in_plain_words, make_folder, write_text

logger = logging.getLogger(__name__)

JOURNAL = "written.jsonl"
"""File in the hidden folder, with one line when writing of a file begins and one when it is complete."""


class Entry(NamedTuple):
    """Entry of a file in the journal.

    Attributes:
        work: kind of work that wrote the file, such as ``"predict"``.
        source: input that the file was made from, if it was a single one.
        digest: SHA-256 of the content; None while the file is being written.

    Example:
        >>> Entry("predict", "/images/a.tif", None).work
        'predict'
    """

    work: str
    source: str | None
    digest: str | None


def written_in(folder: StrPath) -> dict[str, Entry]:
    """Entries of the journal of an output folder, by file name.

    Args:
        folder: output folder; one without a journal has no entries.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> append(folder, "cells.csv", Entry("measure", None, None))
        >>> {name: entry.work for name, entry in written_in(folder).items()}
        {'cells.csv': 'measure'}
    """
    path = Path(folder) / HIDDEN / JOURNAL
    entries = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            known: dict[str, Any] = json.loads(line)
            entries[str(known["file"])] = Entry(known["work"], known["source"], known["sha256"])
        except (ValueError, KeyError, TypeError):  # cut off by a crash during writing
            logger.debug("%s: skipped a line that cannot be read: %s", path, line)
    return entries


def append(folder: StrPath, name: str, entry: Entry) -> None:
    """Append an entry; only the process that holds the lock of the folder may write."""
    path = Path(folder) / HIDDEN / JOURNAL
    make_folder(path.parent)
    with in_plain_words(path), path.open("a", encoding="utf-8") as file:
        file.write(_line(name, entry))


def compact(folder: StrPath) -> None:
    """Rewrite the journal with one line per file, without lines that a crash cut off."""
    path = Path(folder) / HIDDEN / JOURNAL
    if path.is_file():
        write_text(path, "".join(_line(*item) for item in written_in(folder).items()))


def _line(name: str, entry: Entry) -> str:
    known = {"file": name, "work": entry.work, "source": entry.source, "sha256": entry.digest}
    return json.dumps(known, ensure_ascii=False) + "\n"
