from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from skimage.io import imread

from cellseg_monai.label_maps import LabelMap, connected_components


@pytest.fixture
def real_masks() -> Callable[[Path, int], Iterator[LabelMap]]:
    """The first masks of a folder, each id one piece."""

    def read(folder: Path, count: int) -> Iterator[LabelMap]:
        for path in sorted((folder / "masks").iterdir())[:count]:
            yield connected_components(imread(path).astype(np.int32))

    return read
