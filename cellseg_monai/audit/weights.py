"""Weights and other binary files, told by their first bytes and not by their names."""

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import PurePosixPath
from tokenize import TokenError
from typing import IO

from numpy.lib import format as npy

from cellseg_monai.audit.expressions import Fault
from cellseg_monai.audit.finding import Severity
from cellseg_monai.audit.pickles import LONGEST, judge_pickle
from cellseg_monai.audit.policy import Policy
from cellseg_monai.audit.sources import Entry

PROGRAMS = frozenset(
    ".py .pyc .pyo .pyw .pyd .so .dll .dylib .exe .com .scr .sh .bash .zsh .bat .cmd .ps1 .vbs .jar .whl "
    ".egg .pyz .desktop .lnk .app .msi"
    .split()
)  # fmt: skip
PAGES = frozenset((".htm", ".html", ".js", ".ipynb"))
WEIGHTS = frozenset(".pt .pth .ckpt .pkl .pickle .bin .joblib .p .model".split())
SNIFFED = 16

_PROGRAM_BYTES = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"#!")
_ARCHIVES = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd")
_MOST_PARTS = 100_000
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)

Judged = tuple[Severity, Fault]


def judge_binary(entry: Entry, policy: Policy) -> Iterator[Judged]:
    """Judge a file that is no text of a configuration.

    Args:
        entry: file of the bundle.
        policy: names that are allowed.
    """
    ending, begin = PurePosixPath(entry.name).suffix.lower(), entry.read(SNIFFED)
    if ending in PROGRAMS or any(begin.startswith(magic) for magic in _PROGRAM_BYTES):
        yield Severity.REFUSED, Fault(ending or "program", "a program, which Python or a user could start")
    elif ending in PAGES:
        yield Severity.WARNING, Fault(ending, "a page or notebook, which can contain a program")
    elif zipfile_like(begin):
        yield from _archive(entry, ending, policy)
    elif begin.startswith(npy.MAGIC_PREFIX):
        with entry.open() as file:
            yield from _array(file)
    elif ending == ".safetensors":
        yield from _safetensors(entry)
    elif ending in WEIGHTS or _begins_pickle(begin):
        yield from _pickle(entry, policy)
    elif any(begin.startswith(magic) for magic in _ARCHIVES):
        yield Severity.WARNING, Fault("archive", "its content is not judged")


def zipfile_like(begin: bytes) -> bool:
    """Whether a file begins as a zip does, such as one of ``torch.save``."""
    return begin.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def _begins_pickle(begin: bytes) -> bool:
    return begin[:1] == b"\x80" and begin[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")


def _pickle(entry: Entry, policy: Policy) -> Iterator[Judged]:
    if entry.size > LONGEST:
        yield Severity.REFUSED, Fault(f"{entry.size} bytes", "a pickle that is too long to judge")
        return
    if entry.size:
        for fault in judge_pickle(entry.read(LONGEST), policy):
            yield Severity.REFUSED, fault


def _archive(entry: Entry, ending: str, policy: Policy) -> Iterator[Judged]:
    """Judge a zip: weights of ``torch.save``, a TorchScript program, arrays of NumPy, or another archive."""
    try:
        with entry.open() as file, zipfile.ZipFile(file) as archive:
            yield from _parts(archive, ending, policy)
    except _DAMAGES as error:
        yield Severity.REFUSED, Fault(type(error).__name__, "the archive is damaged, and cannot be judged")


def _parts(archive: zipfile.ZipFile, ending: str, policy: Policy) -> Iterator[Judged]:
    infos = archive.infolist()
    names = [info.orig_filename for info in infos]
    if len(names) > _MOST_PARTS or len({name.casefold() for name in names}) < len(names):
        yield Severity.REFUSED, Fault(f"{len(names)} parts", "two parts have one name, or there are too many")
        return
    program = any("/code/" in f"/{name}" or PurePosixPath(name).suffix == ".py" for name in names)
    if program and ending == ".ts":
        yield Severity.WARNING, Fault("TorchScript", "a program; nothing of this package runs it")
        return
    if program:
        yield Severity.REFUSED, Fault("code/", "a TorchScript program where weights are expected")
    known = ending in WEIGHTS or any(PurePosixPath(name).suffix in (".pkl", ".npy") for name in names)
    if not known:
        yield Severity.WARNING, Fault("archive", "its content is not judged")
    for info in infos:
        suffix = PurePosixPath(info.filename).suffix
        if suffix == ".npy":
            with archive.open(info) as file:
                yield from _array(file)
        elif suffix in (".pkl", ".pickle") or _is_pickled(archive, info):
            part = Entry(info.filename, info.file_size, lambda info=info: archive.open(info))  # type: ignore[misc]
            for severity, fault in _pickle(part, policy):
                yield severity, Fault(f"{info.filename}: {fault.what}", fault.why)


def _is_pickled(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    """Whether a part outside ``data/``, which holds the numbers of the tensors, begins as a pickle does."""
    if "/data/" in f"/{info.filename}" or info.filename.endswith("/"):
        return False
    with archive.open(info) as file:
        return _begins_pickle(file.read(2))


def _array(file: IO[bytes]) -> Iterator[Judged]:
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        kind = read(file)[2]
    except (ValueError, OSError, EOFError, SyntaxError, TypeError, TokenError) as error:
        yield Severity.REFUSED, Fault(type(error).__name__, "the array is damaged, and cannot be judged")
        return
    if kind.hasobject:
        yield Severity.REFUSED, Fault(f"dtype {kind}", "an array of objects is a pickle")


def _safetensors(entry: Entry) -> Iterator[Judged]:
    begin = entry.read(8)
    length = struct.unpack("<Q", begin)[0] if len(begin) == 8 else entry.size
    try:
        if length > min(entry.size, LONGEST) - 8:
            raise ValueError("the header is longer than the file")
        json.loads(entry.read(8 + length)[8:].decode("utf-8"))
    except (ValueError, RecursionError) as error:
        yield Severity.REFUSED, Fault(str(error).splitlines()[0], "the file is damaged, and cannot be judged")
