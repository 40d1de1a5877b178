"""Every reader and parser of text and files from elsewhere, with valid input to begin with.

A parser is a function of the content and of a folder in which it may write the file to read.
"""

import argparse
import base64
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import tifffile
import zarr
from PIL import Image
from roifile import ImagejRoi

from cellseg_monai import polygons
from cellseg_monai.annotations import draw, read_annotations
from cellseg_monai.audit.configs import judge_config
from cellseg_monai.audit.expressions import judge_expression
from cellseg_monai.audit.keys import is_signature, read_key
from cellseg_monai.audit.logging_conf import judge_logging
from cellseg_monai.audit.manifest import MANIFEST, judge_manifest
from cellseg_monai.audit.pickles import judge_pickle
from cellseg_monai.audit.policy import allowed, read_policy
from cellseg_monai.audit.sources import Entry
from cellseg_monai.audit.texts import read_plain
from cellseg_monai.audit.weights import judge_binary
from cellseg_monai.cli.options import channels, setting
from cellseg_monai.data import list_items, read_picture
from cellseg_monai.data.layouts.seg_npy import read_seg_npy
from cellseg_monai.outputs import Run, claim_outputs, verify_run, written_in
from cellseg_monai.run_lengths import read_counts
from cellseg_monai.runtime.overrides import override
from cellseg_monai.runtime.settings import kept_settings

Run_ = Callable[[bytes, Path], object]


class Parser(NamedTuple):
    """A parser to fuzz.

    Attributes:
        run: function of content and folder.
        seeds: valid content.
        runs: number of executions of a whole run; cheap parsers get more.
        is_json: whether to change the values of JSON rather than its bytes.
    """

    run: Run_
    seeds: Sequence[bytes]
    runs: int
    is_json: bool = False


def _on_file(name: str, read: Callable[[Path], object]) -> Run_:
    """A parser that reads a file of the content."""

    def run(content: bytes, folder: Path) -> object:
        (folder / name).write_bytes(content)
        return read(folder / name)

    return run


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _drawn(path: Path) -> None:
    for annotated in read_annotations(path):
        draw(annotated.regions, annotated.size or (48, 64))


def _json(content: object) -> bytes:
    return json.dumps(content).encode()


