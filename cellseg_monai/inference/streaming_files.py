"""Files of a large image while it is segmented, so that an interrupted run can continue."""

import csv
import json
import logging
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.outputs import write_text, written_whole

logger = logging.getLogger(__name__)

Box = tuple[slice, ...]


class Unfinished:
    """Folder of an unfinished image, and the note that remains when its result is complete.

    The folder is `<folder>/<name>-<digest>`, the note `<name>-<digest>.json` is beside it. A file in the
    folder is complete or does not exist, whenever a run is killed.

    Args:
        folder: folder of all images.
        name: name of the image, with its subfolders.
        digest: hash of everything that the result depends on.

    Attributes:
        folder: folder of this image.

    Example:
        >>> import tempfile
        >>> unfinished = Unfinished(Path(tempfile.mkdtemp()), "plate/a", "0123456789abcdef")
        >>> unfinished.begin()
        >>> unfinished.add_seconds({"read": 1.5, "network": 2.0})
        >>> unfinished.seconds(["read", "network"])
        {'read': 1.5, 'network': 2.0}
    """

    def __init__(self, folder: Path, name: str, digest: str) -> None:
        self.folder = folder / f"{name}-{digest}"
        self._note = self.folder.with_name(f"{self.folder.name}.json")
        self._seconds = self.folder / "seconds.csv"
        self._name = re.compile(re.escape(Path(name).name) + r"-[0-9a-f]{16}(\.json)?")

    def note(self, results: Sequence[Path]) -> dict[str, Any] | None:
        """Return the note of the complete results, or None if they do not exist."""
        if not self._note.exists() or not all(result.exists() for result in results):
            return None
        shutil.rmtree(self.folder, ignore_errors=True)
        noted: dict[str, Any] = json.loads(self._note.read_text())
        return noted

    def begin(self) -> None:
        """Create the folder, and log folders that runs with other settings left behind."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for other in self._others():
            if other.is_dir():
                logger.warning(
                    "%s: left by an unfinished run with another file, network or options; delete it unless "
                    "you want to continue that run",
                    other,
                )

    def once(self, name: str, find: Callable[[], npt.NDArray[Any] | None]) -> npt.NDArray[Any] | None:
        """Return what is found in the whole image, such as its intensity limits; it is searched only once.

        Args:
            name: name of the file that keeps it.
            find: function that finds it; None if there is nothing to find.
        """
        path = self.folder / f"{name}.npy"
        if not path.exists():
            found = find()
            if found is None:
                return None
            save(path, found)
        kept: npt.NDArray[Any] = np.load(path)
        return kept

    def add_seconds(self, seconds: Mapping[str, float]) -> None:
        """Record the seconds that a tile took."""
        with self._seconds.open("a", newline="") as file:
            csv.writer(file).writerows(seconds.items())

    def seconds(self, stages: Sequence[str]) -> dict[str, float]:
        """Return the seconds of all tiles, earlier runs included."""
        sums = dict.fromkeys(stages, 0.0)
        for row in csv.reader(self._seconds.read_text().splitlines()) if self._seconds.exists() else ():
            if len(row) == 2 and row[0] in sums:  # a killed run may have cut its last line
                sums[row[0]] += float(row[1] or 0)
        return sums

    def finish(self, written: Mapping[Path, Path], note: Mapping[str, Any]) -> None:
        """Move complete results to their final paths, and remove the folder.

        Args:
            written: path where each result was written, by its final path.
            note: note to return when the image is requested again.
        """
        for other in self._others():
            if other.suffix == ".json":  # its result is about to be replaced
                other.unlink()
        for place, path in written.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir():
                shutil.rmtree(place)
            path.replace(place)
        write_text(self._note, json.dumps(note))
        shutil.rmtree(self.folder)

    def _others(self) -> list[Path]:
        own = (self.folder.name, self._note.name)
        beside = sorted(self.folder.parent.iterdir())
        return [path for path in beside if self._name.fullmatch(path.name) and path.name not in own]


class CoreFiles:
    """An image that is made tile by tile: one file for the core of each tile, readable as a whole.

    Args:
        folder: folder of the files, created if necessary.
        cores: pixels of each core, one slice per axis without channels.

    Example:
        >>> import tempfile
        >>> cores = [(slice(0, 2), slice(0, 1)), (slice(0, 2), slice(1, 2))]
        >>> files = CoreFiles(Path(tempfile.mkdtemp()), cores)
        >>> files.keep(0, np.zeros((1, 2, 1)))
        >>> files.keep(1, np.ones((1, 2, 1)))
        >>> files.region((slice(0, 1), slice(1, 2), slice(0, 2)))
        array([[[0., 1.]]])
    """

    def __init__(self, folder: Path, cores: Sequence[Box]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.cores = cores

    def keep(self, number: int, pixels: npt.NDArray[Any]) -> None:
        """Write the core of a tile, channel-first."""
        save(self.folder / f"{number}.npy", pixels)

    def core(self, number: int) -> npt.NDArray[Any]:
        """Read the core of a tile."""
        core: npt.NDArray[Any] = np.load(self.folder / f"{number}.npy", mmap_mode="r")
        return core

    def region(self, box: Box) -> npt.NDArray[Any]:
        """Return any part of the image, channel-first."""
        channels, *wanted = box
        shape = (channels.stop - channels.start, *(part.stop - part.start for part in wanted))
        region = np.empty(shape, self.core(0).dtype)
        for number, core in enumerate(self.cores):
            pairs = zip(core, wanted, strict=True)
            shared = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in pairs]
            if all(part.start < part.stop for part in shared):
                inside = self.core(number)[(channels, *within(shared, core))]
                region[(slice(None), *within(shared, wanted))] = inside
        return region


class RowsColumns:
    """An image with axes x, y (and z) in the order of writers and viewers: (planes,) rows and columns.

    Args:
        read: function that returns a part by the slices of its axes.
        shape: shape of the image, channels first if it has any, then x, y (and z).
        dtype: dtype of its pixels.
        channels: whether it has channels.

    Example:
        >>> image = np.arange(6).reshape(3, 2)
        >>> RowsColumns(image.__getitem__, image.shape, image.dtype)[0:1, 1:3]
        array([[2, 4]])
    """

    def __init__(
        self,
        read: Callable[[Box], npt.NDArray[Any]],
        shape: Sequence[int],
        dtype: Any,
        channels: bool = False,
    ) -> None:
        self.read = read
        self.dtype = np.dtype(dtype)
        self._order = (*range(channels), *reversed(range(channels, len(shape))))
        self.shape = tuple(shape[axis] for axis in self._order)

    def __getitem__(self, box: Box) -> npt.NDArray[Any]:
        return self.read(tuple(box[axis] for axis in self._order)).transpose(self._order)


def save(path: Path, array: npt.NDArray[Any]) -> None:
    """Save an array so that the file is complete or does not exist."""
    with written_whole(path) as part, part.open("wb") as file:
        np.save(file, array)


def within(inner: Sequence[slice], outer: Sequence[slice]) -> Box:
    """Return a part of the image relative to a larger part.

    Example:
        >>> within([slice(7, 9)], [slice(5, 20)])
        (slice(2, 4, None),)
    """
    pairs = zip(inner, outer, strict=True)
    return tuple(slice(part.start - whole.start, part.stop - whole.start) for part, whole in pairs)
