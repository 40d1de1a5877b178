"""Files of microscopes, through the libraries that read them, which are an extra.

Zeiss publishes pylibCZIrw for CZI. nd2, liffile and oiffile are maintained readers of ND2, LIF, OIF and OIB.
BioIO reads the first three through the same libraries, but installs a hundred further packages.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.readers.axes import Index, Part, channels_last, locate, selected
from cellseg_monai.data.readers.picture import Kind, Picture
from cellseg_monai.memory import IN_PARTS, require_room

SUFFIXES = (".czi", ".nd2", ".lif", ".oib", ".oif")
"""File name endings of microscopes that an extra can read."""

NOT_READ = (
    ".oir", ".lof", ".xlef", ".vsi", ".ims", ".stk", ".dv", ".sld", ".mrxs", ".bif", ".zvi", ".lei", ".flex",
    ".c01", ".mvd2", ".nd", ".tf8", ".tf2", ".nef",
)  # fmt: skip
"""File name endings of microscopes that only other programs read."""

INSTALL = "pip install 'cellseg-monai[microscopes]'"


class Content(NamedTuple):
    """What is in a file.

    Attributes:
        axes: one letter per dimension.
        shape: length of each dimension.
        read: function from an index to pixels.
        pixel_size: micrometres along x, y (and z), None if unknown.
        channel_names: names of the channels, or nothing.
    """

    axes: str
    shape: tuple[int, ...]
    read: Callable[[Index], npt.NDArray[Any]]
    pixel_size: tuple[float, ...] | None = None
    channel_names: tuple[str, ...] = ()


def read_microscope(path: Path, kind: Kind, part: Part) -> Picture:
    """Read the first image of a file of a microscope; of CZI and ND2 only the selected planes.

    Args:
        path: CZI, ND2, LIF, OIB or OIF file.
        kind: has no effect, since these files do not hold masks.
        part: part to read.

    Raises:
        ModuleNotFoundError: the library is not installed; the message has the command that installs it.
    """
    if part.level:
        raise ValueError("a level can be chosen only of TIFF and OME-Zarr files")
    try:
        with _OPEN[path.suffix.lower()](path) as content:
            index, kept = locate(part, content.axes, content.shape)
            require_room(selected(index, content.shape), remedy=IN_PARTS)
            pixels, axes = channels_last(content.read(index), kept)
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        raise ModuleNotFoundError(
            f"{path.suffix.lower()} files need {library}: {INSTALL}; or open the file in Fiji and save it as "
            "TIFF"
        ) from error
    return Picture(
        pixels,
        axes,
        content.pixel_size,
        content.channel_names,
        stored_shape=content.shape,
        stored_axes=content.axes,
    )


def advice_for(path: Path) -> str:
    """Return what to do with a file of a microscope that is not read; empty for any other file.

    Example:
        >>> advice_for(Path("day1.OIR"))
        'is a file of a microscope (.oir), which is not read; open it in Fiji and save it as TIFF'
    """
    suffix = path.suffix.lower()
    if suffix not in NOT_READ:
        return ""
    return f"is a file of a microscope ({suffix}), which is not read; open it in Fiji and save it as TIFF"


def advice_in(folder: Path) -> str:
    """Return what to do with the first file of a microscope in a folder that is not read; empty if none is.

    Example:
        >>> advice_in(Path("nowhere"))
        ''
    """
    advices = ((file.name, advice_for(file)) for file in sorted(folder.rglob("*")))
    return next((f"{name} {advice}" for name, advice in advices if advice), "")


@contextmanager
def _czi(path: Path) -> Iterator[Content]:
    from pylibCZIrw.czi import open_czi

    with open_czi(str(path)) as file:
        scenes = file.scenes_bounding_rectangle
        scene = min(scenes) if scenes else None
        box = file.total_bounding_rectangle if scene is None else scenes[scene]
        lengths = {axis: stop - start for axis, (start, stop) in file.total_bounding_box.items()}
        colour = file.pixel_types.get(0, "").startswith("Bgr")
        axes = "TZCYX" + "S" * colour
        shape = (*(lengths.get(axis, 1) for axis in "TZC"), box.h, box.w, *((3,) if colour else ()))

        def read(index: Index) -> npt.NDArray[Any]:
            rows, columns = (range(shape[place])[_as_slice(index[place])] for place in (3, 4))
            roi = (box.x + columns.start, box.y + rows.start, len(columns), len(rows))
            wanted = [range(shape[place])[_as_slice(index[place])] for place in range(3)]
            planes = [
                file.read(roi=roi, plane=dict(zip("TZC", at, strict=True)), scene=scene)
                for at in product(*wanted)
            ]
            stacked = np.stack(planes).reshape(*map(len, wanted), len(rows), len(columns), -1)
            samples = stacked[..., ::-1] if colour else stacked[..., 0]  # blue, green, red in the file
            return samples[tuple(0 if isinstance(at, int) else slice(None) for at in index)]

        metadata = file.metadata["ImageDocument"]["Metadata"]
        yield Content(axes, shape, read, _czi_size(metadata), _czi_names(metadata))


def _czi_size(metadata: Any) -> tuple[float, ...] | None:
    found = _listed(metadata, "Scaling", "Items", "Distance")
    sizes = {entry["@Id"]: float(entry["Value"]) * 1e6 for entry in found if entry.get("Value")}
    return tuple(sizes[axis] for axis in "XYZ" if axis in sizes) if {"X", "Y"} <= sizes.keys() else None


def _czi_names(metadata: Any) -> tuple[str, ...]:
    found = _listed(metadata, "Information", "Image", "Dimensions", "Channels", "Channel")
    return tuple(str(entry.get("@Name") or entry.get("@Id")) for entry in found)


def _listed(node: Any, *names: str) -> list[Any]:
    """Entries at a place of the metadata; a single entry is not a list there."""
    for name in names:
        node = (node or {}).get(name)
    return node if isinstance(node, list) else [] if node is None else [node]


@contextmanager
def _nd2(path: Path) -> Iterator[Content]:
    from nd2 import ND2File

    with ND2File(path) as file:
        size = file.voxel_size()
        channels = getattr(file.metadata, "channels", None) or ()
        lazy = file.to_dask()
        yield Content(
            "".join(file.sizes),
            tuple(file.sizes.values()),
            lambda index: np.asarray(lazy[index]),
            (size.x, size.y, size.z),
            tuple(channel.channel.name for channel in channels),
        )


@contextmanager
def _lif(path: Path) -> Iterator[Content]:
    from liffile import LifFile

    with LifFile(path) as file:
        image = file.images[0]
        steps = {axis: float(abs(at[1] - at[0])) for axis, at in image.coords.items() if len(at) > 1}
        size = tuple(steps[axis] * 1e6 for axis in "XYZ" if axis in steps)
        yield Content("".join(image.dims), image.shape, lambda index: image.asarray()[index], size)


@contextmanager
def _oif(path: Path) -> Iterator[Content]:
    from oiffile import OifFile

    with OifFile(path) as file:
        pixels = file.asarray()
        described = [of for name, of in file.mainfile.items() if name.endswith(" Parameters Common")]
        yield Content(
            f"{file.series[0].axes}YX",
            pixels.shape,
            lambda index: pixels[index],
            tuple(size for axis in "XYZ" if (size := _oif_step(axis, described))),
        )


def _oif_step(axis: str, described: list[dict[str, Any]]) -> float:
    """Micrometres between pixels along an axis, 0 if they are not stated."""
    for of_axis in described:
        unit = {"um": 1.0, "nm": 1e-3}.get(str(of_axis.get("UnitName", of_axis.get("PixUnit"))), 0.0)
        if of_axis.get("AxisCode") == axis and of_axis["MaxSize"] > 1:
            length = abs(float(of_axis["EndPosition"]) - float(of_axis["StartPosition"]))
            return length * unit / (int(of_axis["MaxSize"]) - 1)
    return 0.0


def _as_slice(index: int | slice) -> slice:
    return index if isinstance(index, slice) else slice(index, index + 1)


_OPEN: dict[str, Any] = {".czi": _czi, ".nd2": _nd2, ".lif": _lif, ".oib": _oif, ".oif": _oif}
