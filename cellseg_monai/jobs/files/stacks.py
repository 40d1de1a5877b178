"""Images that are read in parts: stacks, movies and slides; planes one after the other, and frames."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy.typing as npt

from cellseg_monai.data import ImageRegions, Picture, Reading, read_picture
from cellseg_monai.data.readers import medical, microscopes
from cellseg_monai.data.readers.axes import Part
from cellseg_monai.data.readers.formats import IN_PARTS
from cellseg_monai.data.readers.mask_check import require_label_map
from cellseg_monai.jobs.files.inputs import Source, first_file
from cellseg_monai.label_maps import LabelMap, as_label_map
from cellseg_monai.memory import usable
from cellseg_monai.outputs import StrPath


class Frame(NamedTuple):
    """Frame of a movie.

    Attributes:
        name: name for messages.
        file: file that has it.
        reading: what to read of the file.
    """

    name: str
    file: Path
    reading: Reading


_ONE_PIXEL = ((0, 1), (0, 1), (0, 1))
_AT_ONCE = 1 << 27
"""Bytes of planes to read at once."""
_PER_PIXEL = 100
"""Bytes that the segmentation of a whole image takes for each pixel: twice of what one without cells took."""


def third_axis(image: Source | StrPath, reading: Reading) -> str:
    """Return ``Z`` for a stack, ``T`` for a movie, and empty for a plane, or a file that cannot be read.

    Args:
        image: file of the image, or files of its channels.
        reading: part to read.

    Example:
        >>> import numpy as np, tempfile, tifffile
        >>> path = f"{tempfile.mkdtemp()}/a.tif"
        >>> tifffile.imwrite(path, np.zeros((3, 8, 8), np.uint8), metadata={"axes": "TYX"})
        >>> [third_axis(path, reading) for reading in (Reading(), Reading(axes="ZYX"), Reading(frame=0))]
        ['T', 'Z', '']
    """
    picture = _one_pixel(image, reading)
    return "" if picture is None else picture.third


def why_in_parts(image: Source, reading: Reading) -> str:
    """Return why an image is segmented in parts; empty if it is not.

    Args:
        image: file of the image, or files of its channels.
        reading: part to read.

    Example:
        >>> import numpy as np, tempfile, tifffile
        >>> path = f"{tempfile.mkdtemp()}/a.tif"
        >>> tifffile.imwrite(path, np.zeros((3, 8, 8), np.uint8), metadata={"axes": "TYX"})
        >>> why_in_parts(path, Reading()), why_in_parts(path, Reading(frame=0))
        ('has several planes or frames', '')
    """
    picture = _one_pixel(image, reading)
    if picture is None:
        return ""
    if picture.third:
        return "has several planes or frames"
    lengths = dict(zip(Part(reading.axes).names(picture.stored_axes), picture.stored_shape, strict=True))
    needed = _PER_PIXEL * lengths["X"] * lengths["Y"]
    return "is too large to be segmented as a whole" if 2 * needed > usable() else ""


def _one_pixel(image: Source | StrPath, reading: Reading) -> Picture | None:
    """The first pixel with the metadata of the image; None for a file that cannot be read."""
    file = first_file(image) if isinstance(image, str | list) else image
    if not str(file).lower().endswith((*IN_PARTS, *medical.ITK_SUFFIXES, *microscopes.SUFFIXES)):
        return None
    try:
        return read_picture(file, **reading.place, region=_ONE_PIXEL, movie=True)
    except (ValueError, FileNotFoundError, ImportError):  # the run names the file and the reason
        return None


def of_labels(path: Path, reading: Reading) -> Reading:
    """What to read of a label map: a frame or plane only if it has several, and no channel.

    Args:
        path: file of the label map.
        reading: what to read of its image.
    """
    axes = reading.axes and reading.axes.replace("C", "")
    own = replace(reading, axes=axes, channels=None)
    return own if third_axis(path, Reading(axes=axes)) else Reading()


def frames_of(path: StrPath, files: Sequence[Path], reading: Reading) -> list[Frame]:
    """List the frames of a movie.

    Args:
        path: file of the movie, or folder of its frames.
        files: files of the frames in their order, for a folder.
        reading: what to read of each file.

    Raises:
        ValueError: the file is a stack.

    Example:
        >>> files = [Path("movie/t0.tif"), Path("movie/t1.tif")]
        >>> [frame.name for frame in frames_of("movie", files, Reading())]
        ['t0.tif', 't1.tif']
    """
    movie = Path(path)
    third = third_axis(movie, reading) if list(files) == [movie] else ""
    if third == "Z":
        raise ValueError(f"{movie}: has planes of a stack, and no frames; if they are frames, add --axes TYX")
    if not third:
        return [Frame(file.name, file, reading) for file in files]
    count = ImageRegions(movie, kind="label", movie=True, **reading.place).shape[3]
    return [Frame(f"frame {index}", movie, replace(reading, frame=index)) for index in range(count)]


def planes_of(image: ImageRegions) -> Iterator[npt.NDArray[Any]]:
    """Yield the planes of a stack, or the frames of a movie, as channels, rows and columns.

    Args:
        image: stack or movie, of which some planes are read at once.
    """
    channels, columns, rows, depth = image.shape
    step = max(1, _AT_ONCE // (channels * columns * rows * image.dtype.itemsize))
    for first in range(0, depth, step):
        part = slice(first, min(first + step, depth))
        block = image[slice(0, channels), slice(0, columns), slice(0, rows), part]
        yield from block.transpose(3, 0, 2, 1)


def label_planes(labels: ImageRegions, force: bool = False) -> Iterator[LabelMap]:
    """Yield the label maps of the planes of a stack.

    Args:
        labels: stack of label maps.
        force: whether to accept planes that look like a microscope image.

    Raises:
        ValueError: the file has several channels, or is an image.
    """
    file = labels.paths[0]
    if labels.shape[0] > 1:
        raise ValueError(f"{file}: a mask must have one channel, but this one has {labels.shape[0]}")
    for plane in planes_of(labels):
        label_map = as_label_map(plane[0])
        if not force:
            try:
                require_label_map(label_map)
            except ValueError as error:
                raise ValueError(f"{file}: {error}") from error
        yield label_map
