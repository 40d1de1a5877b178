"""Lineage: which cell descends from which."""

from typing import Any

import numpy as np
import pandas as pd

Tree = dict[str, Any]
"""``label``, ``begin``, ``end``, and ``daughters``, a list of trees."""

_TRACK = ["label", "begin", "end", "parent"]


def families(tracks: pd.DataFrame) -> pd.DataFrame:
    """Add the place in its family to each track.

    Args:
        tracks: table with ``label``, ``begin``, ``end``, ``parent``; parents are listed before daughters.

    Returns:
        The same rows with ``cell`` (label of the first track of the same cell, since tracks on both sides of
        a gap are one cell), ``founder`` (label of the first track of the family), ``generation`` (number of
        divisions since the founder) and ``daughters`` (labels separated by a space).

    Example:
        >>> rows = [[1, 0, 3, 0], [2, 4, 5, 1], [3, 4, 6, 1], [4, 7, 9, 2]]
        >>> tracks = pd.DataFrame(rows, columns=["label", "begin", "end", "parent"])
        >>> families(tracks)[["cell", "founder", "generation", "daughters"]].to_numpy().tolist()
        [[1, 1, 0, '2 3'], [2, 1, 1, ''], [3, 1, 1, ''], [2, 1, 1, '']]
    """
    children = tracks[tracks["parent"] > 0].groupby("parent")["label"].apply(list).to_dict()
    daughters = {parent: labels for parent, labels in children.items() if len(labels) > 1}
    rows: dict[int, tuple[int, int, int]] = {}
    for label, parent in tracks[["label", "parent"]].to_numpy().tolist():
        cell, founder, generation = rows.get(parent, (label, label, 0))
        divided = parent in daughters
        rows[label] = (label if divided else cell, founder, generation + divided)
    added = np.array(list(rows.values()), np.int64).reshape(-1, 3).T
    table = tracks.assign(**dict(zip(("cell", "founder", "generation"), added, strict=True)))
    return table.assign(daughters=[" ".join(map(str, daughters.get(label, ()))) for label in rows])


def lineage_trees(tracks: pd.DataFrame) -> list[Tree]:
    """The tracks as trees, one for each track without a parent.

    Example:
        >>> tracks = pd.DataFrame([[1, 0, 3, 0], [2, 4, 5, 1]], columns=["label", "begin", "end", "parent"])
        >>> lineage_trees(tracks)[0]["daughters"]
        [{'label': 2, 'begin': 4, 'end': 5, 'daughters': []}]
    """
    trees: dict[int, Tree] = {}
    founders: list[Tree] = []
    for label, begin, end, parent in tracks[_TRACK].to_numpy().tolist():
        trees[label] = {"label": label, "begin": begin, "end": end, "daughters": []}
        (trees[parent]["daughters"] if parent else founders).append(trees[label])
    return founders


def track_lines(tracks: pd.DataFrame) -> str:
    r"""Lines of ``res_track.txt`` of the Cell Tracking Challenge: label, begin, end, parent.

    Example:
        >>> track_lines(pd.DataFrame([[1, 0, 3, 0]], columns=["label", "begin", "end", "parent"]))
        '1 0 3 0\n'
    """
    return tracks[_TRACK].to_csv(sep=" ", header=False, index=False, lineterminator="\n")
