"""Synthetic data as files: a dataset with a datalist, or a movie in Cell Tracking Challenge layout."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from cellseg_monai.data.pairing import require_no_dataset
from cellseg_monai.data.synthetic.kinds import kind_named, synthesize
from cellseg_monai.data.synthetic.scene import Size, require_range
from cellseg_monai.data.synthetic.timelapse import TimeLapse
from cellseg_monai.data.synthetic.tissue import CLASSES
from cellseg_monai.label_maps import cast
from cellseg_monai.outputs import claim_outputs, locked, write_text, written_whole

_IMAGES_PER_GROUP = 2


def write_synthetic_dataset(
    kind: str,
    destination: str | Path,
    *,
    count: int = 8,
    size: Size = (256, 256),
    seed: int = 0,
    shift: float = 0.0,
) -> Path:
    """Write images, truth and a Decathlon-style datalist.

    Images differ in density. They also differ in sharpness and noise from group to group, as if each group
    were one dish. Magnification and pixel size are the same, as from one microscope. The TIFF files contain
    the pixel size as resolution. Tissue has class maps as well.

    Args:
        kind: kind of image, a key of :data:`KINDS`.
        destination: folder to create; it may exist if it has no dataset yet.
        count: number of images.
        size: rows and columns.
        seed: random seed; the same seed gives the same files.
        shift: 0 for the first intensity domain, 1 for the second.

    Returns:
        Path of ``dataset.json``.

    Raises:
        FileExistsError: the folder already has a dataset or images.
        ValueError: there is no such kind, or a value is out of range.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     datalist = write_synthetic_dataset("nuclei", folder, count=1, size=(64, 64))
        ...     json.loads(datalist.read_text())["training"][0]["label"]
        'labels/nuclei_000.tif'
    """
    chosen = kind_named(kind)
    require_range("count", count, 1)
    folder = Path(destination)
    datalist = folder / "dataset.json"
    require_no_dataset(folder)
    parts = {"image": "images", "label": "labels"} | ({"class_map": "classes"} if kind == "tissue" else {})
    files = [{key: f"{part}/{kind}_{index:03d}.tif" for key, part in parts.items()} for index in range(count)]
    description = {
        "name": f"synthetic {kind}",
        "description": f"Synthetic {chosen.description} with exact truth, seed {seed}, shift {shift:g}.",
        **({"classes": CLASSES} if kind == "tissue" else {}),
        "training": [
            {**named, "group": f"dish_{index // _IMAGES_PER_GROUP:02d}", "modality": kind}
            for index, named in enumerate(files)
        ],
    }
    diameter = np.random.default_rng(seed).uniform(*chosen.diameters)
    targets = [file for named in files for file in named.values()]
    with claim_outputs(folder, "synthesize", [*targets, datalist.name]):
        for index, named in enumerate(files):
            dish = np.random.default_rng([seed, index // _IMAGES_PER_GROUP])
            sample = synthesize(
                kind,
                size,
                seed=int(np.random.SeedSequence([seed, index]).generate_state(1)[0]),
                diameter=diameter,
                shift=shift,
                degradation=dish.uniform(0.6, 1.4),
            )
            for key, file in named.items():
                pixels = cast(sample.class_map, np.uint8) if key == "class_map" else getattr(sample, key)
                _write_tiff(folder / file, pixels, sample.pixel_size)
        write_text(datalist, json.dumps(description, indent=2) + "\n")
    return datalist


def write_synthetic_timelapse(movie: TimeLapse, destination: str | Path, sequence: str = "01") -> Path:
    """Write a movie in the layout of the Cell Tracking Challenge.

    Frames are written to ``01/t000.tif``, masks to ``01_GT/SEG`` and ``01_GT/TRA``, and the table to
    ``01_GT/TRA/man_track.txt`` with one line ``label begin end parent`` per track.

    Args:
        movie: movie from :func:`timelapse`.
        destination: folder of the movies, which is created if needed.
        sequence: name of the movie, usually two digits.

    Returns:
        Folder of the frames; the truth is beside it.

    Raises:
        FileExistsError: the folder already has a movie of this name.
        ValueError: there are more tracks than the uint16 masks of the layout can number.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from cellseg_monai.data.synthetic import timelapse
        >>> with TemporaryDirectory() as folder:
        ...     frames = write_synthetic_timelapse(timelapse(frames=2, size=(64, 64)), folder)
        ...     [path.name for path in sorted(frames.iterdir())]
        ['t000.tif', 't001.tif']
    """
    folder = Path(destination) / sequence
    truth = Path(destination) / f"{sequence}_GT"
    for path in (folder, truth):
        if path.exists():
            raise FileExistsError(f"{path} already exists; delete it or choose another destination")
    masks = cast(movie.labels, np.uint16)
    digits = max(3, len(str(len(masks) - 1)))
    table = "".join(f"{' '.join(map(str, track))}\n" for track in movie.tracks)
    with locked(destination):
        for frame, (image, mask) in enumerate(zip(movie.images, masks, strict=True)):
            name = f"{frame:0{digits}d}.tif"
            _write_tiff(folder / f"t{name}", image, movie.pixel_size)
            _write_tiff(truth / "SEG" / f"man_seg{name}", mask, movie.pixel_size)
            _write_tiff(truth / "TRA" / f"man_track{name}", mask, movie.pixel_size)
        write_text(truth / "TRA" / "man_track.txt", table)
    return folder


def _write_tiff(path: Path, array: npt.NDArray[Any], pixel_size: float) -> None:
    pixels_per_centimetre = 1e4 / pixel_size
    with written_whole(path) as part:
        tifffile.imwrite(
            part,
            array,
            compression="deflate",
            photometric="rgb" if array.ndim == 3 else "minisblack",
            resolution=(pixels_per_centimetre, pixels_per_centimetre),
            resolutionunit="CENTIMETER",
        )
