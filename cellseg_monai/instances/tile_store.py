"""Where the labels of tiles are kept until all are there: in memory, or in a folder that outlives a run."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.outputs import write_text, written_whole
from cellseg_monai.outputs.whole import PART

PLAN = "plan.json"
FORMAT = 1
"""Of the folder; a folder of another format is refused."""


class TileStore:
    """Label maps by the number of their tile.

    In a folder each tile is one file, complete or not there, whenever a run is killed. It is not compressed,
    so that a strip of it can be read without the rest.

    Args:
        folder: made if need be; in memory without.
        plan: what the folder is for, in plain lists; a folder of another plan is refused.

    Raises:
        ValueError: the folder holds the tiles of another plan, or something else.

    Example:
        >>> store = TileStore(None, [])
        >>> store.keep(3, np.ones((2, 2), np.uint8))
        >>> store.numbers(), int(store.load(3).sum())
        ({3}, 4)
    """

    def __init__(self, folder: str | os.PathLike[str] | None, plan: list[Any]) -> None:
        self.folder = None if folder is None else Path(folder)
        self._in_memory: dict[int, npt.NDArray[Any]] = {}
        if self.folder is not None:
            self._open(self.folder, {"format": FORMAT, "tiles": plan})

    def keep(self, number: int, labels: npt.NDArray[Any]) -> None:
        """Keep the labels of a tile, instead of those it had."""
        if self.folder is None:
            self._in_memory[number] = labels
            return
        path = self.folder / f"{number}.npy"
        with written_whole(path) as part, part.open("wb") as file:
            np.save(file, labels)

    def load(self, number: int) -> npt.NDArray[Any]:
        """The labels of a tile; of a file only what is looked at gets read."""
        if self.folder is None:
            return self._in_memory[number]
        labels: npt.NDArray[Any] = np.load(self.folder / f"{number}.npy", mmap_mode="r")
        return labels

    def numbers(self) -> set[int]:
        """Of the tiles that are kept."""
        if self.folder is None:
            return set(self._in_memory)
        return {int(path.stem) for path in self.folder.glob("*.npy") if path.stem.isdigit()}

    def _open(self, folder: Path, plan: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / PLAN
        if not path.exists():
            if foreign := sorted(other.name for other in folder.iterdir() if not other.name.startswith(PART)):
                raise ValueError(f"{folder} holds {foreign[0]} but no {PLAN}; name a folder for tiles alone")
            write_text(path, json.dumps(plan))
        if json.loads(path.read_text()) != plan:
            raise ValueError(f"{folder} holds the labels of other tiles; delete it or name another folder")
