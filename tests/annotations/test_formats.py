"""Groups, shapes without area, and what each reader refuses, with the name of the file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellseg_monai.annotations import draw, format_of, read_annotations

SQUARE = [[0, 0], [2, 0], [2, 2], [0, 2]]
NAPARI = "index,shape-type,vertex-index,axis-0,axis-1"
OTHER = [[3, 0], [5, 0], [5, 1], [3, 1]]


def labelme(*shapes: dict[str, Any]) -> str:
    return json.dumps({"shapes": shapes, "imagePath": "..\\images\\a.png", "imageHeight": 4, "imageWidth": 6})


def of_cvat(shapes: str) -> str:
    return f'<annotations><image name="b" width="6" height="4">{shapes}</image></annotations>'


def test_groups_are_one_object(tmp_path: Path) -> None:
    pieces = [{"label": "cell", "points": points, "group_id": 4} for points in (SQUARE, OTHER)]
    lone = {"label": "cell", "points": [[0, 3], [1, 3], [1, 4], [0, 4]], "group_id": None}
    (tmp_path / "a.json").write_text(labelme(*pieces, lone))
    xml = '<annotations><image name="a.png" width="6" height="4">{}</image></annotations>'
    shapes = [
        f'<polygon label="cell" group_id="4" points="{text}"/>'
        for text in ("0,0;2,0;2,2;0,2", "3,0;5,0;5,1;3,1")
    ]
    shapes.append('<polygon label="cell" group_id="0" points="0,3;1,3;1,4;0,4"/>')
    (tmp_path / "a.xml").write_text(xml.format("".join(shapes)))
    for name in ("a.json", "a.xml"):
        (one,) = read_annotations(tmp_path / name)
        assert draw(one.regions, (4, 6)).label_map.tolist() == [
            [1, 1, 0, 1, 1, 0],
            [1, 1, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0],
            [2, 0, 0, 0, 0, 0],
        ]
        assert one.size == (4, 6)


def test_attributes_of_cvat_are_known(tmp_path: Path) -> None:
    shape = '<box label="cell" xtl="0" ytl="0" xbr="1" ybr="1"><attribute name="stage">G1</attribute></box>'
    (tmp_path / "a.xml").write_text(f'<annotations><image name="a.png">{shape}</image></annotations>')
    (one,) = read_annotations(tmp_path / "a.xml")
    assert one.regions[0].known == {"stage": "G1"}
    assert one.size is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", labelme({"points": [[1, 1]], "shape_type": "point"}, {"label": "x", "points": SQUARE})),
        ("a.xml", of_cvat('<points points="1,1"/><box xtl="0" ytl="0" xbr="2" ybr="2"/>')),
        (
            "a.csv",
            "index,shape-type,vertex-index,axis-0,axis-1\n0,path,0,0,0\n0,path,1,5,5\n"
            "1,polygon,0,-0.5,-0.5\n1,polygon,1,-0.5,1.5\n1,polygon,2,1.5,1.5\n1,polygon,3,1.5,-0.5\n",
        ),
        (
            "a.json",
            json.dumps(
                {
                    "images": [{"id": 1, "file_name": "a", "height": 4, "width": 6}],
                    "annotations": [
                        {"image_id": 1, "bbox": [0, 0, 1, 1], "segmentation": []},
                        {"image_id": 1, "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2]]},
                    ],
                }
            ),
        ),
    ],
    ids=["labelme", "cvat", "napari", "coco"],
)  # fmt: skip
def test_shapes_without_area_are_told(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    (one,) = read_annotations(tmp_path / name)
    assert "1 of 2 shapes have no area (1 " in one.notes[0]
    assert draw(one.regions, (4, 6)).label_map.sum() == 4


def test_annotations_beside_detections_are_told(tmp_path: Path) -> None:
    ring = [*SQUARE, SQUARE[0]]
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {"objectType": kind},
        }
        for kind in ("annotation", "detection", "detection")
    ]
    (tmp_path / "a.geojson").write_text(json.dumps(features))
    assert (
        "1 annotations beside 2 detections count as cells"
        in read_annotations(tmp_path / "a.geojson")[0].notes[0]
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", '{"shapes": 5}', r"a\.json: is not a Labelme file"),
        ("a.json", labelme({"points": [[0, 0], [1, 1]]}), r"polygon shapes\[0\] cannot be read: it has 2"),
        ("a.json", labelme({"points": SQUARE, "shape_type": "mask", "mask": "é"}), r"mask shapes\[0\]"),
        ("a.json", "{", r"a\.json: invalid JSON"),
        ("a.json", "[5]", r"a\.json: is not a file of annotations in a known format: COCO, CVAT"),
        ("a.xml", '<annotations><track id="0"/></annotations>', r"a\.xml: holds tracks of a video; export"),
        ("a.xml", "<annotations></annotations>", r"a\.xml: is not a file of 'CVAT for images 1.1'"),
        ("a.xml", "<annotations><image", r"a\.xml: cannot be read"),
        ("a.xml", '<!DOCTYPE x [<!ENTITY a "b">]><annotations/>', r"a\.xml: cannot be read: it declares the"),
        ("a.xml", of_cvat("<box/>"), r"a\.xml: b: a box cannot be read"),
        (
            "a.xml",
            of_cvat('<mask rle="1,2" left="0" top="0" width="2" height="2"/>'),
            r"a\.xml: b: a mask cannot be read: the run lengths add up to 3",
        ),
        ("a.csv", f"{NAPARI}\n0,polygon,0,x,1\n", r"a\.csv: line 2 has a coordinate"),
        (
            "a.csv",
            "index,shape-type,vertex-index,axis-0,axis-1,axis-2\n0,polygon,0,0,0,0\n1,polygon,0,1,0,0\n",
            r"a\.csv: its shapes lie on 2 planes",
        ),
        ("a.csv", "index,shape-type,vertex-index,axis-0\n", r"a\.csv: is not a shapes layer of napari"),
    ],
)  # fmt: skip
def test_refusals(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        read_annotations(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "image,label\n"),
        ("a.json", '{"training": []}'),
        ("a.xml", "<Annotations/>"),
        ("a.zip", "x"),
        ("a.txt", "x"),
    ],
)
def test_other_files_are_none(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    assert format_of(tmp_path / name) is None


def test_corner_that_is_not_finite(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(labelme({"label": "x", "points": [[0, 0], [1, 0], [float("nan"), 1]]}))
    with pytest.raises(ValueError, match="not finite"):
        draw(read_annotations(tmp_path / "a.json")[0].regions, (4, 6))
    assert np.isnan(read_annotations(tmp_path / "a.json")[0].regions[0].parts[0][0]).any()
