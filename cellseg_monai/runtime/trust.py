"""Bundles of the package are trusted; others are audited before anything of them is parsed or called.

The audit is imported when it is needed: a bundle that MONAI runs needs the rest of this folder alone.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellseg_monai.audit import Audit, Policy
    from cellseg_monai.outputs import StrPath

logger = logging.getLogger(__name__)

POLICY = "CELLSEG_POLICY"
"""Environment variable with the file of a site's policy."""

_PACKAGE = Path(__file__).resolve().parents[1]
_SHIPPED = (_PACKAGE / "_bundles", _PACKAGE.parent / "bundles")

_passed = set[tuple[object, ...]]()
"""What passed an audit in this process, so that a series of predictions takes no longer."""


class Untrusted(ValueError):
    """A bundle or weights that an audit refuses."""


def site_policy() -> Policy:
    """Return the names that the package allows, and those of the file that ``CELLSEG_POLICY`` names."""
    from cellseg_monai.audit import allowed, read_policy

    file = os.environ.get(POLICY)
    return read_policy(file) if file else allowed()


def is_shipped(bundle: StrPath) -> bool:
    """Whether a folder is a bundle of the package.

    Example:
        >>> is_shipped("/tmp/cells")
        False
    """
    return Path(bundle).resolve().parent in _SHIPPED


def require_trust(place: StrPath, trust: bool = False) -> None:
    """Raise if a bundle, or a file of weights, could run code, leave its folder, or lacks a signature.

    Args:
        place: folder or zip of a bundle, or a file of weights.
        trust: whether to use it without an audit; a signature is asked for all the same.

    Raises:
        Untrusted: the audit refuses it, or the policy allows signed bundles only.
        FileNotFoundError: it does not exist.

    Example:
        >>> from tempfile import mkdtemp
        >>> file = Path(mkdtemp()) / "train.json"
        >>> _ = file.write_text('{"_target_": "os.system", "command": "ls"}')
        >>> require_trust(file.parent)
        Traceback (most recent call last):
        ...
        cellseg_monai.runtime.trust.Untrusted: ...: refused: train.json:_target_: os.system: this target is
        not on the list; see all: cellseg bundle audit ...; if you trust its author, add --trust, or allow the
        names by CELLSEG_POLICY
    """
    if is_shipped(place):
        return
    policy = site_policy()
    if trust and not policy.signed_only:
        logger.warning("%s is used without an audit, as you trust its author", place)
        return
    state = (policy, trust, *_state(Path(place)))
    if state not in _passed:
        _judge(place, policy, trust)
        _passed.add(state)


def _judge(place: StrPath, policy: Policy, trust: bool) -> None:
    from cellseg_monai.audit import NotSigned, audit_files, verify_files

    if policy.signed_only:
        try:
            logger.info("%s", verify_files(place, sorted(policy.keys)))
        except NotSigned as fault:
            raise Untrusted(f"{fault}; {os.environ.get(POLICY)} allows signed bundles only") from fault
    if trust:
        logger.warning("%s is used without an audit, as you trust its author", place)
        return
    audit = audit_files(place, policy)
    if audit.failed:
        raise Untrusted(in_one_line(audit))


def _state(place: Path) -> list[tuple[str, int, int, int]]:
    """Names, sizes and times of all files of a bundle, or of weights and the settings beside them.

    The system sets the time of the last change of a file; a program cannot choose it.
    """
    beside = [place.with_suffix(ending) for ending in (".json", ".decoding.json")]
    files = sorted(place.rglob("*")) if place.is_dir() else [file for file in beside if file.exists()]
    states = ((str(file), file.lstat()) for file in [place.resolve(), *files])
    return [(name, state.st_size, state.st_mtime_ns, state.st_ctime_ns) for name, state in states]


def in_one_line(audit: Audit) -> str:
    """First reason of a refusal, and how to see the others."""
    more = f" (and {len(audit.refused) - 1} more)" if len(audit.refused) > 1 else ""
    remedy = f"see all: cellseg bundle audit {audit.place}; if you trust its author, add --trust"
    return f"{audit.place}: {audit.refused[0]}{more}; {remedy}, or allow the names by {POLICY}"
