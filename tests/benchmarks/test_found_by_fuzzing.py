"""Inputs that a parser answered with something else than a sentence, until they were found by fuzzing."""

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from cellseg_monai.annotations import draw, read_annotations
from cellseg_monai.audit import Severity, audit_files
from cellseg_monai.audit.keys import fingerprint, read_key
from cellseg_monai.cli.options import setting
from cellseg_monai.data import list_items, read_picture
from cellseg_monai.data.layouts.seg_npy import read_seg_npy
from cellseg_monai.outputs import verify_run

POLYGON = {"type": "Polygon", "coordinates": [[[1, 1], [9, 1], [9, 8]]]}
FEATURE = {"type": "Feature", "geometry": POLYGON}
COCO = {"images": [{"id": 1, "file_name": "a", "height": 9, "width": 9}], "categories": []}
SEGMENTATION = [[1, 1, 5, 1, 5, 5]]
BROKEN_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNgYGD4DwABBAEAfb1qGQ=="


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.geojson", {"features": [FEATURE], "shape": {"rows": 3}}),
        ("a.geojson", {"features": [FEATURE], "shape": [3]}),
        ("a.geojson", {"features": [{"type": "Feature", "geometry": 3}]}),
        ("a.geojson", {"features": [FEATURE], "shape": [-3, 5]}),
        ("a.json", COCO | {"annotations": [{"image_id": 1, "segmentation": SEGMENTATION, "label": "x"}]}),
        (
            "a.json",
            COCO | {"annotations": [{"image_id": 1, "segmentation": SEGMENTATION, "category_id": []}]},
        ),
        ("a.json", {"shapes": [{"shape_type": "mask", "points": [[0, 0], [1, 1]], "mask": BROKEN_PNG}]}),
        ("a.json", {"shapes": [{"shape_type": "circle", "points": [[0, 0], [1e300, 1]]}]}),
    ],
    ids=["size of words", "one size", "geometry", "negative", "label", "category", "mask", "circle"],
)
def test_annotations(name: str, content: Any, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"a\.|negative"):  # noqa: PT012
        (annotated,) = read_annotations(path)
        draw(annotated.regions, annotated.size or (9, 9))


def test_a_region_of_imagej_that_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "3.roi").write_bytes(b"Iout" + struct.pack(">H", 227) + bytes(10) + b"\xff" * 60)
    with pytest.raises(ValueError, match=r"3\.roi: "):
        read_annotations(tmp_path / "3.roi")


@pytest.mark.parametrize("text", ["(" * 3000, "[" * 100_000, "{[]: 1}", "-" * 100_000 + "1"])
def test_a_value_of_an_option_that_python_cannot_read_is_text(text: str) -> None:
    assert setting(f"a={text}") == ("a", text)


def test_json_without_end_of_depth(tmp_path: Path) -> None:
    path = tmp_path / "dataset.json"
    path.write_text("[" * 100_000)
    for read in (read_annotations, list_items):
        with pytest.raises(ValueError, match=r"dataset\.json: invalid JSON"):
            read(path)


@pytest.mark.parametrize(
    "entry", [{"image": 3}, {"image": {}}, {"image": None}, {"image": []}, {"image": [1]}]
)
def test_an_image_that_is_no_file_name(entry: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps({"training": [entry]}))
    with pytest.raises(ValueError, match=r"dataset\.json: training\[0\]: image must be a file name"):
        list_items(tmp_path)


def test_a_weight_that_is_no_number(tmp_path: Path) -> None:
    (tmp_path / "a.tif").touch()
    (tmp_path / "dataset.json").write_text(json.dumps({"training": [{"image": "a.tif", "weight": [1]}]}))
    with pytest.raises(ValueError, match=r"dataset\.json: training\[0\]: weight must be a number, not \[1\]"):
        list_items(tmp_path)


RECORD = {"command": "", "exit": None, "start": "", "end": None}


