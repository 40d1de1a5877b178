"""Pixel size and channel names from the dialects of TIFF: OME, ImageJ, Aperio, plain resolution tags."""

import re
from typing import Any

import tifffile

from cellseg_monai.data.readers.picture import believable_size

_MICROMETRES = {
    **dict.fromkeys(("µm", "μm", "um", "micron", "microns", "micrometer"), 1.0),  # both kinds of mu occur
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "inch": 25_400.0,
}
_RESOLUTION_UNITS = {tifffile.RESUNIT.CENTIMETER: 1e4, tifffile.RESUNIT.INCH: 25_400.0}
_COLOURS = (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR, tifffile.PHOTOMETRIC.PALETTE)


def pixel_size(file: tifffile.TiffFile, shrinkage: float, volume: bool) -> tuple[float, ...] | None:
    """Micrometres along x, y (and z).

    Args:
        file: the open file.
        shrinkage: pixels of the full image to a pixel of the pyramid level.
        volume: whether a size along z is wanted.

    Returns:
        The size, or None where the file tells none that can be believed.
    """
    page = file.pages.first
    size = _ome_size(file) or _imagej_size(file, page) or _aperio_size(page) or _tagged_size(page)
    if size is None or (volume and len(size) < 3):
        return None
    x, y, *z = size
    return (x * shrinkage, y * shrinkage, *(z if volume else ()))


def channel_names(file: tifffile.TiffFile) -> tuple[str, ...]:
    """Names from OME or ImageJ; red, green and blue for colour images; otherwise none."""
    named = tuple(str(channel["Name"]) for channel in _list(_ome(file).get("Channel")) if "Name" in channel)
    if named:
        return named
    labels = tuple(str(label) for label in (file.imagej_metadata or {}).get("Labels", ()))
    if labels:
        return labels
    return ("red", "green", "blue") if file.pages.first.photometric in _COLOURS else ()


def _ome(file: tifffile.TiffFile) -> dict[str, Any]:
    """The Pixels element of the first image in the OME-XML."""
    if not file.is_ome:
        return {}
    images = _list(tifffile.xml2dict(file.ome_metadata).get("OME", {}).get("Image"))
    return dict(images[0].get("Pixels", {})) if images else {}


def _list(element: Any) -> list[Any]:
    """XML elements that occur once are not in a list."""
    return element if isinstance(element, list) else [] if element is None else [element]


def _ome_size(file: tifffile.TiffFile) -> tuple[float, ...] | None:
    ome = _ome(file)
    if "PhysicalSizeX" not in ome or "PhysicalSizeY" not in ome:
        return None
    steps = [(ome[f"PhysicalSize{axis}"], ome.get(f"PhysicalSize{axis}Unit", "µm"))
             for axis in "XYZ" if f"PhysicalSize{axis}" in ome]  # fmt: skip
    if any(unit not in _MICROMETRES for _, unit in steps):  # a unit such as "pixel" says nothing
        return None
    return tuple(float(step) * _MICROMETRES[unit] for step, unit in steps)


def _imagej_size(file: tifffile.TiffFile, page: tifffile.TiffPage) -> tuple[float, ...] | None:
    metadata = file.imagej_metadata or {}
    scale = _MICROMETRES.get(str(metadata.get("unit", "")).replace("\\u00B5", "µ"))
    resolution = _resolution(page)
    if scale is None or resolution is None:
        return None
    depth = (float(metadata["spacing"]) * scale,) if "spacing" in metadata else ()
    return (scale / resolution[0], scale / resolution[1], *depth)


def _aperio_size(page: tifffile.TiffPage) -> tuple[float, ...] | None:
    found = re.search(r"\|\s*MPP\s*=\s*([0-9.]+)", page.description or "")
    return (float(found[1]), float(found[1])) if found else None


def _tagged_size(page: tifffile.TiffPage) -> tuple[float, ...] | None:
    unit, resolution = page.tags.get("ResolutionUnit"), _resolution(page)
    scale = _RESOLUTION_UNITS.get(unit.value) if unit else None
    if scale is None or resolution is None:
        return None
    return believable_size((scale / resolution[0], scale / resolution[1]))


def _resolution(page: tifffile.TiffPage) -> tuple[float, float] | None:
    """Pixels a unit along x and y."""
    tags = page.tags.get("XResolution"), page.tags.get("YResolution")
    if not all(tags):
        return None
    values = [tag.value[0] / tag.value[1] if tag.value[1] else 0.0 for tag in tags]
    return (values[0], values[1]) if min(values) > 0 else None
