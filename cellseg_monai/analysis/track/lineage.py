"""Who came from whom."""

from typing import Any

import pandas as pd

Tree = dict[str, Any]
"""``label``, ``begin``, ``end``, and ``daughters``, a list of trees."""


def families(tracks: pd.DataFrame) -> pd.DataFrame:
    """Add to each track its place in its family.

    Args:
        tracks: ``label``, ``begin``, ``end``, ``parent``; a parent comes before its daughters.

    Returns:
        The same rows with ``cell`` (label of the first track of the same cell: tracks that a gap parts are
        one cell), ``founder`` (label of the first track of the family), ``generation`` (divisions since the
        founder) and ``daughters`` (labels, parted by a space).

    Example:
        >>> rows = [[1, 0, 3, 0], [2, 4, 5, 1], [3, 4, 6, 1], [4, 7, 9, 2]]
        >>> tracks = pd.DataFrame(rows, columns=["label", "begin", "end", "parent"])
        >>> families(tracks)[["cell", "founder", "generation", "daughters"]].to_numpy().tolist()
        [[1, 1, 0, '2 3'], [2, 1, 1, ''], [3, 1, 1, ''], [2, 1, 1, '']]
    """
    children = _children(tracks)
    cell: dict[int, int] = {}
    founder: dict[int, int] = {}
    generation: dict[int, int] = {}
    for label, parent in zip(tracks["label"].tolist(), tracks["parent"].tolist(), strict=True):
        divided = len(children.get(parent, ())) > 1
        cell[label] = cell[parent] if parent and not divided else label
        founder[label] = founder[parent] if parent else label
        generation[label] = generation[parent] + divided if parent else 0
    labels = tracks["label"].tolist()
    return tracks.assign(
        cell=[cell[label] for label in labels],
        founder=[founder[label] for label in labels],
        generation=[generation[label] for label in labels],
        daughters=[
            " ".join(map(str, children[label])) if len(children.get(label, ())) > 1 else ""
            for label in labels
        ],
    )


def lineage_trees(tracks: pd.DataFrame) -> list[Tree]:
    """The tracks as trees, one for each that has no parent.

    Example:
        >>> tracks = pd.DataFrame([[1, 0, 3, 0], [2, 4, 5, 1]], columns=["label", "begin", "end", "parent"])
        >>> lineage_trees(tracks)[0]["daughters"]
        [{'label': 2, 'begin': 4, 'end': 5, 'daughters': []}]
    """
    trees: dict[int, Tree] = {}
    founders: list[Tree] = []
    for label, begin, end, parent in tracks[["label", "begin", "end", "parent"]].to_numpy().tolist():
        tree: Tree = {"label": label, "begin": begin, "end": end, "daughters": []}
        trees[label] = tree
        (trees[parent]["daughters"] if parent else founders).append(tree)
    return founders


def track_lines(tracks: pd.DataFrame) -> str:
    r"""The table as ``res_track.txt`` of the Cell Tracking Challenge: label, begin, end, parent.

    Example:
        >>> track_lines(pd.DataFrame([[1, 0, 3, 0]], columns=["label", "begin", "end", "parent"]))
        '1 0 3 0\n'
    """
    rows = tracks[["label", "begin", "end", "parent"]].to_numpy().tolist()
    return "".join(f"{' '.join(map(str, row))}\n" for row in rows)


def _children(tracks: pd.DataFrame) -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for label, parent in zip(tracks["label"].tolist(), tracks["parent"].tolist(), strict=True):
        if parent:
            children.setdefault(parent, []).append(label)
    return children
