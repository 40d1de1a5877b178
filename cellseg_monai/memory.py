"""How much memory an image may take, and the refusal of larger ones before anything is decoded.

A file of a megabyte can hold an image of gigabytes, and a damaged header can claim any size. Everything that
is read here becomes numbers of at least 32 bits, and working on them takes several copies.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from math import prod
from pathlib import Path

MEMORY = "CELLSEG_MEMORY"
"""Environment variable with the gigabytes to count on; by default those of the machine or container."""

IN_PARTS = "save it as a tiled TIFF or as OME-Zarr, of which cellseg predict reads parts"
"""Remedy for files that can be read only as a whole."""

WHOLE = "cellseg predict segments it in parts; for other work cut it into smaller images"
"""Remedy for files that can be read in parts."""

_SHARE = 8
_GIGA = 10**9
_UNKNOWN = 16 * _GIGA  # where the system does not tell its memory
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class TooLarge(ValueError):
    """An image takes more memory than it may.

    Example:
        >>> raise TooLarge("a.tif: 30,000 × 30,000 pixels take 3.6 GB")
        Traceback (most recent call last):
        ...
        cellseg_monai.memory.TooLarge: a.tif: 30,000 × 30,000 pixels take 3.6 GB
    """


def usable(environment: Mapping[str, str] = os.environ) -> int:
    """Return the bytes of memory of the machine, or of the container that is allowed less.

    Args:
        environment: variables of the environment.

    Raises:
        ValueError: the variable ``CELLSEG_MEMORY`` is not a number of gigabytes.

    Example:
        >>> usable({"CELLSEG_MEMORY": "0.5"})
        500000000
    """
    if given := environment.get(MEMORY):
        try:
            gigabytes = float(given)
        except ValueError:
            gigabytes = 0.0
        if not 0 < gigabytes < float("inf"):
            raise ValueError(f"{MEMORY} must be a number of gigabytes, such as 64, not {given!r}")
        return int(gigabytes * _GIGA)
    known = []
    with suppress(AttributeError, ValueError, OSError):  # not on every system
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for limit in _LIMITS:
        with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
            known.append(int(Path(limit).read_text()))
    return min((size for size in known if size > 0), default=_UNKNOWN)


def require_room(shape: Iterable[int], itemsize: int = 4, remedy: str = WHOLE) -> None:
    """Raise if an image takes more than an eighth of the memory.

    Args:
        shape: length of each dimension.
        itemsize: bytes of a stored number; it counts as at least four.
        remedy: what to do about it.

    Raises:
        TooLarge: the image is too large.

    Example:
        >>> require_room((1000, 1000))
        >>> require_room((10**6, 10**6))
        Traceback (most recent call last):
        ...
        cellseg_monai.memory.TooLarge: 1,000,000 × 1,000,000 pixels take 4,000.0 GB, but one image ...
    """
    sides = [int(side) for side in shape]
    taken, room = prod(sides) * max(itemsize, 4), usable() // _SHARE
    if taken > room:
        named = " × ".join(f"{side:,}" for side in sides if side != 1)
        raise TooLarge(
            f"{named} pixels take {taken / _GIGA:,.1f} GB, but one image may take "
            f"{room / _GIGA:,.1f} GB here; "
            f"{remedy}, or set {MEMORY} to the gigabytes that may be used"
        )
