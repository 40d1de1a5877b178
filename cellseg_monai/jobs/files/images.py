"""The image of a label map, by its name."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy.typing as npt

from cellseg_monai.data import ImageRegions
from cellseg_monai.jobs.files.companions import companion, find_pictures, plane_size, read_planes


class ImageFolder:
    """The images of a folder by name.

    Args:
        folder: with the images, or with ``images/``.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there is no image in it.

    Example:
        >>> import tempfile, tifffile, numpy as np
        >>> folder = Path(tempfile.mkdtemp())
        >>> tifffile.imwrite(folder / "a.tif", np.zeros((20, 30), np.uint8))
        >>> images = ImageFolder(folder)
        >>> images.find("day1/a").name, images.shape("a")
        ('a.tif', (20, 30))
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._images = find_pictures(Path(folder))

    @property
    def files(self) -> list[Path]:
        """All images of the folder."""
        return list(self._images.values())

    def find(self, name: str) -> Path:
        """The image of that path, or else the only one of that file name."""
        return companion(name, "image", self._images)

    def shape(self, name: str) -> tuple[int, int]:
        """Rows and columns of an image."""
        _, columns, rows, *_ = ImageRegions(self.find(name)).shape
        return rows, columns

    def pixel_size(self, name: str) -> tuple[float, ...] | None:
        """Micrometres along x and y."""
        return plane_size(ImageRegions(self.find(name)).pixel_size)

    def pixels(self, name: str) -> npt.NDArray[Any]:
        """Channels, rows, columns."""
        return read_planes(self.find(name)).pixels