def _polygons(content: bytes, _: Path) -> None:
    corners = np.frombuffer(content[: len(content) // 16 * 16], np.float64).reshape(-1, 2)
    with np.errstate(all="ignore"):
        polygons.fill([(1, [corners[:5]]), (2, [corners[5:]])], (32, 32))


def _reading(path: Path) -> None:
    """Read as an image, and as a mask of palette indices, as far as it is one plane."""
    for kind in ("image", "label"):
        read_picture(path, kind)


def _tiff(description: bytes = b"", **options: object) -> bytes:
    stored = io.BytesIO()
    image = np.arange(24 * 32, dtype=np.uint8).reshape(24, 32)
    given = {"description": description, "metadata": None} if description else {}
    tifffile.imwrite(stored, image, **given, **options)
    return stored.getvalue()


_OME = (
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
    '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="32" SizeY="24" '
    'SizeZ="1" SizeC="1" SizeT="1" '
    'PhysicalSizeX="0.5" PhysicalSizeY="0.5" PhysicalSizeXUnit="µm"><Channel ID="Channel:0:0" Name="DAPI"/>'
    '<TiffData IFD="0" PlaneCount="1"/></Pixels></Image></OME>'
)


def _described_tiff(content: bytes, folder: Path) -> object:
    """Read a TIFF with the content as its description."""
    pixels = bytes(range(64))
    description = content + b"\0"
    tags = [
        (256, 3, 1, 8),
        (257, 3, 1, 8),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (270, 2, len(description), 200 + 64),
        (273, 4, 1, 200),
        (277, 3, 1, 1),
        (278, 3, 1, 8),
        (279, 4, 1, 64),
    ]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    whole = (b"II*\0" + struct.pack("<I", 8) + directory).ljust(200, b"\0") + pixels + description
    (folder / "described.tif").write_bytes(whole)
    return read_picture(folder / "described.tif")


def _raster(kind: str, mode: str) -> bytes:
    stored = io.BytesIO()
    Image.effect_noise((32, 24), 40).convert(mode).save(stored, kind)
    return stored.getvalue()


def _nifti() -> bytes:
    affine, pixels = np.diag([1.0, 1, 1, 1]), np.arange(8 * 6 * 2, dtype=np.int16).reshape(8, 6, 2)
    return nibabel.Nifti1Image(pixels, affine).to_bytes()


_NRRD = b"NRRD0004\ntype: uint8\ndimension: 2\nsizes: 8 6\nencoding: raw\nspacings: 1 1\n\n" + bytes(
    range(48)
)
_MHA = (
    b"ObjectType = Image\nNDims = 2\nBinaryData = True\nCompressedData = False\nDimSize = 8 6\n"
    b"ElementSpacing = 1 1\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n" + bytes(range(48))
)


_ZARR = {
    ".zattrs": {
        "multiscales": [
            {
                "version": "0.4",
                "axes": [{"name": name, "type": "space", "unit": "micrometer"} for name in "tczyx"],
                "datasets": [
                    {
                        "path": "0",
                        "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 1, 0.5, 0.5]}],
                    }
                ],
            }
        ],
        "omero": {"channels": [{"label": "DAPI"}]},
    },
    "0/.zarray": {
        "shape": [1, 1, 1, 6, 8],
        "chunks": [1, 1, 1, 6, 8],
        "dtype": "|u1",
        "fill_value": 0,
        "order": "C",
        "filters": None,
        "dimension_separator": ".",
        "compressor": {"id": "zlib", "level": 1},
        "zarr_format": 2,
    },
}


def _ome_zarr(name: str) -> Run_:
    """Read an OME-Zarr image with the content as one of its files of metadata."""

    def run(content: bytes, folder: Path) -> object:
        place = folder / "image.ome.zarr"
        if not place.exists():
            group = zarr.open_group(place, mode="w", zarr_format=2)
            group.create_array(
                "0", data=np.arange(48, dtype=np.uint8).reshape(1, 1, 1, 6, 8), chunks=(1, 1, 1, 6, 8)
            )
            for file, valid in _ZARR.items():
                (place / file).write_bytes(_json(valid))
        (place / name).write_bytes(content)
        return read_picture(place)

    return run


_GEOJSON = {
    "type": "FeatureCollection",
    "shape": [48, 64],
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [[[1, 1], [9, 1], [9, 8], [1, 1]]]},
            "properties": {
                "label": 3,
                "objectType": "cell",
                "classification": {"name": "tumour"},
                "measurements": [{"name": "area", "value": 2.5}],
                "metadata": {"a": "b"},
            },
        },
        {
            "type": "Feature",
            "geometry": {"type": "MultiPolygon", "coordinates": [[[[20, 20], [30, 20], [30, 30]]]]},
            "properties": {"name": "7", "classification": {"names": ["a", "b"]}, "measurements": {"area": 1}},
        },
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}},
    ],
}
_COCO = {
    "images": [{"id": 1, "file_name": "a.tif", "height": 48, "width": 64}],
    "categories": [{"id": 1, "name": "cell"}, {"id": 2, "name": "tumour"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "label": 4, "segmentation": [[1, 1, 9, 1, 9, 9]]},
        {
            "id": 2,
            "image_id": 1,
            "category_id": 2,
            "segmentation": {"size": [48, 64], "counts": [100, 20, 48 * 64 - 120]},
        },
        {"id": 3, "image_id": 1, "category_id": 2, "segmentation": []},
    ],
}
_MASK = base64.b64encode(_raster("png", "L")).decode()
_LABELME = {
    "version": "5.0",
    "imagePath": "a.png",
    "imageHeight": 48,
    "imageWidth": 64,
    "shapes": [
        {"label": "cell", "shape_type": "polygon", "points": [[1, 1], [9, 1], [9, 9]], "group_id": 1},
        {"label": "cell", "shape_type": "rectangle", "points": [[11, 1], [19, 9]], "group_id": 1},
        {"label": "cell", "shape_type": "circle", "points": [[30, 30], [35, 30]]},
        {"label": "cell", "shape_type": "mask", "points": [[3, 3], [4, 4]], "mask": _MASK},
        {"label": "spot", "shape_type": "point", "points": [[3, 3]]},
    ],
}
_CVAT = b"""<?xml version="1.0"?><annotations><image id="0" name="a.png" width="64" height="48">
<polygon label="cell" points="1,1;9,1;9,9" group_id="2"><attribute name="note">round</attribute></polygon>
<box label="cell" xtl="1" ytl="1" xbr="9" ybr="9" rotation="30"/>
<ellipse label="cell" cx="20" cy="20" rx="5" ry="4"/>
<mask label="cell" rle="1,2,1" left="3" top="4" width="2" height="2"/><points label="p" points="1,1"/></image>
</annotations>"""
_NAPARI = b"index,shape-type,vertex-index,axis-0,axis-1\n" + b"".join(
    b"%d,%s,%d,%d,%d\n" % (index, kind, corner, 3 + 9 * (corner in (1, 2)), 4 + 7 * (corner in (2, 3)))
    for index, kind in enumerate([b"polygon", b"rectangle", b"ellipse"])
    for corner in range(4)
)


