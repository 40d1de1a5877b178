"""Where the first pixel begins in each tool: its outline gives the pixels of an independent rasteriser."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roifile
from PIL import Image
from skimage.draw import polygon2mask

from cellseg_monai.annotations import draw, format_of, read_annotations

SHAPE = (40, 60)
CORNERS = np.array([[3.2, 2.7], [47.9, 8.1], [51.3, 30.4], [20.6, 36.8], [22.1, 18.9], [5.4, 28.2]])
"""x and y from the corner of the first pixel."""

TRUTH = polygon2mask(SHAPE, CORNERS[:, ::-1] - 0.5)  # scikit-image counts from the centre of the first pixel


def geojson() -> str:
    ring = [*CORNERS.tolist(), CORNERS[0].tolist()]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    properties = {"objectType": "annotation", "classification": {"name": "Tumor", "color": [200, 0, 0]}}
    feature = {"type": "Feature", "id": "5d9e", "geometry": geometry, "properties": properties}
    return json.dumps({"type": "FeatureCollection", "features": [feature]})


def coco() -> str:
    return json.dumps(
        {
            "images": [{"id": 1, "file_name": "a.png", "height": SHAPE[0], "width": SHAPE[1]}],
            "categories": [{"id": 2, "name": "Tumor"}],
            "annotations": [
                {"id": 1, "image_id": 1, "category_id": 2, "segmentation": [CORNERS.ravel().tolist()]}
            ],
        }
    )


def labelme(**changes: Any) -> str:
    shape = {
        "label": "Tumor",
        "points": CORNERS.tolist(),
        "group_id": None,
        "shape_type": "polygon",
        "flags": {},
    }
    return json.dumps(
        {
            "version": "5.4.1", "flags": {}, "shapes": [shape | changes], "imagePath": "a.png",
            "imageData": None, "imageHeight": SHAPE[0], "imageWidth": SHAPE[1],
        }
    )  # fmt: skip


def cvat(*elements: str) -> str:
    points = ";".join(f"{x},{y}" for x, y in CORNERS)
    one = f'<polygon label="Tumor" source="manual" occluded="0" points="{points}" z_order="0"></polygon>'
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta></meta>'
        f'<image id="0" name="a.png" width="{SHAPE[1]}" height="{SHAPE[0]}">'
        f"{''.join(elements or (one,))}</image></annotations>"
    )


def napari(kind: str = "polygon", corners: Any = CORNERS) -> str:
    rows = [f"0,{kind},{place},{y - 0.5},{x - 0.5}" for place, (x, y) in enumerate(corners)]
    return "\n".join(["index,shape-type,vertex-index,axis-0,axis-1", *rows, ""])


@pytest.mark.parametrize(
    ("name", "content", "kind", "label"),
    [
        ("a.geojson", geojson, "geojson", "Tumor"),
        ("a.json", coco, "coco", "Tumor"),
        ("a.json", labelme, "labelme", "Tumor"),
        ("annotations.xml", cvat, "cvat", "Tumor"),
        ("a.csv", napari, "napari", None),
    ],
    ids=["geojson", "coco", "labelme", "cvat", "napari"],
)
def test_polygon(name: str, content: Callable[[], str], kind: str, label: str | None, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content())
    assert format_of(tmp_path / name) == kind
    (one,) = read_annotations(tmp_path / name)
    drawn = draw(one.regions, SHAPE)
    np.testing.assert_array_equal(drawn.label_map, TRUTH)
    assert not list(drawn.losses())
    assert one.regions[0].kind == label
    assert one.image in (None, "a.png")
    assert one.size in (None, SHAPE)


def test_polygon_of_fiji(tmp_path: Path) -> None:
    region = roifile.ImagejRoi.frompoints(CORNERS.astype(np.float32), name="0001-0002")
    region.group = 3
    region.tofile(tmp_path / "a.roi")
    (one,) = read_annotations(tmp_path / "a.roi")
    np.testing.assert_array_equal(draw(one.regions, SHAPE).label_map, TRUTH)
    assert one.regions[0].kind == "group 3"


def disc(x: float, y: float, across: float, down: float, degrees: float = 0) -> np.ndarray:
    """Pixels whose centre is inside a turned ellipse."""
    rows, columns = np.indices(SHAPE) + 0.5
    angle = np.deg2rad(degrees)
    along = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    aside = -(columns - x) * np.sin(angle) + (rows - y) * np.cos(angle)
    return (along / across) ** 2 + (aside / down) ** 2 < 1


def box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    rows, columns = np.indices(SHAPE) + 0.5
    return (columns > left) & (columns < right) & (rows > top) & (rows < bottom)


def encoded(mask: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def cropped() -> dict[str, Any]:
    rows, columns = np.nonzero(TRUTH)
    top, left, bottom, right = rows.min(), columns.min(), rows.max(), columns.max()
    part = TRUTH[top : bottom + 1, left : right + 1]
    runs = np.diff(np.flatnonzero(np.diff(part.ravel().astype(int), prepend=0, append=2) != 0), prepend=0)
    return {
        "left": int(left),
        "top": int(top),
        "right": int(right),
        "bottom": int(bottom),
        "part": part,
        "runs": runs,
    }


BOX = [[10.3, 4.2], [40.7, 20.9]]
TURNED = np.array([[30.21, 5.4], [45.21, 20.4], [30.21, 35.4], [15.21, 20.4]])


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.json", labelme(shape_type="rectangle", points=BOX), box(*BOX[0], *BOX[1])),
        (
            "a.json",
            labelme(shape_type="circle", points=[[30.2, 20.3], [30.2, 32.8]]),
            disc(30.2, 20.3, 12.5, 12.5),
        ),
        ("a.xml", cvat('<box label="x" xtl="10.3" ytl="4.2" xbr="40.7" ybr="20.9"/>'), box(*BOX[0], *BOX[1])),
        (
            "a.xml",
            cvat('<ellipse label="x" cx="30.2" cy="20.3" rx="15.5" ry="7.3" rotation="30"/>'),
            disc(30.2, 20.3, 15.5, 7.3, 30),
        ),
        (
            "a.xml",
            cvat('<box label="x" xtl="20.21" ytl="15.21" xbr="40.21" ybr="25.21" rotation="90"/>'),
            box(25.21, 10.21, 35.21, 30.21),
        ),
        ("a.csv", napari("rectangle", TURNED), polygon2mask(SHAPE, TURNED[:, ::-1] - 0.5)),
        (
            "a.csv",
            napari("ellipse", [[10.2, 5.1], [50.4, 5.1], [50.4, 33.3], [10.2, 33.3]]),
            disc(30.3, 19.2, 20.1, 14.1),
        ),
    ],
    ids=[
        "labelme rectangle",
        "labelme circle",
        "cvat box",
        "cvat ellipse",
        "cvat turned",
        "napari rectangle",
        "napari ellipse",
    ],
)
def test_other_shapes(name: str, content: str, expected: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    (one,) = read_annotations(tmp_path / name)
    found = draw(one.regions, SHAPE).label_map > 0
    assert expected.any()
    np.testing.assert_array_equal(found, expected)


def test_masks_of_pixels(tmp_path: Path) -> None:
    crop = cropped()
    points = [[crop["left"], crop["top"]], [crop["right"], crop["bottom"]]]
    (tmp_path / "a.json").write_text(labelme(shape_type="mask", points=points, mask=encoded(crop["part"])))
    rows, columns = crop["part"].shape
    element = (
        f'<mask label="x" rle="{", ".join(map(str, crop["runs"]))}" left="{crop["left"]}" '
        f'top="{crop["top"]}" width="{columns}" height="{rows}"/>'
    )
    (tmp_path / "a.xml").write_text(cvat(element))
    for name in ("a.json", "a.xml"):
        (one,) = read_annotations(tmp_path / name)
        np.testing.assert_array_equal(draw(one.regions, SHAPE).label_map, TRUTH)
