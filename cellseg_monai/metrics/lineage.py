"""Lineage graph of a movie, from the ids in each frame and a table of tracks."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Vertex = tuple[int, int]
"""Frame and id of a cell."""

Edge = tuple[Vertex, Vertex]


class Graph(NamedTuple):
    """Cells and the links between them.

    Attributes:
        vertices: each cell in each frame.
        edges: links from cell to cell; ``"same"`` for the same cell, ``"daughter"`` after a division.

    Example:
        >>> lineage_graph([np.array([1]), np.array([1])], [[1, 0, 1, 0]]).edges
        {((0, 1), (1, 1)): 'same'}
    """

    vertices: set[Vertex]
    edges: dict[Edge, Literal["same", "daughter"]]


def lineage_graph(ids: Sequence[npt.NDArray[np.int64]], tracks: npt.ArrayLike, name: str = "tracks") -> Graph:
    """Build the graph and check that the table agrees with the frames.

    Args:
        ids: ids of the cells in each frame.
        tracks: table with one row per track: id, first frame, last frame, id of the mother or 0.
        name: name of the table in error messages.

    Returns:
        Cells and links.

    Raises:
        ValueError: If a cell has no track, a track has no cell in one of its frames, or a mother does not
            precede her daughter.

    Example:
        >>> ids = [np.array([1]), np.array([2, 3])]
        >>> graph = lineage_graph(ids, [[1, 0, 0, 0], [2, 1, 1, 1], [3, 1, 1, 1]])
        >>> len(graph.vertices), list(graph.edges)
        (3, [((0, 1), (1, 2)), ((0, 1), (1, 3))])
    """
    table = _checked_table(tracks, name)
    vertices = {(frame, int(number)) for frame, present in enumerate(ids) for number in present}
    ends = {number: (begin, end) for number, begin, end, _ in table}
    expected = {(frame, number) for number, (begin, end) in ends.items() for frame in range(begin, end + 1)}
    _same_cells(vertices, expected, name)
    edges: dict[Edge, Literal["same", "daughter"]] = {}
    for number, begin, end, mother in table:
        for frame in range(begin, end):
            edges[(frame, number), (frame + 1, number)] = "same"
        if mother:
            if mother not in ends or ends[mother][1] >= begin:
                raise ValueError(
                    f"{name}: track {number} begins in frame {begin}, but its mother {mother} does not end "
                    "before"
                )
            edges[(ends[mother][1], mother), (begin, number)] = "daughter"
    return Graph(vertices, edges)


def _checked_table(tracks: npt.ArrayLike, name: str) -> list[list[int]]:
    table = np.asarray(tracks, np.int64)
    if table.size == 0:
        return []
    if table.ndim != 2 or table.shape[1] != 4:
        raise ValueError(f"{name} needs rows of id, first frame, last frame, mother, not shape {table.shape}")
    numbers, how_often = np.unique(table[:, 0], return_counts=True)
    if how_often.max() > 1:
        raise ValueError(f"{name} lists track {numbers[how_often.argmax()]} more than once")
    rows: list[list[int]] = table.tolist()
    return rows


def _same_cells(vertices: set[Vertex], expected: set[Vertex], name: str) -> None:
    for frame, number in sorted(vertices - expected):
        raise ValueError(f"cell {number} is in frame {frame}, but no track {number} in {name} covers it")
    for frame, number in sorted(expected - vertices):
        raise ValueError(
            f"{name} lists cell {number} in frame {frame}, but the label map does not contain it; end its "
            f"track earlier, and start another one with mother {number} where it reappears"
        )
