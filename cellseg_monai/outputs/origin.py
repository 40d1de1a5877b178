"""Where label maps come from: the weights and the bundle, named in their metadata and in ``run.json``."""

import functools
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

SOFTWARE = "cellseg-monai"
KEY = "cellseg_monai"
"""Key of the origin in the metadata of a file."""


class Origin(NamedTuple):
    """Origin of the results of an inference; ``cellseg_monai.runtime.origin_of`` makes one.

    Attributes:
        facts: name and version of the bundle, file name and SHA-256 of the weights.
        files: weights and configurations, by their list in ``run.json``.

    Example:
        >>> origin = Origin({"bundle": "cells", "weights": "model.pt"}, {})
        >>> origin.in_metadata()["bundle"]
        'cells'
    """

    facts: Mapping[str, str]
    files: Mapping[str, Sequence[Path]]

    def in_metadata(self) -> dict[str, str]:
        """Facts, and the version of this package if they do not name another one."""
        return {"software": software(), **self.facts}


def software() -> str:
    """Name and version of this package.

    Example:
        >>> software().split()[0]
        'cellseg-monai'
    """
    return f"{SOFTWARE} {version_of(SOFTWARE)}"


@functools.cache
def version_of(package: str) -> str:
    """Version of an installed package; looked up once, as that takes milliseconds.

    Example:
        >>> version_of("absent")
        'not installed'
    """
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def origin_metadata(origin: Origin | None) -> dict[str, Any]:
    """Entry for the metadata of a file, under the key ``cellseg_monai``; empty if the origin is not known.

    Example:
        >>> origin_metadata(None)
        {}
    """
    return {} if origin is None else {KEY: origin.in_metadata()}
