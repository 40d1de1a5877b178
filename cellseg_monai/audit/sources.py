"""Files of a bundle in a folder or a zip, read in place: nothing is unpacked, and no link is followed."""

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO

from cellseg_monai.audit.finding import Finding, Severity
from cellseg_monai.audit.names import judge_names

MOST_FILES = 100_000
MOST_BYTES = 8 * 1024**3
MOST_RATIO = 200
_SMALL = 1024**2

_ROOT_OF = "configs/"
_DATA = "data"


@dataclass(frozen=True)
class Entry:
    """File of a bundle.

    Attributes:
        name: path in the bundle.
        size: number of bytes.
        open: function that opens it for reading.
    """

    name: str
    size: int
    open: Callable[[], IO[bytes]]

    def read(self, most: int) -> bytes:
        """Read the file, up to a number of bytes."""
        with self.open() as file:
            return file.read(most)


@dataclass
class Source:
    """Files of a bundle, and what is wrong with their names and kinds.

    Attributes:
        entries: regular files by name.
        findings: findings about names, links and sizes.
        packed: whether the files are in a zip, so that nobody has trained or calibrated in it.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    packed: bool = False

    def refuse(self, name: str, what: str, why: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(Severity.REFUSED, name, "", what, why))


def read_folder(folder: Path) -> Source:
    """List the files of a folder without following links.

    Its names do no harm any more, as nothing is unpacked, but other systems may not have such files.
    """
    source = Source()
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            if path.resolve().is_relative_to(folder.resolve()):
                source.findings.append(Finding(Severity.NOTE, name, "", os.readlink(path), "a link"))
            elif name == _DATA:
                why = "a link to data, which are not judged"
                source.findings.append(Finding(Severity.WARNING, name, "", os.readlink(path), why))
            else:
                source.refuse(name, os.readlink(path), "a link that leads out of the bundle")
        elif stat.S_ISREG(status.st_mode):
            source.entries[name] = Entry(name, status.st_size, lambda path=path: path.open("rb"))  # type: ignore[misc]
        elif not stat.S_ISDIR(status.st_mode):
            source.refuse(name, "special file", "neither a file nor a folder")
    source.findings += [replace(fault, severity=Severity.WARNING) for fault in judge_names(source.entries)]
    return source


def read_zip(archive: zipfile.ZipFile) -> Source:
    """List the files of a zip, by their names below the folder that contains ``configs/``."""
    source, infos = Source(packed=True), archive.infolist()
    named = [info.orig_filename for info in infos]
    source.findings += judge_names(dict.fromkeys(named))
    for name in sorted({name for name in named if named.count(name) > 1} if len(named) <= MOST_FILES else ()):
        source.refuse(name, name, "two entries have this name, and programs differ in which one they take")
    for info in infos:
        _judge_entry(info, source)
    _judge_sizes(infos, source)
    if source.findings:  # such a zip is refused anyway, and reading it could be what it is made for
        return source
    root = _root(named)
    for info in infos:
        if not info.is_dir():
            name = info.filename.removeprefix(root)
            if root and name == info.filename:
                why = f"outside of the folder {root.rstrip('/')!r} of the bundle"
                name = f"../{name}"  # two entries must not share a name here
                source.findings.append(Finding(Severity.WARNING, name, "", name, why))
            entry = Entry(name, info.file_size, lambda info=info: archive.open(info))  # type: ignore[misc]
            source.entries[name] = entry
    return source


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        for name in sorted([*folders, *files]):
            yield Path(parent) / name


def _judge_entry(info: zipfile.ZipInfo, source: Source) -> None:
    name, kind = info.orig_filename, stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        source.refuse(name, "link", "a link in a zip can lead out of the bundle")
    elif kind and kind not in (stat.S_IFREG, stat.S_IFDIR):
        source.refuse(name, "special file", "neither a file nor a folder")
    if info.flag_bits & 0x1:
        source.refuse(name, "encrypted", "it cannot be judged")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        source.refuse(name, f"compression {info.compress_type}", "only stored and deflated entries are read")
    if info.file_size > _SMALL and info.file_size > MOST_RATIO * max(info.compress_size, 1):
        source.refuse(name, f"{info.file_size} bytes", f"unpacks to more than {MOST_RATIO} times its size")


def _judge_sizes(infos: list[zipfile.ZipInfo], source: Source) -> None:
    if len(infos) > MOST_FILES:
        source.refuse("", f"{len(infos)} files", f"more than {MOST_FILES} files")
    if (total := sum(info.file_size for info in infos)) > MOST_BYTES:
        source.refuse("", f"{total} bytes", f"unpacks to more than {MOST_BYTES} bytes")
    ends = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < ends:
            source.refuse(
                info.orig_filename, "overlapping entries", "entries share their bytes, as in a zip bomb"
            )
            break
        ends = info.header_offset + info.compress_size


def _root(names: list[str]) -> str:
    """Folder of the bundle in the zip, with a slash at its end; empty if it is the zip itself."""
    found = [name.partition(_ROOT_OF)[0] for name in names if f"/{_ROOT_OF}" in f"/{name}"]
    roots = sorted({root for root in found if not root or root.endswith("/")}, key=len)
    return roots[0] if roots and len(PurePosixPath(roots[0]).parts) <= 1 else ""
