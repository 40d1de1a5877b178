"""COCO's strings of run lengths, which are read in two stages."""


def decode_counts(text: str) -> list[int]:
    """Decode run lengths that are written as a string.

    Six bits a character, five of the number, low ones first, and one for "more follows". The top bit of the
    last five is the sign; from the fourth on a number is the difference to the one two before.

    Raises:
        ValueError: a character is none of those.

    Example:
        >>> decode_counts("231O")  # the last is the run two before, 3, less 1
        [2, 3, 1, 2]
    """
    runs: list[int] = []
    number = shift = 0
    for character in text:
        digit = ord(character) - 48
        if not 0 <= digit < 64:
            raise ValueError(f"{character!r} is no digit of run lengths")
        number |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            number -= 1 << shift
        runs.append(number + (runs[-2] if len(runs) > 2 else 0))
        number = shift = 0
    return runs
