"""Which licence a bundle is under, by its file ``LICENSE``."""

from pathlib import Path

_LICENCES = {"Apache License": "Apache-2.0", "MIT License": "MIT", "BSD 3-Clause": "BSD-3-Clause"}


def licence_of(bundle: Path) -> str | None:
    """Its identifier of SPDX; None if there is no such file, or its title is not known.

    Example:
        >>> print(licence_of(Path("nowhere")))
        None
    """
    file = bundle / "LICENSE"
    head = file.read_text(encoding="utf-8", errors="replace")[:500] if file.is_file() else ""
    return next((identifier for title, identifier in _LICENCES.items() if title in head), None)
