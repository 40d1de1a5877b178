"""Measurements of a table that belong to a label map."""

from pathlib import Path

import pandas as pd

from cellseg_monai.jobs.files.names import full_name, same_name
from cellseg_monai.outputs import StrPath

_IDS = ("label", "id")


class MeasurementTable:
    r"""Rows of a CSV file by the name of the image.

    Args:
        path: CSV file with the ids of objects in ``label`` (or ``id``) and the names of images, with or
            without folder and suffix, in ``image``.
        alone: whether there is a single label map, so that the column ``image`` is not needed.

    Raises:
        ValueError: a column is missing, or an id is not a whole number.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_text("image,label,area\na.tif,5,2\nb.tif,5,7\n")
        >>> MeasurementTable(path).of("a")
           area
        5     2
    """

    def __init__(self, path: StrPath, alone: bool = False) -> None:
        table = pd.read_csv(path)
        ids = next((name for name in _IDS if name in table), None)
        if ids is None:
            raise ValueError(f"{path}: there is no column 'label'; add one with the ids of the objects")
        if table[ids].isna().any() or not (table[ids] == table[ids].round()).all():
            raise ValueError(f"{path}: the column {ids!r} must contain whole numbers, the ids of the objects")
        if "image" not in table and not alone:
            raise ValueError(f"{path}: there is no column 'image'; several label maps need one")
        self._path = path
        self._images = None
        if "image" in table:
            self._images = table.pop("image").astype(str).map(lambda image: full_name(Path(image)))
        self._table = table.set_index(ids).rename_axis(None)

    def of(self, name: str) -> pd.DataFrame:
        """Return the rows of an image, with the ids as index."""
        if self._images is None:
            return self._table
        names = same_name(name, self._images.unique())
        if not names:
            raise ValueError(f"{self._path}: there is no row for the image {name}")
        return self._table[self._images.isin(names).to_numpy()]
