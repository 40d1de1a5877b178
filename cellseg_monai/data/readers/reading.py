"""What to read of image files: the names of their axes, and a choice of frame, plane and channels."""

from dataclasses import dataclass
from typing import Any

from cellseg_monai.data.readers.channels import Channels


@dataclass(frozen=True)
class Reading:
    """Part of each image file to read; by default all of it.

    Args:
        axes: one letter per dimension, where a file does not name them or names them wrongly: T for the
            frames of a movie, Z for the planes of a stack, C for channels, Y and X.
        frame: frame of a movie, from 0.
        z: plane of a stack, from 0.
        channels: numbers (from 0) or names of the channels to use, in this order.

    Example:
        >>> Reading(frame=3, channels=["DAPI"]).options
        {'select': {'T': 3}, 'channels': ['DAPI']}
    """

    axes: str | None = None
    frame: int | None = None
    z: int | None = None
    channels: Channels = None

    @property
    def place(self) -> dict[str, Any]:
        """Options of :func:`~cellseg_monai.data.read_picture` for masks, which have no channels to choose."""
        select = {axis: index for axis, index in (("T", self.frame), ("Z", self.z)) if index is not None}
        return ({} if self.axes is None else {"axes": self.axes}) | ({"select": select} if select else {})

    @property
    def config(self) -> dict[str, Any]:
        """Values of a bundle's configuration by id, where they differ from reading all."""
        values = {"axes": self.axes, "select": self.place.get("select"), "channel": self.channels}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def options(self) -> dict[str, Any]:
        """Options of :func:`~cellseg_monai.data.read_picture` for images."""
        return self.place | ({} if self.channels is None else {"channels": self.channels})
