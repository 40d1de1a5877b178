"""What belongs to a label map by its name: its image, and its rows of a table."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from monai.transforms import Compose, LoadImaged

from cellseg_monai.conversion.sources import name_of
from cellseg_monai.data import ImageRegions, MicroscopyReader, pair_folder, read_picture
from cellseg_monai.transforms import PercentileStretchd

_IDS = ("label", "id")


class ImageFolder:
    """The images of a folder by name.

    Args:
        folder: with the images, or with ``images/``.

    Raises:
        FileNotFoundError: there is no such folder.

    Example:
        >>> import tempfile, tifffile
        >>> folder = Path(tempfile.mkdtemp())
        >>> tifffile.imwrite(folder / "a.tif", np.zeros((20, 30), np.uint8))
        >>> images = ImageFolder(folder)
        >>> images.find("day1/a").name, images.shape("a")
        ('a.tif', (20, 30))
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = Path(folder)
        self._images = {name: image for name, image, _ in pair_folder(folder, recursive=True).pairs}

    def find(self, name: str) -> Path:
        """The image of that path, or else the only one of that file name."""
        last = name.split("/")[-1]
        images = [image for other, image in self._images.items() if other.split("/")[-1] == last]
        if name in self._images:
            return self._images[name]
        if len(images) != 1:
            some = f"{len(images)} images" if images else "no image"
            raise ValueError(f"{self.folder} has {some} of the name {last}")
        return images[0]

    def shape(self, name: str) -> tuple[int, int]:
        """Rows and columns of an image."""
        _, columns, rows, *_ = ImageRegions(self.find(name)).shape
        return rows, columns

    def pixel_size(self, name: str) -> tuple[float, ...] | None:
        """Micrometres along x and y."""
        size = ImageRegions(self.find(name)).pixel_size
        return None if size is None else size[:2]

    def pixels(self, name: str) -> npt.NDArray[Any]:
        """Channels, rows, columns."""
        pixels = read_picture(self.find(name)).channel_first()
        if pixels.ndim != 3:
            raise ValueError(f"{self.find(name)}: is a volume, its label map a plane; give the plane")
        return pixels.swapaxes(1, 2)

    def drawing(self, name: str) -> npt.NDArray[Any]:
        """Rows and columns, grey or in colour, from 0 to 1; of other channels the brightest at each pixel."""
        read = Compose(
            [
                LoadImaged("image", reader=MicroscopyReader(), ensure_channel_first=True),
                PercentileStretchd("image"),
            ]
        )
        pixels = np.asarray(read({"image": str(self.find(name))})["image"]).T
        return pixels if pixels.shape[-1] in (1, 3) else pixels.max(axis=-1)


class MeasurementTable:
    r"""The rows of a CSV by the name of the image.

    Args:
        path: the table, with the id of the object in ``label`` (or ``id``) and the name of the image, with or
            without folder and ending, in ``image``.
        alone: there is one label map, and the column ``image`` may be missing.

    Raises:
        ValueError: a column is missing, or an id is no whole number.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_text("image,label,area\na.tif,5,2\nb.tif,5,7\n")
        >>> MeasurementTable(path).of("a")
           area
        5     2
    """

    def __init__(self, path: str | PathLike[str], alone: bool = False) -> None:
        self.path = Path(path)
        table = pd.read_csv(path)
        ids = next((name for name in _IDS if name in table), None)
        if ids is None:
            raise ValueError(f"{path}: has no column 'label' with the ids of the objects")
        if table[ids].isna().any() or not (table[ids] == table[ids].round()).all():
            raise ValueError(f"{path}: the column {ids!r} holds what is no id; ids are whole numbers")
        if "image" not in table and not alone:
            raise ValueError(f"{path}: there are several label maps, and no column 'image' tells them apart")
        self._images = None
        if "image" in table:
            names = table.pop("image").astype(str).map(Path)
            self._images = names.map(lambda name: (name.parent / name_of(name)).as_posix())
        self._table = table.set_index(ids).rename_axis(None)

    def of(self, name: str) -> pd.DataFrame:
        """The rows of one image, with the ids as index."""
        if self._images is None:
            return self._table
        rows = (self._images == name).to_numpy()
        if not rows.any():
            last = name.split("/")[-1]
            rows = (self._images.map(lambda image: image.split("/")[-1]) == last).to_numpy()
        if not rows.any():
            raise ValueError(f"{self.path}: has no row of the image {name}")
        return self._table[rows]
