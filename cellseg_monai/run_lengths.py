"""Run lengths as COCO writes them: background and object in turn, as a list or as a string."""

from typing import Any


def read_counts(counts: Any, pixels: int) -> list[int]:
    """Read and check run lengths.

    Args:
        counts: run lengths, as a list or as COCO's string.
        pixels: number of pixels of the image.

    Raises:
        ValueError: the run lengths are not valid, or do not add up to the pixels of the image.

    Example:
        >>> read_counts("231O", 8) == read_counts([2, 3, 1, 2], 8)
        True
    """
    runs = decode_counts(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(isinstance(run, int) and run >= 0 for run in runs):
        raise ValueError(f"run lengths must be whole numbers from 0, not {str(counts)[:80]}")
    if sum(runs) != pixels:
        raise ValueError(f"the run lengths add up to {sum(runs)} pixels, but the image has {pixels}")
    return runs


def decode_counts(text: str) -> list[int]:
    """Decode run lengths from COCO's string.

    A character holds six bits: five of the number, lowest first, and one that marks a continuation. The top
    bit of the last five is the sign. From the fourth on, a number is the difference from the one two before.

    Raises:
        ValueError: a character is not a digit of run lengths.

    Example:
        >>> decode_counts("231O")  # the last run is the one two before, 3, minus 1
        [2, 3, 1, 2]
    """
    runs: list[int] = []
    number = shift = 0
    for character in text:
        digit = ord(character) - 48
        if not 0 <= digit < 64:
            raise ValueError(f"{character!r} is not a digit of run lengths")
        number |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            number -= 1 << shift
        runs.append(number + (runs[-2] if len(runs) > 2 else 0))
        number = shift = 0
    return runs
