"""Files that no reader should trust: damaged, lying, enormous, or of an odd kind."""

import gzip
import io
import os
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import itk
import nibabel
import numpy as np
import tifffile
import zarr
from PIL import Image

BOMB = 30_000
"""Side of the images that are small on disk and large in memory."""

CELLS = np.zeros((48, 64), np.uint16)
CELLS[4:20, 4:20], CELLS[24:44, 30:60] = 1, 2


_NAMES = (
    "-out|--help|a b|é|e\u0301|細胞|🔬|\u202efit|a\nb|a\tb|a'b|a\"b|$(touch x)|%s%n|#1|@image|$image|{a}|[a]"
    "|*|?|a;b|a\\b|~|CON|nul||.|a.|a.tif|A|\u200b|a\x7f|\x01|1e400|None|mask"
)


class Hostile(NamedTuple):
    """A file, and what is wrong with it."""

    path: Path
    kind: str


def corpus(folder: Path, count: int, seed: int = 0) -> Iterator[Hostile]:
    """Write hostile files.

    Args:
        folder: folder to write to.
        count: number of damaged copies of valid files, beside about two hundred files of other kinds.
        seed: start of the random damage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    valid = valid_files()
    for number, (name, content) in enumerate(valid.items()):
        for kind, damaged in _whole_file(content, list(valid.values())[number - 1]).items():
            yield _written(folder / f"{kind}_{name}", kind.replace("_", " "), damaged)
    random, names = Random(seed), list(valid)
    for number in range(count):
        name = names[number % len(names)]
        damage = _DAMAGE[number // len(names) % len(_DAMAGE)]
        content = damage(valid[name], random)
        yield _written(folder / f"{number:05}_{name}", damage.__name__.strip("_").replace("_", " "), content)
    yield from _arrays(folder)
    yield from _bombs(folder)
    yield from _kinds_of_files(folder)
    yield from _names(folder)


def valid_files() -> dict[str, bytes]:
    """Small valid label maps in every format that is read."""
    eight, colour = CELLS.astype(np.uint8), np.stack([CELLS.astype(np.uint8)] * 3, axis=-1)
    return {
        "plain.tif": _tiff(CELLS),
        "deflated.tif": _tiff(CELLS, compression="zlib"),
        "lzw.tif": _tiff(CELLS, compression="lzw"),
        "tiled.tif": _tiff(CELLS, compression="zlib", tile=(16, 16)),
        "jpeg.tif": _tiff(colour, compression="jpeg", photometric="rgb"),
        "ome.ome.tif": _tiff(CELLS[None], ome=True, metadata={"axes": "ZYX", "PhysicalSizeX": 0.5}),
        "imagej.tif": _tiff(CELLS, imagej=True),
        "pages.tif": _tiff(np.stack([CELLS] * 3), metadata={"axes": "ZYX"}),
        "big.btf": _tiff(CELLS, bigtiff=True),
        "grey.png": _pillow(eight, "PNG"),
        "deep.png": _pillow(CELLS, "PNG"),
        "colour.png": _pillow(colour, "PNG"),
        "grey.jpg": _pillow(eight, "JPEG"),
        "grey.bmp": _pillow(eight, "BMP"),
        "volume.nii": nibabel.Nifti1Image(CELLS.T, np.eye(4)).to_bytes(),
        "volume.nii.gz": gzip.compress(nibabel.Nifti1Image(CELLS.T, np.eye(4)).to_bytes()),
        "volume.nrrd": _itk("nrrd"),
        "volume.mha": _itk("mha"),
    }


def _tiff(pixels: Any, **options: Any) -> bytes:
    stored = io.BytesIO()
    tifffile.imwrite(stored, pixels, **options)
    return stored.getvalue()


def _pillow(pixels: Any, kind: str) -> bytes:
    stored = io.BytesIO()
    Image.fromarray(pixels).save(stored, kind)
    return stored.getvalue()


def _itk(ending: str) -> bytes:
    path = Path(f"/tmp/cellseg-hostile-{os.getpid()}.{ending}")
    itk.imwrite(itk.image_from_array(CELLS), str(path))
    content = path.read_bytes()
    path.unlink()
    return content


def _written(path: Path, kind: str, content: bytes) -> Hostile:
    path.write_bytes(content)
    return Hostile(path, kind)


def _whole_file(content: bytes, other: bytes) -> dict[str, bytes]:
    """Damage that concerns a file as a whole."""
    return {
        "empty": b"",
        "one_byte": content[:1],
        "header_alone": content[: len(content) // 8],
        "twice": content + content,
        "other_format": other,
        "text": b"These are not the pixels you are looking for.\n" * 30,
        "zeros": bytes(len(content)),
        "zeroed_end": content[: len(content) // 2] + bytes(len(content) // 2),
    }


def _truncated(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content))]


def _bits_flipped(content: bytes, random: Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(random.choice([1, 2, 8, 64])):
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def _header_overwritten(content: bytes, random: Random) -> bytes:
    """Write a large or negative number over a place in the first bytes, where headers state sizes."""
    damaged, place = bytearray(content), random.randrange(min(400, len(content) - 8))
    form, value = random.choice(
        [("<i", -1), ("<I", 1 << 31), ("<H", 65_535), ("<Q", 1 << 62), (">I", 1 << 30)]
    )
    damaged[place : place + struct.calcsize(form)] = struct.pack(form, value)
    return bytes(damaged)


def _block_lost(content: bytes, random: Random) -> bytes:
    place = random.randrange(len(content))
    return content[:place] + content[place + random.randrange(1, 200) :]


def _block_repeated(content: bytes, random: Random) -> bytes:
    place = random.randrange(len(content))
    return content[:place] + content[place : place + 100] * random.randrange(2, 50) + content[place:]


def _noise(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(64)] + random.randbytes(len(content))


_DAMAGE: tuple[Callable[[bytes, Random], bytes], ...] = (
    _bits_flipped,
    _header_overwritten,
    _truncated,
    _bits_flipped,
    _header_overwritten,
    _block_lost,
    _block_repeated,
    _noise,
)


def _arrays(folder: Path) -> Iterator[Hostile]:
    """Valid files with odd shapes, types and values."""
    shapes = [
        (1, 1),
        (1, 5000),
        (5000, 1),
        (2, 2),
        (3, 48, 64),
        (2, 3, 4, 5, 6),
        (1, 1, 1, 48, 64),
        (17, 31, 2),
    ]
    for shape in shapes:
        name = "x".join(map(str, shape))
        yield _written(folder / f"shape_{name}.tif", "odd shape", _tiff(np.ones(shape, np.uint8)))
    for dtype in (
        "bool",
        "int8",
        "int64",
        "uint64",
        "float16",
        "float32",
        "float64",
        "complex64",
        "complex128",
    ):
        pixels = CELLS.astype(dtype)
        yield _written(folder / f"type_{dtype}.tif", "odd type", _tiff(pixels))
    for value in (np.nan, np.inf, -np.inf, 1e300, -1.0, 0.5, 1e-300):
        some, every = np.array(CELLS, np.float64), np.full(CELLS.shape, value)
        some[5, 5] = value
        yield _written(folder / f"one_{value}.tif", "odd values", _tiff(some))
        yield _written(folder / f"all_{value}.tif", "odd values", _tiff(every))
    for value in (2**31 - 1, 2**32 - 1):
        yield _written(folder / f"id_{value}.tif", "odd values", _tiff(np.full((8, 8), value, np.uint32)))


def _bombs(folder: Path) -> Iterator[Hostile]:
    """Files of at most some megabytes that claim, or hold, enormous images."""
    row = zlib.compressobj(9)
    pixels = b"".join([row.compress(bytes(BOMB + 1)) for _ in range(BOMB)]) + row.flush()
    flat = zlib.compressobj(9)
    strip = b"".join([flat.compress(bytes(BOMB)) for _ in range(BOMB)]) + flat.flush()
    for name, rows_per_strip in {"one_strip": BOMB, "many_strips": 1}.items():
        content = _bare_tiff(
            BOMB, BOMB, rows_per_strip, strip if rows_per_strip > 1 else zlib.compress(bytes(BOMB))
        )
        yield _written(folder / f"bomb_{name}.tif", "bomb", content)
    yield _written(folder / "bomb.png", "bomb", _bare_png(BOMB, BOMB, pixels))
    for side in (2**31 - 1, 2**32 - 1, 1_000_000):
        content = _bare_tiff(side, side, side, zlib.compress(bytes(100)))
        yield _written(folder / f"claims_{side}.tif", "claims too much", content)
    yield _written(
        folder / "claims.png", "claims too much", _bare_png(2**31 - 1, 2**31 - 1, zlib.compress(b""))
    )
    bitmap = bytearray(valid_files()["grey.bmp"])
    bitmap[18:26] = struct.pack("<ii", 2**31 - 1, 2**31 - 1)
    yield _written(folder / "claims.bmp", "claims too much", bytes(bitmap))
    nrrd = b"NRRD0004\ntype: uint8\ndimension: 2\nsizes: 2000000000 2000000000\nencoding: raw\n\n" + bytes(
        100
    )
    yield _written(folder / "claims.nrrd", "claims too much", nrrd)
    metaimage = (
        b"NDims = 2\nDimSize = 2000000000 200000\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
        + bytes(9)
    )
    yield _written(folder / "claims.mha", "claims too much", metaimage)
    header = bytearray(valid_files()["volume.nii"])
    header[40:56] = struct.pack("<8h", 3, 32_767, 32_767, 32_767, 1, 1, 1, 1)
    yield _written(folder / "claims.nii", "claims too much", bytes(header))
    yield _written(folder / "claims.nii.gz", "claims too much", gzip.compress(bytes(header)))
    for name, chunk in {"shape": 100, "chunk": 200_000}.items():
        path = folder / f"claims_{name}.zarr"
        group = zarr.open_group(path, mode="w")
        group.create_array("0", shape=(200_000, 200_000), dtype="uint8", chunks=(chunk, chunk))
        axes = [{"name": axis, "type": "space"} for axis in "yx"]
        group.attrs["ome"] = {"multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}]}
        yield Hostile(path, "claims too much")
    yield _written(folder / "entities.ome.tif", "bomb in the description", _entities())


def _bare_tiff(width: int, height: int, rows_per_strip: int, strip: bytes) -> bytes:
    """A deflated grey TIFF whose strips are all the same bytes."""
    strips = min(-(-height // rows_per_strip), 40_000)
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1),
            (273, 4, strips, 200), (277, 3, 1, 1), (278, 4, 1, rows_per_strip),
            (279, 4, strips, 200 + 4 * strips)]  # fmt: skip
    data = 200 + 8 * strips
    if strips == 1:
        tags[5], tags[8] = (273, 4, 1, data), (279, 4, 1, len(strip))
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    tables = struct.pack("<I", data) * strips + struct.pack("<I", len(strip)) * strips
    return (b"II*\0" + struct.pack("<I", 8) + directory).ljust(200, b"\0") + tables + strip


def _bare_png(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _entities() -> bytes:
    """A description whose entities would grow to gigabytes."""
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 11))
    xml = f'<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY a0 "cell">{levels}]><OME>&a10;</OME>'
    return _tiff(CELLS, description=xml, metadata=None)


def _kinds_of_files(folder: Path) -> Iterator[Hostile]:
    """Links, pipes and folders with the names of images."""
    (folder / "loop_a.tif").symlink_to(folder / "loop_b.tif")
    (folder / "loop_b.tif").symlink_to(folder / "loop_a.tif")
    yield Hostile(folder / "loop_a.tif", "link in a circle")
    for name, target in {
        "dangling": "nowhere.tif",
        "parent": "..",
        "endless": "/dev/zero",
        "null": "/dev/null",
    }.items():
        (folder / f"{name}.tif").symlink_to(target)
        yield Hostile(folder / f"{name}.tif", "link")
    os.mkfifo(folder / "pipe.tif")
    yield Hostile(folder / "pipe.tif", "pipe")
    for name in ("folder.tif", "folder.png", "folder.nii.gz", "empty.zarr"):
        (folder / name).mkdir()
        yield Hostile(folder / name, "folder")
    listening, place = socket.socket(socket.AF_UNIX), os.getcwd()
    os.chdir(folder)  # the path of a socket is short
    listening.bind("socket.tif")
    os.chdir(place)
    listening.close()
    yield Hostile(folder / "socket.tif", "socket")
    yield Hostile(folder / "absent.tif", "absent")


def _names(folder: Path) -> Iterator[Hostile]:
    """Valid files with names that scripts stumble over."""
    names = [*_NAMES.split("|"), "a|b", "n" * 240, os.fsdecode(b"\xff\xfe")]
    content = valid_files()["plain.tif"]
    place = folder / "names"
    place.mkdir()
    for name in names:
        yield _written(place / f"{name}.tif", "odd name", content)
