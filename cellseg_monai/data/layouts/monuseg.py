"""MoNuSeg 2018: stained tissue with nuclei as Aperio ImageScope polygons."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from cellseg_monai.annotations.xml_tree import parse_xml
from cellseg_monai.data.layouts.folders import images_in, paired, tcga_patient
from cellseg_monai.data.layouts.painting import Pixels, paint, polygon_pixels
from cellseg_monai.data.layouts.samples import Annotation, Failure, Sample, Split
from cellseg_monai.polygons import Shape


def samples(source: Path) -> Iterator[Sample | Failure]:
    """MoNuSeg 2018: Tissue Images/*.tif with Annotations/*.xml (Aperio polygons).

    ::

        MoNuSeg 2018 Training Data/
            Annotations/TCGA-18-5592-01Z-00-DX1.xml
            Tissue Images/TCGA-18-5592-01Z-00-DX1.tif       1000 × 1000 RGB
        MoNuSegTestData/
            TCGA-2Z-A9J9-01A-01-TS1.tif
            TCGA-2Z-A9J9-01A-01-TS1.xml

        <Annotations MicronsPerPixel="0.252"><Annotation Id="1"><Regions>
            <Region Id="1"><Vertices><Vertex X="372.5" Y="551" Z="0"/> … </Vertices></Region>

    The source is the parent folder of both, or one of them. Images below a folder with TestData in its name
    are test images. The group is the patient. Each region is a nucleus. A negative region, which ImageScope
    draws for a hole, is not a nucleus and is reported as lost.
    """
    files = sorted(file for file in source.rglob("*.xml") if not file.name.startswith("."))
    for folder in sorted({file.parent for file in files}):
        images = folder.parent / "Tissue Images" if folder.name == "Annotations" else folder
        parts = (source.name, *folder.relative_to(source).parts)
        split: Split = "test" if any("TestData" in part for part in parts) else "training"
        masks = [file for file in files if file.parent == folder]
        yield from paired(images_in(images), masks, annotate, split=split, group=tcga_patient)


def annotate(path: Path, shape: Shape) -> Annotation:
    """Draw the regions of an Aperio XML file.

    Args:
        path: XML file.
        shape: rows and columns of its image.

    Raises:
        ValueError: the file is not valid XML, a corner is not a number, or the file declares a document type,
            whose entities could grow without limit.
    """
    try:
        tree = parse_xml(path)
        return paint([_nucleus(region, shape) for region in tree.iter("Region")], shape)
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise ValueError(f"{path.name} is not a valid Aperio annotation: {error}") from error


def _nucleus(region: ElementTree.Element, shape: Shape) -> tuple[str, Pixels]:
    name = f"region {region.get('Id')}"
    if region.get("NegativeROA", "0") == "1":
        return f"{name} (negative)", polygon_pixels([], [], shape)
    corners = list(region.iter("Vertex"))
    xs, ys = ([float(corner.attrib[axis]) for corner in corners] for axis in "XY")
    return name, polygon_pixels(xs, ys, shape)
