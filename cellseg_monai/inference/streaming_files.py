"""What is kept of a large image while it is worked on, so that a run that was killed goes on where it was."""

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
    """The folder of one image, and the note that stays of it when its result is complete.

    The folder is `<folder>/<name>-<digest>`, the note beside it `<name>-<digest>.json`. Whatever is in the
    folder is complete or not there, whenever a run is killed.

    Args:
        folder: of all images.
        name: of the image, with its sub-folders.
        digest: of what its result depends on.

    Attributes:
        folder: of this image.

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
        self._name = re.compile(re.escape(Path(name).name) + r"-[0-9a-f]{16}(\.json)?")

    def note(self, results: Sequence[Path]) -> dict[str, Any] | None:
        """What was noted when the results became complete, if they are there."""
        if not self._note.exists() or not all(result.exists() for result in results):
            return None
        shutil.rmtree(self.folder, ignore_errors=True)
        noted: dict[str, Any] = json.loads(self._note.read_text())
        return noted

    def begin(self) -> None:
        """Make the folder; the log names what earlier runs with other settings have left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for other in self._others():
            if other.is_dir():
                logger.warning(
                    "%s: left by a run that was not finished, of another file, network or options; delete it "
                    "unless you will go on with that",
                    other,
                )

    def limits(self, find: Callable[[], npt.NDArray[Any] | None]) -> npt.NDArray[Any] | None:
        """The limits of the image, found once; None where there are none to find."""
        path = self.folder / "limits.npy"
        if not path.exists():
            found = find()
            if found is None:
                return None
            save(path, found)
        limits: npt.NDArray[Any] = np.load(path)
        return limits

    def add_seconds(self, seconds: Mapping[str, float]) -> None:
        """Note what a tile has taken."""
        with (self.folder / "seconds.csv").open("a", newline="") as file:
            csv.writer(file).writerows(seconds.items())

    def seconds(self, stages: Sequence[str]) -> dict[str, float]:
        """What all tiles have taken, also in earlier runs."""
        sums = dict.fromkeys(stages, 0.0)
        path = self.folder / "seconds.csv"
        for row in csv.reader(path.read_text().splitlines()) if path.exists() else ():
            if len(row) == 2 and row[0] in sums:  # the last line of a run that was killed may be cut
                sums[row[0]] += float(row[1] or 0)
        return sums

    def finish(self, written: Mapping[Path, Path], note: Mapping[str, Any]) -> None:
        """Put complete results in their places, and let go of the folder.

        Args:
            written: where each result was written, by the place where it belongs.
            note: to be told when the image comes again.
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
    """An image that is made tile by tile: a file for the core of each, readable as a whole.

    Args:
        folder: of the files, made if need be.
        cores: the pixels of each, a slice an axis without channels.

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

    @property
    def first(self) -> npt.NDArray[Any]:
        """The core of the first tile, for its channels and dtype."""
        return self._load(0)

    def keep(self, number: int, pixels: npt.NDArray[Any]) -> None:
        """Keep the core of a tile, channels first."""
        save(self.folder / f"{number}.npy", pixels)

    def region(self, box: Box) -> npt.NDArray[Any]:
        """Any part of the image, channels first."""
        channels, *wanted = box
        shape = (channels.stop - channels.start, *(part.stop - part.start for part in wanted))
        region = np.empty(shape, self.first.dtype)
        for number, core in enumerate(self.cores):
            pairs = list(zip(core, wanted, strict=True))
            shared = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in pairs]
            if all(part.start < part.stop for part in shared):
                inside = (_moved(part, own.start) for part, own in zip(shared, core, strict=True))
                place = (_moved(part, own.start) for part, own in zip(shared, wanted, strict=True))
                region[(slice(None), *place)] = self._load(number)[(channels, *inside)]
        return region

    def _load(self, number: int) -> npt.NDArray[Any]:
        core: npt.NDArray[Any] = np.load(self.folder / f"{number}.npy", mmap_mode="r")
        return core


class RowsColumns:
    """An image whose axes are x, y (and z) as writers and viewers want it: (planes,) rows and columns.

    Args:
        read: gives a part by the slices of its axes.
        shape: of the image, channels first if it has any, then x, y (and z).
        dtype: of its pixels.
        channels: whether it has.

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
    """Save an array so that the file is complete or not there."""
    with written_whole(path) as part, part.open("wb") as file:
        np.save(file, array)


def _moved(part: slice, start: int) -> slice:
    return slice(part.start - start, part.stop - start)
