from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image

Save = Callable[[Mapping[str, npt.ArrayLike]], Path]


def save_map(path: Path, label_map: npt.ArrayLike) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.asarray(label_map)
    if path.suffix == ".tif":
        tifffile.imwrite(path, values.astype(np.int32))
    else:
        Image.fromarray(values.astype(np.uint8)).save(path)


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes label maps under the names given, in the format of their endings."""

    def write(maps: Mapping[str, npt.ArrayLike]) -> Path:
        for name, label_map in maps.items():
            save_map(tmp_path / name, label_map)
        return tmp_path

    return write


def discs(size: int, centres: list[tuple[int, int]], radius: int) -> npt.NDArray[np.int32]:
    """One disc a centre, numbered from 1."""
    row, column = np.mgrid[:size, :size]
    label_map = np.zeros((size, size), np.int32)
    for number, (top, left) in enumerate(centres, start=1):
        label_map[np.hypot(row - top, column - left) <= radius] = number
    return label_map
