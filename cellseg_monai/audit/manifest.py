"""Hashes that a bundle states of its files, compared with the files."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from cellseg_monai.audit.expressions import Fault
from cellseg_monai.audit.finding import Severity
from cellseg_monai.audit.sources import Entry

MANIFEST = "MANIFEST.sha256"
"""File with the hashes, as ``sha256sum --check`` reads them."""

SIGNATURE = "MANIFEST.sha256.sig"
"""File with the signature of the manifest."""

_CHUNK = 1 << 20
_KINDS = ("sha512", "sha256", "sha1", "md5")
_WEAK = ("sha1", "md5")

Judged = tuple[str, Severity, Fault]


def judge_manifest(entries: Mapping[str, Entry], *, packed: bool) -> Iterator[Judged]:
    """Compare the files with the manifest, if there is one.

    Args:
        entries: files by name.
        packed: whether they are in a zip, which nobody changes by training or calibrating.

    Yields:
        File, severity and fault.
    """
    if MANIFEST not in entries:
        return
    severity = Severity.REFUSED if packed else Severity.WARNING
    stated: dict[str, str] = {}
    for line in entries[MANIFEST].read(64 * _CHUNK).decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name or name in stated:
            yield MANIFEST, Severity.REFUSED, Fault(line, "not a line with a SHA-256 and a name of its own")
        stated[name] = digest.lower()
    for name, digest in stated.items():
        if name not in entries:
            yield name, severity, Fault(name, f"{MANIFEST} lists it, but it is missing")
        elif (own := _hash(entries[name], "sha256")) != digest:
            why = f"{MANIFEST} lists another file; if you changed it yourself, delete {MANIFEST}"
            yield name, severity, Fault(f"SHA-256 {own}", why)
    for name in sorted(entries.keys() - stated.keys() - {MANIFEST, SIGNATURE}):
        yield name, Severity.WARNING, Fault(name, f"{MANIFEST} does not list it")


def judge_large_files(
    content: Any, entries: Mapping[str, Entry], *, packed: bool
) -> Iterator[tuple[Severity, Fault]]:
    """Judge the files that a bundle downloads, and compare those that are already here."""
    changed = Severity.REFUSED if packed else Severity.WARNING
    listed = content.get("large_files") if isinstance(content, Mapping) else None
    for entry in listed if isinstance(listed, list) else []:
        if not isinstance(entry, Mapping):
            yield Severity.REFUSED, Fault(str(entry), "an entry must have path, url, hash_val and hash_type")
            continue
        path, url = str(entry.get("path", "")), str(entry.get("url", ""))
        digest, kind = str(entry.get("hash_val") or ""), str(entry.get("hash_type") or "md5").lower()
        parts = PurePosixPath(path.replace("\\", "/"))
        if not path or parts.is_absolute() or ".." in parts.parts or ":" in path:
            yield Severity.REFUSED, Fault(path, "the download would be written outside of the bundle")
        if not url.startswith("https://"):
            yield Severity.WARNING, Fault(url, "the download is not encrypted")
        if not digest or kind in _WEAK:
            yield Severity.WARNING, Fault(path, "the download has no hash, or one that can be forged")
        if digest and path in entries and kind in _KINDS and _hash(entries[path], kind) != digest:
            yield changed, Fault(path, "the file has another hash than the list states")


def _hash(entry: Entry, kind: str) -> str:
    total = hashlib.new(kind, usedforsecurity=False)
    with entry.open() as file:
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()
