from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Run = Callable[[str], Any]
Put = Callable[..., Path]
Corners = list[tuple[float, float]]

NAME = "TCGA-18-5592-01Z-00-DX1"
TISSUE = np.full((10, 12, 3), 200)


def square(left: float, top: float, side: float) -> Corners:
    return [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]


def aperio(*regions: Corners, negative: tuple[int, ...] = ()) -> str:
    """An annotation file as ImageScope writes it, with its headers and empty elements."""
    parts = [
        '<Annotations MicronsPerPixel="0.252000">\n<Annotation Id="1" Name="" Type="4" LineColor="65535">',
        '<Attributes><Attribute Name="Description" Id="0" Value=""/></Attributes>',
        '<Regions><RegionAttributeHeaders><AttributeHeader Id="9999"/></RegionAttributeHeaders>',
    ]
    for number, corners in enumerate(regions, start=1):
        sign = int(number in negative)
        parts.append(f'<Region Id="{number}" Type="0" Zoom="1" NegativeROA="{sign}"><Attributes/><Vertices>')
        parts += [f'<Vertex X="{x}" Y="{y}" Z="0"/>' for x, y in corners]
        parts.append("</Vertices></Region>")
    return "\n".join([*parts, "</Regions><Plots/></Annotation></Annotations>"])


def test_polygons_become_objects(run: Run, put: Put) -> None:
    put(f"MoNuSeg 2018 Training Data/Tissue Images/{NAME}.tif", TISSUE)
    put(f"MoNuSeg 2018 Training Data/Annotations/{NAME}.xml", aperio(square(1, 2, 3), square(8, 7, 9)))
    imported = run("monuseg")
    expected = np.zeros((10, 12), np.int32)
    expected[2:5, 1:4] = 1
    expected[7:, 8:] = 2  # the part within the image
    np.testing.assert_array_equal(imported.label(NAME), expected)
    (item,) = imported.dataset["training"]
    assert item["group"] == "TCGA-18-5592"
    assert imported.dataset["licence"] == "CC-BY-NC-SA-4.0"


def test_test_images_lie_beside_their_annotations(run: Run, put: Put) -> None:
    put("MoNuSegTestData/TCGA-2Z-A9J9-01A-01-TS1.tif", TISSUE)
    put("MoNuSegTestData/TCGA-2Z-A9J9-01A-01-TS1.xml", aperio(square(0, 0, 4)))
    put("__MACOSX/MoNuSegTestData/._TCGA-2Z-A9J9-01A-01-TS1.xml", b"\x00\x05\x16\x07")
    imported = run("monuseg")
    assert imported.report.imported == {"test": 1}
    assert not imported.report.failures


def test_what_is_lost_is_named(run: Run, put: Put) -> None:
    put(f"Tissue Images/{NAME}.tif", TISSUE)
    regions = [square(0, 0, 4), square(0, 0, 4), [(1.0, 1.0), (2.0, 2.0)], square(6, 6, 2)]
    put(f"Annotations/{NAME}.xml", aperio(*regions, negative=(4,)))
    imported = run("monuseg")
    (conflict,) = imported.report.conflicts
    assert conflict.contested_pixels == 16
    assert conflict.lost_objects == ("region 2", "region 3", "region 4 (negative)")
    assert imported.label(NAME).max() == 1


def test_file_without_regions_is_an_image_without_nuclei(run: Run, put: Put) -> None:
    put(f"Tissue Images/{NAME}.tif", TISSUE)
    put(f"Annotations/{NAME}.xml", aperio())
    assert run("monuseg").label(NAME).max() == 0


BOMB = """<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>
<Annotations>&c;</Annotations>"""
FETCH = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><Annotations>&x;</Annotations>'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "it declares the document type lolz"),
        (FETCH, "it declares the document type r"),
        (BOMB.encode("utf-16"), "it declares the document type lolz"),
        ("<Annotations><Region>", "is not a valid Aperio annotation: no element found"),
        (aperio([(0, 0), (4, 0), (4, 4)]).replace('X="4"', 'X="four"'), "could not convert"),
        (aperio([(0, 0), (4, 0), (4, 4)]).replace('X="4"', ""), "is not a valid Aperio annotation: 'X'"),
        (aperio([(0, 0), (float("nan"), 0), (4, 4)]), "not finite"),
    ],
    ids=["bomb", "fetch", "bomb in UTF-16", "cut off", "no number", "no coordinate", "not a number"],
)
def test_bad_annotation_is_a_failure_of_its_image(run: Run, put: Put, text: str | bytes, reason: str) -> None:
    put("Tissue Images/good.tif", TISSUE)
    put("Annotations/good.xml", aperio(square(0, 0, 4)))
    put("Tissue Images/bad.tif", TISSUE)
    put("Annotations/bad.xml", text)
    imported = run("monuseg")
    assert reason in imported.failures()["bad.tif"]
    assert "bad.xml" in imported.failures()["bad.tif"]
    assert imported.report.imported == {"training": 1}
