"""Files of microscopes: each is written here in the published form of its format, and read by its library."""

import re
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from cellseg_monai.data import check_dataset, list_items, read_picture
from cellseg_monai.data.readers.microscopes import SUFFIXES

STACK = np.random.default_rng(0).integers(0, 4000, (2, 3, 2, 20, 30)).astype(np.uint16)
"""Frames, planes, channels, rows and columns."""


def write_czi(path: Path, pixels: npt.NDArray[np.uint16]) -> None:
    czi = pytest.importorskip("pylibCZIrw.czi")
    with czi.create_czi(str(path)) as file:
        for at in np.ndindex(pixels.shape[:3]):
            file.write(data=pixels[at][..., None], plane=dict(zip("TZC", at, strict=True)))
        sizes = {"scale_x": 0.325e-6, "scale_y": 0.325e-6, "scale_z": 1e-6}
        file.write_metadata("stack", channel_names={0: "DAPI", 1: "GFP"}, **sizes)


def write_lif(path: Path, pixels: npt.NDArray[np.uint16]) -> None:
    """One image of version 2: XML, then the pixels, with the strides that the XML describes."""
    pytest.importorskip("liffile")
    frames, planes, channels, rows, columns = pixels.shape
    strides = pixels.strides
    described = [
        (1, columns, 0.325e-6 * (columns - 1), strides[4]),
        (2, rows, 0.325e-6 * (rows - 1), strides[3]),
        (3, planes, 1e-6 * (planes - 1), strides[1]),
        (4, frames, 1.0, strides[0]),
    ]
    of_channels = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="16" NameOfMeasuredQuantity="" Min="0" '
        f'Max="65535" Unit="" LUTName="Gray" IsLUTInverted="0" BytesInc="{number * strides[2]}" BitInc="0"/>'
        for number in range(channels)
    )
    of_axes = "".join(
        f'<DimensionDescription DimID="{number}" NumberOfElements="{count}" Origin="0" Length="{length}" '
        f'Unit="{"s" if number == 4 else "m"}" BitInc="0" BytesInc="{step}"/>'
        for number, count, length, step in described
    )
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="file" Visibility="1" CopyOption="1"><Children>'
        '<Element Name="stack" Visibility="1" CopyOption="1"><Data><Image><ImageDescription>'
        f"<Channels>{of_channels}</Channels><Dimensions>{of_axes}</Dimensions>"
        f'</ImageDescription></Image></Data><Memory Size="{pixels.nbytes}" MemoryBlockID="MemBlock_1"/>'
        "</Element></Children></Element></LMSDataContainerHeader>"
    )
    name = "MemBlock_1"
    content = struct.pack("<IIBI", 0x70, 2 * len(xml) + 5, 0x2A, len(xml)) + xml.encode("utf-16-le")
    sized = struct.pack("<BQBI", 0x2A, pixels.nbytes, 0x2A, len(name)) + name.encode("utf-16-le")
    path.write_bytes(content + struct.pack("<II", 0x70, len(sized)) + sized + pixels.tobytes())


WRITERS = {".czi": write_czi, ".lif": write_lif}


