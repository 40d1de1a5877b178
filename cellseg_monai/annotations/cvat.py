"""CVAT for images 1.1: one XML file for many images.

Points are pixels from the upper left corner of the image, as on CVAT's canvas. Angles turn clockwise. A
``mask`` has run lengths along the rows of its box.
"""

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np

from cellseg_monai.annotations.bitmaps import rings_of_rows
from cellseg_monai.annotations.curves import ellipse, rectangle
from cellseg_monai.annotations.regions import Annotated, Region, Rings, grouped, without_area
from cellseg_monai.annotations.xml_tree import parse_xml

_AREAS = ("polygon", "box", "ellipse", "mask")
_OTHERS = ("polyline", "points", "cuboid", "skeleton")


def read(path: Path) -> list[Annotated]:
    """Read the shapes of each image; ``label`` is the class, and a group is one object in pieces.

    Raises:
        ValueError: the file is not one of CVAT for images, or a shape is malformed.
    """
    try:
        root = parse_xml(path)
    except (ParseError, ValueError) as error:
        raise ValueError(f"cannot be read: {error}") from error
    if root.find("track") is not None:
        raise ValueError("holds tracks of a video; export the task from CVAT as 'CVAT for images 1.1'")
    images = root.findall("image")
    if root.tag != "annotations" or not images:
        raise ValueError("is not a file of 'CVAT for images 1.1': it has no <annotations> with <image>")
    return [_annotated(image) for image in images]


def _annotated(image: Element) -> Annotated:
    name = image.get("name") or ""
    shapes = [one for one in image if one.tag in (*_AREAS, *_OTHERS)]
    regions = [(_group(one), _region(name, one)) for one in shapes if one.tag in _AREAS]
    notes = without_area((one.tag for one in shapes if one.tag in _OTHERS), len(shapes))
    size = tuple(int(image.get(side) or 0) for side in ("height", "width"))
    return Annotated(grouped(regions), name, (size[0], size[1]) if all(size) else None, notes)


def _group(shape: Element) -> str | None:
    return shape.get("group_id") if shape.get("group_id") not in (None, "", "0") else None


def _region(name: str, shape: Element) -> Region:
    known = {one.get("name"): one.text for one in shape.iter("attribute") if one.text}
    try:
        return Region([_rings(shape)], kind=shape.get("label"), known={str(key): known[key] for key in known})
    except (ValueError, KeyError) as error:
        raise ValueError(f"{name}: a {shape.tag} cannot be read: {error}") from error


def _rings(shape: Element) -> Rings:
    def value(key: str) -> float:
        return float(shape.attrib[key])

    degrees = float(shape.get("rotation") or 0)
    if shape.tag == "polygon":
        points = [[float(value) for value in point.split(",")] for point in shape.attrib["points"].split(";")]
        return [np.array(points, np.float64).reshape(-1, 2)]
    if shape.tag == "box":
        return [rectangle(value("xtl"), value("ytl"), value("xbr"), value("ybr"), degrees)]
    if shape.tag == "ellipse":
        return [ellipse(value("cx"), value("cy"), value("rx"), value("ry"), degrees)]
    counts = [int(count) for count in shape.attrib["rle"].split(",")]
    left, top, width, height = (int(value(key)) for key in ("left", "top", "width", "height"))
    return rings_of_rows(counts, (height, width), left, top)
