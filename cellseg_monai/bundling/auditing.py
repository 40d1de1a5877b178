"""Audit of a bundle from a stranger: its files, and its metadata against the schema."""

import json
from collections.abc import Sequence

from jsonschema import Draft7Validator

from cellseg_monai.audit import (
    Audit,
    Finding,
    Policy,
    Severity,
    Signed,
    audit_files,
    read_key,
    verify_files,
)
from cellseg_monai.audit.finding import ordered
from cellseg_monai.audit.texts import MOST_BYTES, NotPlain, read_plain
from cellseg_monai.audit.whole import opened
from cellseg_monai.bundling.check.metadata import SCHEMA
from cellseg_monai.outputs import StrPath
from cellseg_monai.runtime.finding import METADATA
from cellseg_monai.runtime.trust import POLICY, site_policy


def audit_bundle(place: StrPath, policy: Policy | None = None) -> Audit:
    r"""Judge a bundle without importing, unpickling or evaluating anything of it.

    Args:
        place: folder or zip of a bundle, or a file of weights.
        policy: names that are allowed; by default those of the package, and those of the file that the
            environment variable ``CELLSEG_POLICY`` names.

    Returns:
        Findings with their severity. Metadata that does not match the schema is a warning.

    Raises:
        FileNotFoundError: there is no such folder or file.

    Example:
        >>> from tempfile import mkdtemp
        >>> from pathlib import Path
        >>> folder = Path(mkdtemp()) / "cells"
        >>> (folder / "configs").mkdir(parents=True)
        >>> _ = (folder / "configs/inference.json").write_text('{"run": "$open(1).read()"}')
        >>> print(audit_bundle(folder))
        /.../cells: 1 files, 2 findings refused
          refused: configs/inference.json:run: read: this attribute is not on the list
          refused: configs/inference.json:run: open: this name is not on the list
          warning: configs/metadata.json: missing: a bundle must have metadata
    """
    audit = audit_files(place, site_policy() if policy is None else policy)
    if str(place).lower().endswith(".pt"):
        return audit
    return ordered(audit.place, [*audit.findings, *_metadata(place)], audit.files)


def verify_bundle(place: StrPath, keys: Sequence[StrPath] | None = None) -> Signed:
    """Check that a bundle is as somebody whose key you trust has signed it.

    Args:
        place: folder or zip of the bundle.
        keys: files of public keys; by default those of the file that ``CELLSEG_POLICY`` names.

    Returns:
        Whose key it is, and its fingerprint.

    Raises:
        NotSigned: the bundle is not signed by one of the keys, or has other files than were signed.
        ValueError: no key is given, or a file is not a public Ed25519 key.

    Example:
        >>> verify_bundle("received/cells.zip", keys=[])
        Traceback (most recent call last):
        ...
        ValueError: no key is given; name one with --key, or list keys in the file that CELLSEG_POLICY names
    """
    known = site_policy().keys if keys is None else map(read_key, keys)
    if not (trusted := sorted(known)):
        raise ValueError(
            f"no key is given; name one with --key, or list keys in the file that {POLICY} names"
        )
    return verify_files(place, trusted)


def _metadata(place: StrPath) -> list[Finding]:
    name = METADATA.as_posix()
    with opened(place) as source:
        if name not in source.entries:
            return [Finding(Severity.WARNING, name, "", "missing", "a bundle must have metadata")]
        try:
            content = read_plain(source.entries[name].read(MOST_BYTES), name)
        except NotPlain:  # told already
            return []
    validator = Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return [
        Finding(
            Severity.WARNING, name, "#".join(map(str, fault.path)), fault.message[:200], "not in the schema"
        )
        for fault in validator.iter_errors(content)
    ]
