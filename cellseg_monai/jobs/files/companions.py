"""Files that belong to label maps by name: images, class maps, probability maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cellseg_monai.data import ImageRegions, pair_folder
from cellseg_monai.jobs.files.names import name_of, same_name
from cellseg_monai.jobs.files.planes import plane_size
from cellseg_monai.outputs import StrPath


@dataclass(frozen=True)
class Companions:
    """Files that belong to label maps.

    Args:
        files: files by name.
        kind: kind of the files, for messages.

    Example:
        >>> Companions({"a": Path("a.tif"), "b": Path("b.tif")}).find("day1/a").name
        'a.tif'
    """

    files: Mapping[str, Path]
    kind: str = "image"

    def find(self, name: str) -> Path:
        """Return the file of that name, or the only file of that name in another sub-folder.

        Args:
            name: name of the label map.

        Raises:
            ValueError: there is no such file, or there are several.
        """
        matches = [self.files[match] for match in same_name(name, self.files)]
        if len(matches) > 1:
            raise ValueError(
                f"{len(matches)} files could be the {self.kind} of {name}: {', '.join(map(str, matches))}"
            )
        if not matches:
            example = next(iter(self.files.values()))
            raise ValueError(
                f"there is no {self.kind} named {name}; there are {len(self.files)}, such as {example}"
            )
        return matches[0]

    def only(self, name: str) -> "Companions":
        """Those files that a name may mean; all of them if it means none.

        Args:
            name: name of the label map.
        """
        meant = {match: self.files[match] for match in same_name(name, self.files)}
        return Companions(meant or self.files, self.kind)

    def shape(self, name: str) -> tuple[int, int]:
        """Return the rows and columns of a file."""
        _, columns, rows, *_ = ImageRegions(self.find(name)).shape
        return rows, columns

    def pixel_size(self, name: str) -> tuple[float, float] | None:
        """Return the micrometres along x and y, None if the file does not state them."""
        return plane_size(ImageRegions(self.find(name)).pixel_size)


def find_companions(path: StrPath, kind: str = "image", maps: Mapping[str, Path] | None = None) -> Companions:
    """Find files that belong to label maps.

    Args:
        path: folder of the files, or a single file.
        kind: kind of the files, for messages.
        maps: label maps by name; a single file belongs to a single label map, whatever its name.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: the folder contains no image.

    Example:
        >>> import tempfile
        >>> raw = Path(tempfile.mkdtemp()) / "raw.tif"
        >>> raw.touch()
        >>> list(find_companions(raw, maps={"cells": Path("cells.tif")}).files)
        ['cells']
    """
    path = Path(path)
    if path.is_file():
        name = next(iter(maps)) if maps and len(maps) == 1 else name_of(path)
        return Companions({name: path}, kind)
    found = {name: file for name, file, _ in pair_folder(path, recursive=True).pairs}
    if not found:
        raise ValueError(f"{path}: there is no image here")
    return Companions(found, kind)


def find_images_beside(labels: StrPath, maps: Mapping[str, Path]) -> Companions | None:
    """Find the images of a dataset whose masks are the label maps; None if there are only masks."""
    if not Path(labels).is_dir():
        return None
    pairs = pair_folder(labels, recursive=True).pairs
    files = {name: image for name, image, _ in pairs if image not in maps.values()}
    return Companions(files) if files else None
