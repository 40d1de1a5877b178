"""Storage for the labels of tiles: in memory, or in a folder that outlives a run."""

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
"""Format version of the folder; a folder of another version is rejected."""


class TileStore:
    """Label maps by the index of their tile.

    In a folder each tile is one file, which is either complete or absent, even if a run is killed. Files are
    uncompressed, so that a strip can be read without the rest.

    Args:
        folder: folder for the files, created if necessary. None keeps the labels in memory.
        plan: description of the tiles as plain lists; a folder with another plan is rejected.

    Raises:
        ValueError: If the folder holds tiles of another plan, or something else.

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
        """Store the labels of a tile, or replace those stored earlier."""
        if self.folder is None:
            self._in_memory[number] = labels
            return
        path = self.folder / f"{number}.npy"
        with written_whole(path) as part, part.open("wb") as file:
            np.save(file, labels)

    def load(self, number: int) -> npt.NDArray[Any]:
        """Labels of a tile; a file is memory-mapped, so only the used part is read."""
        if self.folder is None:
            return self._in_memory[number]
        labels: npt.NDArray[Any] = np.load(self.folder / f"{number}.npy", mmap_mode="r")
        return labels

    def numbers(self) -> set[int]:
        """Indices of the stored tiles."""
        if self.folder is None:
            return set(self._in_memory)
        return {int(path.stem) for path in self.folder.glob("*.npy") if path.stem.isdigit()}

    def _open(self, folder: Path, plan: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / PLAN
        if not path.exists():
            if foreign := sorted(other.name for other in folder.iterdir() if not other.name.startswith(PART)):
                raise ValueError(f"{folder} holds {foreign[0]} but no {PLAN}; choose an empty folder")
            write_text(path, json.dumps(plan))
        if json.loads(path.read_text()) != plan:
            raise ValueError(f"{folder} holds the labels of other tiles; delete it or choose another folder")