@pytest.mark.parametrize("suffix", WRITERS)
def test_planes_axes_and_pixel_size(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    WRITERS[suffix](path, STACK)
    picture = read_picture(path, select={"T": 1, "Z": 2})
    np.testing.assert_array_equal(picture.rows_columns(), np.moveaxis(STACK[1, 2], 0, -1))
    assert picture.pixel_size == pytest.approx((0.325, 0.325))
    volume = read_picture(path, select={"T": 0})
    np.testing.assert_array_equal(volume.rows_columns(), np.moveaxis(STACK[0], 1, -1))
    assert volume.pixel_size == pytest.approx((0.325, 0.325, 1.0))
    region = read_picture(path, select={"T": 1, "Z": 0}, region=((3, 9), (5, 7)))
    np.testing.assert_array_equal(region.rows_columns(), np.moveaxis(STACK[1, 0, :, 5:7, 3:9], 0, -1))
    with pytest.raises(ValueError, match="the file has 2 frames of a time-lapse along T"):
        read_picture(path)
    with pytest.raises(ValueError, match="level can be chosen only of TIFF and OME-Zarr"):
        read_picture(path, level=1)


def test_names_of_the_channels_of_zeiss(tmp_path: Path) -> None:
    write_czi(tmp_path / "a.czi", STACK[:1, :1])
    assert read_picture(tmp_path / "a.czi").channel_names == ("DAPI", "GFP")


def test_colours_of_zeiss_are_red_green_and_blue(tmp_path: Path) -> None:
    czi = pytest.importorskip("pylibCZIrw.czi")
    colours = np.random.default_rng(1).integers(0, 255, (20, 30, 3)).astype(np.uint8)
    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        file.write(data=np.ascontiguousarray(colours[..., ::-1]))  # the format stores blue first
    np.testing.assert_array_equal(read_picture(tmp_path / "a.czi").rows_columns(), colours)


def test_the_first_scene_of_zeiss(tmp_path: Path) -> None:
    czi = pytest.importorskip("pylibCZIrw.czi")
    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        for scene, place in ((0, (100, 50)), (1, (500, 400))):
            file.write(data=STACK[0, 0, scene][..., None], plane={"C": 0}, scene=scene, location=place)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.czi").rows_columns(), STACK[0, 0, 0])


def settings(sections: Mapping[str, Mapping[str, object]]) -> bytes:
    lines = [line for name, values in sections.items() for line in (f"[{name}]", *_lines(values))]
    return "\r\n".join(lines).encode("utf-16")


def _lines(values: Mapping[str, object]) -> list[str]:
    return [
        f'{name}="{value}"' if isinstance(value, str) else f"{name}={value}" for name, value in values.items()
    ]


def test_olympus(tmp_path: Path) -> None:
    pytest.importorskip("oiffile")
    files = tmp_path / "a.oif.files"
    files.mkdir()
    channels = STACK[0, 0]
    for number, pixels in enumerate(channels, start=1):
        tifffile.imwrite(files / f"s_C{number:03}.tif", pixels)
    axes = {"X": (30, 9425.0), "Y": (20, 6175.0), "C": (2, 2.0)}
    sections: dict[str, dict[str, object]] = {
        "Axis Parameter Common": {"AxisOrder": "XYC"},
        "Reference Image Parameter": {"ImageDepth": 2},
        "ProfileSaveInfo": {"Name": "a.oif", "Version": "2.0"},
    }
    for number, (axis, (count, end)) in enumerate(axes.items()):
        sections[f"Axis {number} Parameters Common"] = {
            "AxisCode": axis, "MaxSize": count, "StartPosition": 0.0, "EndPosition": end, "UnitName": "nm",
        }  # fmt: skip
    (tmp_path / "a.oif").write_bytes(settings(sections))
    picture = read_picture(tmp_path / "a.oif")
    np.testing.assert_array_equal(picture.rows_columns(), np.moveaxis(channels, 0, -1))
    assert picture.pixel_size == pytest.approx((0.325, 0.325))
    assert [Path(item["image"]).name for item in list_items(tmp_path, recursive=True)] == ["a.oif"]


@pytest.mark.parametrize(
    ("suffix", "library"),
    [(".czi", "pylibCZIrw"), (".nd2", "nd2"), (".lif", "liffile"), (".oib", "oiffile"), (".oif", "oiffile")],
)
def test_without_the_extra_one_sentence(
    suffix: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert suffix in SUFFIXES
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / f"a{suffix}").write_bytes(b"")
    told = (
        f"{suffix} files need {library}: pip install 'cellseg-monai[microscopes]'; or open the file in Fiji "
        "and save it as TIFF"
    )
    with pytest.raises(ValueError, match=re.escape(f"a{suffix}: cannot be read: {told}")):
        read_picture(tmp_path / f"a{suffix}")
    (finding,) = [one for one in check_dataset(tmp_path).findings if one.check == "unreadable"]
    assert told in finding.message
