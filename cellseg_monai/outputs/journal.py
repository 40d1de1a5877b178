"""What an output folder remembers: which files a run wrote, from what, and their hashes."""

import json
import logging
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from cellseg_monai.outputs.lock import HIDDEN
from cellseg_monai.outputs.whole import in_plain_words, make_folder, write_text

logger = logging.getLogger(__name__)

JOURNAL = "written.jsonl"
"""In the hidden folder: a line for each file that is about to be written, and one when it is complete."""


class Entry(NamedTuple):
    """What the journal says of a file.

    Attributes:
        work: kind of work that wrote it, such as ``"predict"``.
        source: input that it was made from, if it was made from a single one.
        digest: SHA-256 of the content; None while it is being written.

    Example:
        >>> Entry("predict", "/images/a.tif", None).work
        'predict'
    """

    work: str
    source: str | None
    digest: str | None


def written_in(folder: str | PathLike[str]) -> dict[str, Entry]:
    """What the journal of an output folder says, by the names of the files.

    Args:
        folder: the folder; one without a journal gives nothing.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> Journal(folder).add("cells.csv", Entry("measure", None, None))
        >>> {name: entry.work for name, entry in written_in(folder).items()}
        {'cells.csv': 'measure'}
    """
    path = Path(folder) / HIDDEN / JOURNAL
    return _entries(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else {}


def _entries(lines: Iterable[str]) -> dict[str, Entry]:
    entries = {}
    for line in lines:
        try:
            known: dict[str, Any] = json.loads(line)
            entries[str(known["file"])] = Entry(known["work"], known["source"], known["sha256"])
        except (ValueError, KeyError, TypeError):  # cut by a crash while it was appended
            logger.debug("a line of a journal cannot be read: %s", line)
    return entries


class Journal:
    """The last entry of each file of an output folder.

    Only a process that holds the lock of the folder may add to it.

    Args:
        folder: the output folder.

    Attributes:
        entries: by the names of the files.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> Journal(folder).add("cells.csv", Entry("measure", None, None))
        >>> list(Journal(folder).entries)
        ['cells.csv']
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._path = Path(folder) / HIDDEN / JOURNAL
        self.entries = written_in(folder)

    def compact(self) -> None:
        """Write the file without lines that later ones replace, and without one that a crash has cut."""
        if self._path.is_file():
            write_text(self._path, "".join(_line(*item) for item in self.entries.items()))

    def add(self, name: str, entry: Entry) -> None:
        """Append an entry."""
        self.entries[name] = entry
        make_folder(self._path.parent)
        with in_plain_words(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(_line(name, entry))


def _line(name: str, entry: Entry) -> str:
    known = {"file": name, "work": entry.work, "source": entry.source, "sha256": entry.digest}
    return json.dumps(known, ensure_ascii=False) + "\n"
