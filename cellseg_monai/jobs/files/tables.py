"""The rows of a table that belong to a label map, by its name."""

from os import PathLike
from pathlib import Path

import pandas as pd

from cellseg_monai.jobs.files.sources import name_of

_IDS = ("label", "id")


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