@pytest.mark.parametrize(
    "wrong",
    [{"inputs": True}, {"inputs": ["a"]}, {"outputs": [{"file": 3}]}, {"earlier": [3]}, {"earlier": {}}],
)
def test_a_record_that_is_none(wrong: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"measure": RECORD | wrong}))
    with pytest.raises(FileExistsError, match=r"run\.json exists, but is not a record of runs"):
        verify_run(tmp_path)


def test_a_key_of_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="lab: not a public key"):
        fingerprint(read_key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5OTkAAAAg lab"))


def test_an_array_whose_header_never_ends(tmp_path: Path) -> None:
    header = b"{'descr': '|u1', (\n".ljust(118)
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    (tmp_path / "data.npy").write_bytes(content)
    found = {finding.severity: finding.why for finding in audit_files(tmp_path / "data.npy").findings}
    assert found[Severity.REFUSED] == "the array is damaged, and cannot be judged"


def test_weights_with_a_part_without_a_name(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("x", b"\x80\x02.")
    (tmp_path / "model.pt").write_bytes(packed.getvalue().replace(b"x\x80", b"\0\x80").replace(b"x", b"\0"))
    findings = audit_files(tmp_path / "model.pt").findings
    assert all("cannot be judged" not in finding.why for finding in findings)


def test_weights_with_a_part_that_is_damaged(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model/data.pkl", b"\x80\x02." * 100)
    content = packed.getvalue()
    start = content.index(b"data.pkl") + len("data.pkl")
    (tmp_path / "model.pt").write_bytes(content[:start] + b"\xff" * 4 + content[start + 4 :])
    whys = [finding.why for finding in audit_files(tmp_path / "model.pt").refused]
    assert whys == ["the archive is damaged, and cannot be judged"]


def test_a_page_of_a_tiff_without_a_pixel(tmp_path: Path) -> None:
    entry = struct.pack("<HHII", 256, 4, 1, 32)
    pages = struct.pack("<H", 14) + entry * 14 + struct.pack("<I", 32) + bytes(600)
    (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<I", 8) + pages)
    with pytest.raises(ValueError, match=r"a\.tif: .*page \d+ has no pixels"):
        read_picture(tmp_path / "a.tif")


def test_a_meta_image_of_many_files(tmp_path: Path) -> None:
    header = "ObjectType = Image\nNDims = 2\nDimSize = 8 6\nElementType = MET_UCHAR\n"
    (tmp_path / "a.mha").write_bytes(f"{header}ElementDataFile = LOCA $%& x y z\n".encode() + bytes(48))
    with pytest.raises(ValueError, match=r"a\.mha: .*by a pattern, which is not read"):
        read_picture(tmp_path / "a.mha")


def test_a_pickle_that_sets_the_state_of_an_array(tmp_path: Path) -> None:
    """NumPy's own `__setstate__` ends the process on a state such as this."""

    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            build, given, _ = np.zeros(1).__reduce__()
            return build, given, (1, (9,), np.dtype(object), False, 7)

    np.save(tmp_path / "whole.npy", {"masks": 0})
    header, _, _ = (tmp_path / "whole.npy").read_bytes().partition(b"\n")
    (tmp_path / "a_seg.npy").write_bytes(header + b"\n" + pickle.dumps(Hostile()))
    with pytest.raises(ValueError, match=r"a_seg\.npy cannot be read safely"):
        read_seg_npy(tmp_path / "a_seg.npy", (1, 9))


def test_a_tiff_without_a_pixel(tmp_path: Path) -> None:
    stored = io.BytesIO()
    tifffile.imwrite(stored, np.zeros((16, 16), np.uint8))
    content = bytearray(stored.getvalue())
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        place = file.pages.first.tags["ImageLength"].offset
    content[place + 8 : place + 12] = bytes(4)
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.tif: cannot be read"):
        read_picture(tmp_path / "a.tif")
