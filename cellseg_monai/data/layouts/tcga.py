"""Names of The Cancer Genome Atlas, whose slides several sets are cut from."""

import re

_BARCODE = re.compile(r"(TCGA-[0-9A-Z]{2}-[0-9A-Z]{4})(?![0-9A-Z])")


def patient(name: str) -> str | None:
    """Read the patient from a file name that holds a TCGA barcode.

    Example:
        >>> patient("TCGA-A7-A13E-01Z-00-DX1")
        'TCGA-A7-A13E'
    """
    match = _BARCODE.search(name)
    return match[1] if match else None
