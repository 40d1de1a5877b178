"""Ed25519 keys as ``ssh-keygen`` and OpenSSL write them, and what is signed with them."""

import base64
import getpass
import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from cellseg_monai.outputs import StrPath

_SSH = "ssh-ed25519"
_MAKE = "make one with: ssh-keygen -t ed25519 -f FILE"


class Key(NamedTuple):
    """A public key.

    Attributes:
        name: file or comment of the key.
        text: content as OpenSSH or OpenSSL write it.

    Example:
        >>> Key("lab", "ssh-ed25519 AAAA lab@site").name
        'lab'
    """

    name: str
    text: str


def read_key(given: StrPath, folder: StrPath = "") -> Key:
    """Read a public key.

    Args:
        given: file as ``ssh-keygen`` or OpenSSL write it, or the line of such a file.
        folder: folder that the path is relative to.

    Raises:
        FileNotFoundError: there is no such file.

    Example:
        >>> read_key("ssh-ed25519 AAAA lab@site").name
        'lab@site'
    """
    if str(given).startswith(f"{_SSH} "):
        return Key(str(given).split(maxsplit=2)[-1], str(given))
    file = Path(folder) / given
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no such key; {_MAKE}, and give FILE.pub")
    return Key(file.name, file.read_text(encoding="utf-8", errors="replace"))


def sign(content: bytes, key_file: StrPath) -> bytes:
    """Sign bytes; the passphrase of a protected key is asked for.

    Args:
        content: bytes to sign.
        key_file: private key as ``ssh-keygen`` or OpenSSL write it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a private Ed25519 key, or the passphrase is wrong.
        RuntimeError: ``cryptography`` is not installed.
    """
    formats, kinds = _cryptography()
    file = Path(key_file)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no such key; {_MAKE}")
    data = file.read_bytes()
    load = formats.load_ssh_private_key if b"OPENSSH" in data else formats.load_pem_private_key
    try:
        try:
            key = load(data, None)
        except TypeError:  # it has a passphrase
            key = load(data, getpass.getpass(f"passphrase of {file}: ").encode())
    except ValueError as error:
        raise ValueError(f"{file}: not a private key, or the passphrase is wrong ({error})") from error
    if not isinstance(key, kinds.Ed25519PrivateKey):
        raise ValueError(f"{file}: not an Ed25519 key; {_MAKE}")
    signature: bytes = key.sign(content)
    return signature


def is_signature(signature: bytes, content: bytes, key: Key) -> bool:
    """Whether the owner of a key has signed these bytes.

    Raises:
        ValueError: the key is not a public Ed25519 key.
        RuntimeError: ``cryptography`` is not installed.
    """
    public = _public(key)
    from cryptography.exceptions import InvalidSignature

    try:
        public.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def fingerprint(key: Key) -> str:
    """Fingerprint of a key, as ``ssh-keygen -l`` prints it."""
    formats, _ = _cryptography()
    line = _public(key).public_bytes(formats.Encoding.OpenSSH, formats.PublicFormat.OpenSSH)
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _public(key: Key) -> Any:
    formats, kinds = _cryptography()
    data = key.text.strip().encode()
    ssh = data.startswith(_SSH.encode())
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        public = (formats.load_ssh_public_key if ssh else formats.load_pem_public_key)(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{key.name}: not a public key; give the file that ends with .pub") from error
    if not isinstance(public, kinds.Ed25519PublicKey):
        raise ValueError(f"{key.name}: not an Ed25519 key; {_MAKE}")
    return public


def _cryptography() -> tuple[Any, Any]:
    """Formats and kinds of keys of ``cryptography``, an optional dependency that only signatures need."""
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise RuntimeError("signatures need cryptography: pip install 'cellseg-monai[sign]'") from error
    return serialization, ed25519