def _rois() -> list[bytes]:
    corners = np.array([[1, 1], [9, 1], [9, 9], [1, 9]])
    region = ImagejRoi.frompoints(corners, name="3")
    return [region.tobytes(), ImagejRoi.frompoints(corners + 0.5, name="cell").tobytes()]


def _zip_of_rois(content: bytes, folder: Path) -> None:
    """Read a zip file with the content as its only region, or as its comment."""
    with zipfile.ZipFile(folder / "rois.zip", "w") as file:
        file.writestr("1.roi", content)
        file.comment = content[:100]
    _drawn(folder / "rois.zip")


def _entry(content: bytes, name: str) -> Entry:
    return Entry(name, len(content), lambda: io.BytesIO(content))


def _weights() -> list[bytes]:
    plain = pickle.dumps({"weight": [1.0, 2.0], "names": ("a", "b")})
    array, packed = io.BytesIO(), io.BytesIO()
    np.save(array, np.arange(4))
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("model/data.pkl", plain)
        file.writestr("model/data/0", bytes(8))
    return [plain, array.getvalue(), packed.getvalue()]


def _safetensors() -> bytes:
    header = _json({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})
    return struct.pack("<Q", len(header)) + header + bytes(8)


def _judged_binary(content: bytes, _: Path) -> None:
    for name in ("model.pt", "model.safetensors", "data.npy"):
        list(judge_binary(_entry(content, name), allowed()))


def _signature(content: bytes, folder: Path) -> None:
    (folder / "lab.pub").write_bytes(content)
    is_signature(bytes(64), b"manifest", read_key(folder / "lab.pub"))


_PUBLIC = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrYbUwhXGtZHGkCLOHxFJcrhp2kyOVXbBl2s1kyJJq7 lab@site\n"
_PEM = (
    b"-----BEGIN PUBLIC KEY-----\n"
    b"MCowBQYDK2VwAyEAathtTCFca1kcaQIs4fEUlyuGnaTI5VdsGXazWTIkmrs=\n-----END PUBLIC KEY-----\n"
)


def _run_json(folder: Path) -> bytes:
    with claim_outputs(folder, "measure", ["cells.csv"], run=Run("measure")):
        (folder / "cells.csv").write_text("label\n1\n")
    return (folder / "run.json").read_bytes()


