"""Names of images and label maps, by which files belong together."""

from collections.abc import Iterable
from pathlib import Path

from cellseg_monai.data import SUFFIXES
from cellseg_monai.data.pairing import stem


def name_of(path: Path) -> str:
    """File name without suffix.

    Example:
        >>> name_of(Path("a.ome.zarr")), name_of(Path("b.geojson")), name_of(Path("c.nii.gz"))
        ('a', 'b', 'c')
    """
    return stem(path) if path.name.lower().endswith(SUFFIXES) else path.stem


def full_name(path: Path) -> str:
    """Path without suffix, as text.

    Example:
        >>> full_name(Path("day1/a.tif"))
        'day1/a'
    """
    return (path.parent / name_of(path)).as_posix()


def same_name(name: str, names: Iterable[str]) -> list[str]:
    """Names that are equal, or else those that differ only in the folders.

    Example:
        >>> same_name("day1/a", ["a", "b"]), same_name("a", ["a", "day1/a"])
        (['a'], ['a'])
    """
    names = list(names)
    return [name] if name in names else [other for other in names if Path(other).name == Path(name).name]
