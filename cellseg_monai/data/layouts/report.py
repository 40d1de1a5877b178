"""What an import did, to be read by a person and by a program."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cellseg_monai.data.layouts.samples import Failure


@dataclass(frozen=True)
class Conflict:
    """Objects of one image that overlapped, or that left no pixel.

    Attributes:
        name: the sample.
        contested_pixels: pixels that more than one object claimed; the smallest object has them.
        lost_objects: objects of which no pixel remains, or that never had one.

    Example:
        >>> print(Conflict("a", 12, ("region 7",)))
        a: 12 pixels in more than one object; lost: region 7
    """

    name: str
    contested_pixels: int
    lost_objects: tuple[str, ...]

    def __str__(self) -> str:
        lost = f"; lost: {', '.join(self.lost_objects)}" if self.lost_objects else ""
        return f"{self.name}: {self.contested_pixels} pixels in more than one object{lost}"


@dataclass(frozen=True)
class ImportReport:
    """What was imported and what was not.

    Attributes:
        dataset: the ``dataset.json`` written.
        imported: number of images in each of its lists.
        failures: files that were left out, with the reason.
        conflicts: images whose objects overlapped or were lost.

    Example:
        >>> print(ImportReport(Path("plain/dataset.json"), {"training": 20, "test": 4}))
        plain/dataset.json: 20 training, 4 test
    """

    dataset: Path
    imported: Mapping[str, int]
    failures: tuple[Failure, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    def __str__(self) -> str:
        counts = ", ".join(f"{number} {part}" for part, number in self.imported.items())
        lines = [f"{self.dataset.as_posix()}: {counts}"]
        lines += [f"not imported: {failure}" for failure in self.failures]
        lines += [f"in conflict: {conflict}" for conflict in self.conflicts]
        return "\n".join(lines)
