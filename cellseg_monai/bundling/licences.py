"""Licence of a bundle, from its file ``LICENSE``."""

from pathlib import Path

_LICENCES = {"Apache License": "Apache-2.0", "MIT License": "MIT", "BSD 3-Clause": "BSD-3-Clause"}


def licence_of(bundle: Path) -> str | None:
    """SPDX identifier of the licence; None if the file is missing or its title is unknown.

    Example:
        >>> print(licence_of(Path("nowhere")))
        None
    """
    file = bundle / "LICENSE"
    head = file.read_text(encoding="utf-8", errors="replace")[:500] if file.is_file() else ""
    return next((identifier for title, identifier in _LICENCES.items() if title in head), None)
