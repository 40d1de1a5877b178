"""Images as planes of channels, and as pictures to draw on."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from monai.transforms import LoadImaged

from cellseg_monai.colours import Colours
from cellseg_monai.data import MicroscopyReader, Reading, read_picture
from cellseg_monai.export import outline
from cellseg_monai.jobs.files.inputs import Source
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.transforms import PercentileStretch

_PERCENTILES = 0.5, 99.8

WHOLE = Reading()
"""All of each file."""


class Planes(NamedTuple):
    """Content of an image file.

    Attributes:
        pixels: pixels, with channels, rows and columns.
        channel_names: names in the file, or ``ch0``, ``ch1``, …
        pixel_size: micrometres along x and along y, None if the file does not state them.
    """

    pixels: npt.NDArray[Any]
    channel_names: tuple[str, ...]
    pixel_size: tuple[float, float] | None

    @property
    def without_single_channel(self) -> npt.NDArray[Any]:
        """Pixels, without channel axis if there is only one channel."""
        return self.pixels[0] if len(self.pixels) == 1 else self.pixels

    def probability(self, channel: int) -> npt.NDArray[Any]:
        """Return a channel of a probability map.

        Raises:
            ValueError: there is no such channel.
        """
        if not 0 <= channel < (channels := len(self.pixels)):
            raise ValueError(
                f"the probability map has no channel {channel}; choose one of 0 to {channels - 1}"
            )
        pixels: npt.NDArray[Any] = self.pixels[channel]
        return pixels


def read_planes(path: Path, reading: Reading = WHOLE) -> Planes:
    """Read an image as channels, rows and columns.

    Args:
        path: file of the image.
        reading: frame, plane and channels to read.

    Raises:
        ValueError: the file cannot be read, or is a volume.
    """
    picture = read_picture(path, **reading.options)
    if "Z" in picture.axes:
        depth = picture.pixels.shape[picture.axes.index("Z")]
        raise ValueError(f"{path}: {depth} planes, but an image must have one; choose one with --z 0")
    pixels = np.ascontiguousarray(np.swapaxes(picture.channel_first(), 1, 2))
    names = picture.channel_names
    if len(names) != len(pixels) or len(set(names)) < len(names):
        names = tuple(f"ch{number}" for number in range(len(pixels)))
    return Planes(pixels, names, plane_size(picture.pixel_size))


def plane_size(pixel_size: tuple[float, ...] | None) -> tuple[float, float] | None:
    """Pixel size along x and y, without z."""
    return None if pixel_size is None else (pixel_size[0], pixel_size[1])


def drawable(image: Source, reading: Reading = WHOLE) -> npt.NDArray[Any]:
    """Read an image to draw on, with rows and columns, grey or RGB, from 0 to 1.

    The channels of a colour image are stretched by the same limits, which keeps the hues. Of any other number
    of channels, each pixel shows the brightest.

    Args:
        image: file of the image, or files of its channels.
        reading: frame, plane and channels to draw.

    Example:
        >>> import tempfile, tifffile
        >>> path = Path(tempfile.mkdtemp()) / "two_channels.tif"
        >>> tifffile.imwrite(path, np.random.rand(2, 20, 30), metadata={"axes": "CYX"})
        >>> drawable(str(path)).shape
        (20, 30)
    """
    load = LoadImaged("image", reader=MicroscopyReader(**reading.options), ensure_channel_first=True)
    pixels = displayed(load({"image": image})["image"]).T
    return pixels if pixels.shape[-1] in (1, 3) else pixels.max(axis=-1)


def displayed(image: Any) -> npt.NDArray[Any]:
    """Stretch a channel-first image for the eye: colours by common limits, other channels each by its own.

    Example:
        >>> displayed(np.array([[[0, 50]], [[0, 100]], [[0, 200]]])).max(axis=(1, 2)).round(2).tolist()
        [0.25, 0.5, 1.0]
    """
    stretch = PercentileStretch(*_PERCENTILES, channel_wise=len(image) != 3)
    return np.asarray(stretch(image))


def outlined(image: Source, label_map: LabelMap, reading: Reading = WHOLE) -> Colours:
    """Draw the outlines of objects on an image; the result has rows, columns and RGB.

    Args:
        image: file of the image, or files of its channels.
        label_map: label map with the same rows and columns.
        reading: frame, plane and channels to draw.

    Example:
        >>> from cellseg_monai.data import list_items, read_label_map, write_synthetic_dataset
        >>> import tempfile
        >>> folder = write_synthetic_dataset("nuclei", f"{tempfile.mkdtemp()}/set", count=1, size=(32, 48))
        >>> item = list_items(folder)[0]
        >>> outlined(item["image"], read_label_map(item["label"])).shape
        (32, 48, 3)
    """
    return outline(drawable(image, reading), label_map)
