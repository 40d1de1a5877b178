"""Numbers of things in messages."""


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural if necessary.

    Example:
        >>> counted(1, "cell"), counted(1200, "label map")
        ('1 cell', '1,200 label maps')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
