"""Who packed a bundle: an Ed25519 signature over the manifest, which has the hash of every other file.

The signature is the 64 bytes of RFC 8032, so OpenSSL checks it as well, with a key that OpenSSL wrote::

    openssl pkeyutl -verify -pubin -inkey lab.pem -rawin -in MANIFEST.sha256 -sigfile MANIFEST.sha256.sig
"""

from collections.abc import Iterable
from typing import NamedTuple

from cellseg_monai.audit.keys import Key, fingerprint, is_signature
from cellseg_monai.audit.manifest import MANIFEST, SIGNATURE, judge_manifest
from cellseg_monai.audit.sources import MOST_BYTES, Source
from cellseg_monai.audit.whole import opened
from cellseg_monai.outputs import StrPath


class NotSigned(ValueError):
    """A bundle that is not as somebody with a trusted key has signed it.

    Example:
        >>> raise NotSigned("bundle.zip: it has no signature")
        Traceback (most recent call last):
        ...
        cellseg_monai.audit.signature.NotSigned: bundle.zip: it has no signature
    """


class Signed(NamedTuple):
    """A bundle whose signature is valid.

    Attributes:
        place: folder or zip.
        files: number of files that are signed.
        signer: name of the key.
        fingerprint: fingerprint of the key, as ``ssh-keygen -l`` prints it.

    Example:
        >>> print(Signed("cells.zip", 14, "lab.pub", "SHA256:abc"))
        cells.zip: 14 files as signed by lab.pub (SHA256:abc)
    """

    place: str
    files: int
    signer: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.place}: {self.files} files as signed by {self.signer} ({self.fingerprint})"


def verify_files(place: StrPath, keys: Iterable[Key]) -> Signed:
    """Check that all files of a bundle are those that the owner of one of the keys has signed.

    Args:
        place: folder or zip of the bundle.
        keys: trusted keys.

    Raises:
        NotSigned: there is no signature, none of the keys made it, a file is not as signed, or a file is not
            among those that are signed.
        FileNotFoundError: there is no such bundle.
        RuntimeError: ``cryptography`` is not installed.

    Example:
        >>> verify_files("nowhere", [])
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere: there is no such bundle; give a folder, a zip or a file of weights
    """
    with opened(place) as source:
        for finding in source.findings:
            if source.packed or finding.file not in source.entries:  # in a folder, these are links
                raise NotSigned(f"{place}: {finding.file}: {finding.why}")
        for name in (MANIFEST, SIGNATURE):
            if name not in source.entries:
                raise NotSigned(f"{place}: not signed, as it has no {name}; ask its author for a signed zip")
        signer = _signer(place, source, list(keys))
        for name, _, _ in judge_manifest(source.entries, packed=source.packed):
            raise NotSigned(f"{place}: {name}: not as it was signed; unpack the signed zip again")
        files = len(source.entries) - 2
    return Signed(str(place), files, signer.name, fingerprint(signer))


def _signer(place: StrPath, source: Source, keys: list[Key]) -> Key:
    content = source.entries[MANIFEST].read(MOST_BYTES)
    signature = source.entries[SIGNATURE].read(65)
    for key in keys:
        if is_signature(signature, content, key):
            return key
    known = ", ".join(key.name for key in keys) or "none"
    raise NotSigned(f"{place}: not signed by a key that you trust ({known}), or changed since it was signed")
