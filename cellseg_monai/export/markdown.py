"""A table as Markdown."""

from collections.abc import Iterable, Sequence


def markdown(heading: Sequence[str], lines: Iterable[Iterable[object]]) -> str:
    """Format a table; floats get three decimals, other cells stay as they are.

    Example:
        >>> print(markdown(["run", "dice"], [["one", 0.51239]]))
        | run | dice |
        |---|---|
        | one | 0.512 |
    """
    cells = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in line] for line in lines]
    rows = [f"| {' | '.join(line)} |" for line in [heading, *cells]]
    return "\n".join([rows[0], "|" + "---|" * len(heading), *rows[1:]])
