"""Synthetic data as files: a set of images with a datalist, or a movie in Cell Tracking Challenge layout."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from cellseg_monai.data.pairing import require_no_images
from cellseg_monai.data.synthetic.image import Size
from cellseg_monai.data.synthetic.kinds import kind_named, synthesize
from cellseg_monai.data.synthetic.timelapse import TimeLapse
from cellseg_monai.data.synthetic.tissue import CLASSES
from cellseg_monai.label_maps import cast
from cellseg_monai.outputs import claim_outputs, locked, write_text, written_whole

_IMAGES_PER_GROUP = 2


def write_synthetic_dataset(
    kind: str,
    destination: str | Path,
    count: int = 8,
    size: Size = (256, 256),
    *,
    seed: int = 0,
    shift: float = 0.0,
) -> Path:
    """Write images, truth and a Decathlon-style datalist.

    Images differ in density, and from group to group, as if each group were one dish, also in sharpness and
    noise. One microscope took them all, so magnification and pixel size are the same. The TIFF files carry
    the pixel size as resolution. Tissue has class maps besides.

    Args:
        kind: a key of :data:`KINDS`.
        destination: folder to make; it may exist if it holds no datalist yet.
        count: number of images.
        size: rows and columns.
        seed: the same seed gives the same files.
        shift: 0 for the first intensity domain, 1 for the second.

    Returns:
        Path of ``dataset.json``.

    Raises:
        FileExistsError: the folder holds a data set or images already.
        ValueError: there is no such kind, or an argument lies outside its limits.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     datalist = write_synthetic_dataset("nuclei", folder, count=1, size=(64, 64))
        ...     json.loads(datalist.read_text())["training"][0]["label"]
        'labels/nuclei_000.tif'
    """
    chosen = kind_named(kind)
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    folder = Path(destination)
    datalist = folder / "dataset.json"
    _refuse_existing(datalist)
    require_no_images(folder)
    has_classes = kind == "tissue"
    diameter = np.random.default_rng(seed).uniform(*chosen.diameters)
    parts = {"image": "images", "label": "labels"} | ({"class_map": "classes"} if has_classes else {})
    files = [{key: f"{part}/{kind}_{index:03d}.tif" for key, part in parts.items()} for index in range(count)]
    classes = {str(number): name for number, name in CLASSES.items()} if has_classes else None
    description = {
        "name": f"synthetic {kind}",
        "description": f"Synthetic {chosen.description} with exact truth, seed {seed}, shift {shift:g}.",
        **({"classes": classes} if classes else {}),
        "training": [
            {**named, "group": f"dish_{index // _IMAGES_PER_GROUP:02d}", "modality": kind}
            for index, named in enumerate(files)
        ],
    }
    targets = [name for named in files for name in named.values()]
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
            _write_tiff(folder / named["image"], sample.image, sample.pixel_size)
            _write_tiff(folder / named["label"], sample.label, sample.pixel_size)
            if has_classes:
                _write_tiff(folder / named["class_map"], cast(sample.class_map, np.uint8), sample.pixel_size)
        write_text(datalist, json.dumps(description, indent=2) + "\n")
    return datalist


def write_synthetic_timelapse(movie: TimeLapse, destination: str | Path, sequence: str = "01") -> Path:
    """Write a movie in the layout of the Cell Tracking Challenge.

    Frames go to ``01/t000.tif``, masks to ``01_GT/SEG`` and ``01_GT/TRA``, the table to
    ``01_GT/TRA/man_track.txt``, one line ``label begin end parent`` for each track.

    Args:
        movie: what :func:`timelapse` gave.
        destination: folder of the movies; it is made if it is missing.
        sequence: name of the movie, two digits by custom.

    Returns:
        Folder of the frames; the truth lies beside it.

    Raises:
        FileExistsError: the folder holds that movie already.
        ValueError: there are more tracks than the layout's uint16 masks can name.

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
    _refuse_existing(folder)
    _refuse_existing(truth)
    masks = cast(movie.labels, np.uint16)
    digits = max(3, len(str(len(masks) - 1)))
    table = "".join(f"{' '.join(map(str, track))}\n" for track in movie.tracks)
    with locked(destination):
        for frame, (image, mask) in enumerate(zip(movie.images, masks, strict=True)):
            _write_tiff(folder / f"t{frame:0{digits}d}.tif", image, movie.pixel_size)
            _write_tiff(truth / "SEG" / f"man_seg{frame:0{digits}d}.tif", mask, movie.pixel_size)
            _write_tiff(truth / "TRA" / f"man_track{frame:0{digits}d}.tif", mask, movie.pixel_size)
        write_text(truth / "TRA" / "man_track.txt", table)
    return folder


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise FileExistsError(f"{path} exists already; delete it or choose another destination")


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
