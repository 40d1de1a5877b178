"""What an audit found, where, and whether it is a reason to refuse."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum


class Severity(str, Enum):
    """How serious a finding is.

    Example:
        >>> [severity.value for severity in Severity]
        ['refused', 'warning', 'note']
    """

    REFUSED = "refused"
    """The file could run code, leave its folder, or cannot be judged."""
    WARNING = "warning"
    """Unusual, but nothing in the bundle runs it."""
    NOTE = "note"
    """Good to know."""


@dataclass(frozen=True)
class Finding:
    """One finding of an audit.

    Attributes:
        severity: how serious it is.
        file: file in the bundle.
        place: place in the file, such as the id of a configuration; empty for the whole file.
        what: name or text that was found.
        why: reason why it is reported.

    Example:
        >>> print(Finding(Severity.REFUSED, "a.json", "loss#_target_", "os.system", "not allowed"))
        refused: a.json:loss#_target_: os.system: not allowed
    """

    severity: Severity
    file: str
    place: str
    what: str
    why: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.place}" if self.place else self.file
        return f"{self.severity.value}: {_printable(where)}: {_printable(self.what)}: {self.why}"


@dataclass(frozen=True)
class Audit:
    """Result of an audit.

    Attributes:
        place: folder, zip or file that was audited.
        findings: all findings, the refused ones first.
        files: number of files.

    Example:
        >>> audit = Audit("cells.zip", [], 12)
        >>> print(audit)
        cells.zip: 12 files, nothing refused
        >>> audit.failed
        False
    """

    place: str
    findings: Sequence[Finding]
    files: int

    @property
    def refused(self) -> list[Finding]:
        """Findings because of which the bundle must not be used."""
        return [finding for finding in self.findings if finding.severity is Severity.REFUSED]

    @property
    def failed(self) -> bool:
        """Whether anything is refused."""
        return bool(self.refused)

    def as_json(self) -> str:
        """Return the result as JSON text.

        Example:
            >>> Audit("cells.zip", [], 12).as_json()
            '{"place": "cells.zip", "failed": false, "files": 12, "findings": []}'
        """
        content = {"place": self.place, "failed": self.failed, "files": self.files}
        return json.dumps(content | {"findings": [asdict(finding) for finding in self.findings]})

    def __str__(self) -> str:
        count = len(self.refused)
        result = f"{count} finding{'' if count == 1 else 's'} refused" if count else "nothing refused"
        lines = [f"{self.place}: {self.files} files, {result}"]
        return "\n".join(lines + [f"  {finding}" for finding in self.findings])


def ordered(place: str, findings: Sequence[Finding], files: int) -> Audit:
    """Return an audit with each finding once, the most serious first."""
    rank = list(Severity)
    once = sorted(dict.fromkeys(findings), key=lambda finding: rank.index(finding.severity))
    return Audit(place, once, files)


def _printable(text: str, longest: int = 160) -> str:
    """Text without control characters, which could move the cursor of a terminal."""
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    return shown if len(shown) <= longest else f"{shown[:longest]} …"
