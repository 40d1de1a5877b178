"""Names of files in a zip or a folder: none may leave the folder, or collide on another system."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from cellseg_monai.audit.finding import Finding, Severity

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')


def judge_names(names: Iterable[str]) -> Iterator[Finding]:
    """Judge the names of all files of a bundle.

    Args:
        names: names with ``/`` between folders.

    Example:
        >>> [finding.why for finding in judge_names(["configs/a.json", "../../etc/passwd"])]
        ['the name leads out of the bundle']
    """
    seen: dict[str, str] = {}
    for name in names:
        if (why := _fault(name)) is not None:
            yield Finding(Severity.REFUSED, name, "", name, why)
        path = PurePosixPath(name.rstrip("/"))
        for part in (path, *path.parents):
            other = seen.setdefault(_folded(str(part)), str(part))
            if other != str(part):
                why = f"the name is the same as {other!r} on systems that ignore case or accents' spelling"
                yield Finding(Severity.REFUSED, name, "", str(part), why)
                break


def _fault(name: str) -> str | None:
    parts = name.rstrip("/").split("/")
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        return "the name is absolute"
    if ".." in parts or ".." in name.replace("\\", "/").split("/"):
        return "the name leads out of the bundle"
    if not name or any(part in ("", ".") for part in parts):
        return "the name has an empty part"
    if _FORBIDDEN.search(name):
        return "the name has a character that is not allowed on all systems"
    if any(unicodedata.category(letter) in ("Cf", "Cs", "Co", "Cn") for letter in name):
        return "the name has an invisible character"
    if any(part.endswith((".", " ")) or part.startswith(" ") for part in parts):
        return "the name begins or ends with a space or ends with a dot, which Windows removes"
    if any(_RESERVED.fullmatch(part) for part in parts):
        return "the name is reserved on Windows"
    return None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
