"""Pixel size and channel names of TIFF files: OME, ImageJ, Aperio, and plain resolution tags."""

import re
from typing import Any

import tifffile

from cellseg_monai.data.readers.picture import MICROMETRES, believable_size

_RESOLUTION_UNITS = {tifffile.RESUNIT.CENTIMETER: "cm", tifffile.RESUNIT.INCH: "inch"}
_COLOURS = (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR, tifffile.PHOTOMETRIC.PALETTE)


def pixel_size(file: tifffile.TiffFile, shrinkage: float) -> tuple[float, ...] | None:
    """Read the pixel size.

    Args:
        file: open TIFF file.
        shrinkage: pixels of the full image per pixel of the pyramid level.

    Returns:
        Micrometres along x, y (and z), or None if the file has no believable pixel size.
    """
    page = file.pages.first
    size = _ome_size(file) or _imagej_size(file, page) or _aperio_size(page) or _tagged_size(page)
    return size and (size[0] * shrinkage, size[1] * shrinkage, *size[2:])


def channel_names(file: tifffile.TiffFile) -> tuple[str, ...]:
    """Read the channel names from OME or ImageJ metadata; colour images have red, green and blue."""
    named = [channel["Name"] for channel in _list(_ome(file).get("Channel")) if "Name" in channel]
    labels = named or (file.imagej_metadata or {}).get("Labels", ())
    if labels:
        return tuple(map(str, labels))
    return ("red", "green", "blue") if file.pages.first.photometric in _COLOURS else ()


def _ome(file: tifffile.TiffFile) -> dict[str, Any]:
    """The ``Pixels`` element of the first image in the OME-XML."""
    if not file.is_ome:
        return {}
    images = _list(tifffile.xml2dict(file.ome_metadata).get("OME", {}).get("Image"))
    return dict(images[0].get("Pixels", {})) if images else {}


def _list(element: Any) -> list[Any]:
    """Put an XML element that occurs once into a list, like those that occur more often."""
    return element if isinstance(element, list) else [] if element is None else [element]


def _ome_size(file: tifffile.TiffFile) -> tuple[float, ...] | None:
    ome = _ome(file)
    steps = [(ome[f"PhysicalSize{axis}"], ome.get(f"PhysicalSize{axis}Unit", "µm"))
             for axis in "XYZ" if f"PhysicalSize{axis}" in ome]  # fmt: skip
    if len(steps) < 2 or any(unit not in MICROMETRES for _, unit in steps):  # for example "pixel"
        return None
    return tuple(float(step) * MICROMETRES[unit] for step, unit in steps)


def _imagej_size(file: tifffile.TiffFile, page: tifffile.TiffPage) -> tuple[float, ...] | None:
    metadata = file.imagej_metadata or {}
    size = _resolution(page, str(metadata.get("unit", "")).replace("\\u00B5", "µ"))
    if size is None:
        return None
    scale, x, y = size
    return (x, y, float(metadata["spacing"]) * scale) if "spacing" in metadata else (x, y)


def _aperio_size(page: tifffile.TiffPage) -> tuple[float, ...] | None:
    found = re.search(r"\|\s*MPP\s*=\s*([0-9.]+)", page.description or "")
    return (float(found[1]), float(found[1])) if found else None


def _tagged_size(page: tifffile.TiffPage) -> tuple[float, ...] | None:
    unit = page.tags.get("ResolutionUnit")
    size = _resolution(page, _RESOLUTION_UNITS.get(unit.value, "")) if unit else None
    return size and believable_size(size[1:])


def _resolution(page: tifffile.TiffPage, unit: str) -> tuple[float, float, float] | None:
    """Micrometres per unit, and micrometres per pixel along x and y."""
    scale = MICROMETRES.get(unit)
    tags = page.tags.get("XResolution"), page.tags.get("YResolution")
    if scale is None or not all(tags):
        return None
    x, y = (tag.value[0] / tag.value[1] if tag.value[1] else 0.0 for tag in tags)
    return (scale, scale / x, scale / y) if min(x, y) > 0 else None