def _made_here() -> tuple[bytes, bytes]:
    """A record and a journal of this package."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        record = _run_json(Path(folder))
        return record, (Path(folder) / ".cellseg/written.jsonl").read_bytes()


_RECORD, _JOURNAL = _made_here()


def _journal(content: bytes, folder: Path) -> object:
    (folder / ".cellseg").mkdir(exist_ok=True)
    (folder / ".cellseg/written.jsonl").write_bytes(content)
    return written_in(folder)


def _settings(content: bytes, folder: Path) -> object:
    (folder / "model.pt").write_bytes(b"weights")
    (folder / "model.json").write_bytes(content)
    return kept_settings(folder / "model.pt")


def _datalist(suffix: str) -> Run_:
    def run(content: bytes, folder: Path) -> object:
        (folder / "a.tif").touch()
        (folder / f"dataset{suffix}").write_bytes(content)
        return list_items(folder / f"dataset{suffix}", group="(.)", modality=".")

    return run


def _option(content: bytes, _: Path) -> None:
    text = _text(content)
    channels(text)
    try:
        setting(text)
    except argparse.ArgumentTypeError:  # which argparse prints
        pass


_CONFIG = {
    "trainer": {"_target_": "Trainer", "max_epochs": 3, "handlers": [1, 2]},
    "tta": False,
    "loss": "@losses#a",
}


def _override(content: bytes, _: Path) -> object:
    given = json.loads(content)
    return override(_CONFIG, given, "here") if isinstance(given, dict) else None


def _judged(judge: Callable[..., object], *arguments: object) -> Run_:
    return lambda content, _: list(judge(_text(content), *arguments))  # type: ignore[call-overload]


def _config(content: bytes, _: Path) -> None:
    text = _text(content)
    list(judge_config({"imports": [text], "a": {"_target_": text, text: text}}, allowed(), {}, ()))


def _manifest(content: bytes, _: Path) -> None:
    entries = {MANIFEST: _entry(content, MANIFEST), "a.json": _entry(b"{}", "a.json")}
    list(judge_manifest(entries, packed=True))


def _seg_npy(path: Path) -> object:
    return read_seg_npy(path, (2, 3))


def _seg() -> bytes:
    stored = io.BytesIO()
    np.save(
        stored, {"masks": np.array([[0, 7, 7], [0, 0, 2]], np.uint16), "filename": "x.tif", "flows": [0.5]}
    )
    return stored.getvalue()


_EXPRESSIONS = (
    b"round(@patch_size * @scale)",
    b"[step for step in @a.transforms if not isinstance(step, torch.nn.ReLU)]",
    b"torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
    b"@losses#a if @tta else None",
)
_YAML = (b"a: [1, &x {b: c}, *x]\n'd': |\n  text\n", b"- {_target_: Compose, transforms: ['@a', $len(@b)]}\n")
_LOGGING = (
    b"[loggers]\nkeys=root\n[handlers]\nkeys=a\n"
    b"[handler_a]\nclass=StreamHandler\nargs=(sys.stdout,)\n[formatters]\nkeys=\n"
)
_POLICY = (b"targets: [our_lab.nets.OurNet]\nsigned_only: false\n", b'{"names": ["a.b"], "modules": []}')

PARSERS = {
    "run lengths": Parser(
        lambda content, _: read_counts(_text(content), 8), [b"231O", b"PPYo1", b"0X2"], 300_000
    ),
    "options": Parser(
        _option, [b"tta=true", b"classes={'0': 0}", b"loss=@losses#bce", b"0,DAPI", b"a=(1.5, -2)"], 200_000
    ),
    "polygons": Parser(
        _polygons, [np.array([[1, 1], [9, 1], [9, 8], [4, 4.5]] * 3, np.float64).tobytes()], 20_000
    ),
    "expressions": Parser(_judged(judge_expression, allowed(), {"my": "my_lab"}), _EXPRESSIONS, 100_000),
    "configs": Parser(
        _config,
        [b"$import torch.distributed as dist", b"$from os import system", b"%a.json::b", b"@a#b"],
        80_000,
    ),
    "logging.conf": Parser(_judged(judge_logging), [_LOGGING], 10_000),
    "pickles": Parser(lambda content, _: list(judge_pickle(content, allowed())), _weights()[:1], 40_000),
    "weights": Parser(_judged_binary, [*_weights(), _safetensors()], 10_000),
    "manifest": Parser(_manifest, [b"%s  a.json\n" % (b"0" * 64), b"%s  b.json\r\n" % (b"f" * 64)], 100_000),
    "plain JSON": Parser(
        lambda content, _: read_plain(content, "a.json"), [_json(_GEOJSON), _json(_CONFIG)], 60_000
    ),
    "plain YAML": Parser(lambda content, _: read_plain(content, "a.yaml"), _YAML, 8_000),
    "policy": Parser(_on_file("policy.yaml", read_policy), _POLICY, 3_000),
    "keys": Parser(_signature, [_PUBLIC, _PEM], 20_000),
    "overrides": Parser(
        _override, [_json({"trainer#max_epochs": 5, "+trainer#handlers": [3], "tta": True})], 10_000, True
    ),
    "settings": Parser(
        _settings, [_json({"weights_sha256": "0", "bundle": "..", "settings": {"tta": True}})], 10_000, True
    ),
    "datalist JSON": Parser(
        _datalist(".json"), [_json({"training": [{"image": "a.tif", "weight": 1}, "a.tif"]})], 10_000, True
    ),
    "datalist CSV": Parser(
        _datalist(".csv"), [b"image,section,weight,group\na.tif,training,1,p1\n,,,\n"], 3_000
    ),
    "run.json": Parser(_on_file("run.json", lambda path: verify_run(path.parent)), [_RECORD], 10_000, True),
    "journal": Parser(_journal, [_JOURNAL], 20_000),
    "GeoJSON": Parser(_on_file("a.geojson", _drawn), [_json(_GEOJSON)], 6_000, True),
    "COCO": Parser(_on_file("coco.json", _drawn), [_json(_COCO)], 6_000, True),
    "Labelme": Parser(_on_file("labelme.json", _drawn), [_json(_LABELME)], 6_000, True),
    "CVAT": Parser(_on_file("cvat.xml", _drawn), [_CVAT], 6_000),
    "napari": Parser(_on_file("shapes.csv", _drawn), [_NAPARI], 6_000),
    "ImageJ region": Parser(_on_file("3.roi", _drawn), _rois(), 6_000),
    "ImageJ regions": Parser(_zip_of_rois, _rois(), 4_000),
    "Cellpose": Parser(_on_file("x_seg.npy", _seg_npy), [_seg()], 6_000),
    "OME-XML": Parser(
        _described_tiff,
        [
            _OME.encode(),
            b"ImageJ=1.53\nimages=1\nunit=micron\nspacing=0.5\n",
            b"Aperio Image Library\n|MPP = 0.25|AppMag = 40",
        ],
        4_000,
    ),
    "TIFF": Parser(
        _on_file("a.tif", _reading),
        [
            _tiff(),
            _tiff(compression="zlib"),
            _tiff(compression="lzw"),
            _tiff(tile=(16, 16), compression="zlib"),
            _tiff(_OME.encode()),
            _tiff(photometric="palette", colormap=np.zeros((3, 256), np.uint16)),
            _tiff(imagej=True),
            _tiff(bigtiff=True, resolution=(2, 2), resolutionunit="CENTIMETER"),
        ],
        6_000,
    ),
    "PNG": Parser(
        _on_file("a.png", _reading), [_raster("png", mode) for mode in ("L", "RGBA", "P", "I;16")], 3_000
    ),
    "JPEG": Parser(
        _on_file("a.jpg", _reading), [_raster("jpeg", mode) for mode in ("L", "RGB", "CMYK")], 3_000
    ),
    "BMP": Parser(_on_file("a.bmp", _reading), [_raster("bmp", mode) for mode in ("L", "RGB")], 3_000),
    "NIfTI": Parser(_on_file("a.nii", _reading), [_nifti()], 3_000),
    "NRRD": Parser(_on_file("a.nrrd", _reading), [_NRRD], 2_000),
    "MetaImage": Parser(_on_file("a.mha", _reading), [_MHA], 2_000),
    **{
        f"OME-Zarr {name}": Parser(_ome_zarr(name), [_json(valid)], 3_000, True)
        for name, valid in _ZARR.items()
    },
}
"""Parsers by name, cheap ones first."""
