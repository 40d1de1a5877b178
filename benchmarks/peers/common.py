"""What the runners share: the job they are given, images and label maps on disk, and the clock.

A runner is executed by the Python of its peer, where `cellseg_monai` is not installed.
"""

import csv
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import tifffile
from scipy import ndimage

STAGES = ("read", "network", "postprocessing", "write")
LUMINANCE = (0.299, 0.587, 0.114)
TIFF = (".tif", ".tiff")
STARTED = time.perf_counter()


class Clock:
    """Seconds of the training since the process started, without those that went into calibration."""

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self.calibration = 0.0

    @property
    def spent(self) -> float:
        """What counts so far."""
        return time.perf_counter() - STARTED - self.calibration

    @property
    def left(self) -> float:
        """What may still be used."""
        return self.budget - self.spent

    def calibrate(self, measure: Callable[[], Any]) -> Any:
        """The result of a measurement that does not count."""
        began = time.perf_counter()
        result = measure()
        self.calibration += time.perf_counter() - began
        return result


def read_channels(path: str) -> np.ndarray:
    """A float32 image of one channel, or of red, green and blue, channels first."""
    pixels = _read(path).astype(np.float32)
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        return np.moveaxis(pixels[..., :3], 2, 0)
    if pixels.ndim != 2:
        raise ValueError(f"{path} has the shape {pixels.shape}; a grey, RGB or RGBA image is needed")
    return pixels[None]


def read_image(path: str) -> np.ndarray:
    """A two-dimensional float32 image; colour becomes luminance, as in the bundles."""
    channels = read_channels(path)
    return channels[0] if len(channels) == 1 else np.tensordot(np.float32(LUMINANCE), channels, axes=1)


def read_labels(path: str) -> np.ndarray:
    """A two-dimensional int32 label map."""
    labels = _read(path)
    if labels.ndim != 2:
        raise ValueError(f"{path} has the shape {labels.shape}; a label map has one channel")
    return labels.astype(np.int32)


def is_mask(labels: np.ndarray) -> bool:
    """Whether there is one value beside the background, which tells no objects apart."""
    return len(np.unique(labels)) <= 2


def pieces(labels: np.ndarray) -> np.ndarray:
    """Objects of a mask of one value are its connected pieces, corners included; others stay as they are."""
    return ndimage.label(labels > 0, np.ones((3, 3)))[0] if is_mask(labels) else labels


def _read(path: str) -> np.ndarray:
    return tifffile.imread(path) if Path(path).suffix.lower() in TIFF else imageio.imread(path)


def predict_each(
    images: Sequence[str],
    out: Path,
    segment: Callable[[np.ndarray], tuple[np.ndarray, dict[str, float]]],
    read: Callable[[str], np.ndarray] = read_image,
) -> None:
    """Write ``labels/<name>.tif`` and a line of ``timing.csv`` for each image.

    Args:
        images: paths.
        out: folder.
        segment: label map of an image, and its seconds by stage; what it counts as ``read`` is added to the
            reading of the file.
        read: an image.
    """
    (out / "labels").mkdir(parents=True, exist_ok=True)
    with (out / "timing.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("image", *STAGES))
        for path in images:
            began = time.perf_counter()
            image = read(path)
            seconds = dict.fromkeys(STAGES, 0.0)
            seconds["read"] = time.perf_counter() - began
            labels, stages = segment(image)
            for stage, taken in stages.items():
                seconds[stage] += taken
            began = time.perf_counter()
            target = out / "labels" / f"{Path(path).stem}.tif"
            # as the bundles write it
            tifffile.imwrite(
                target, labels.astype(np.int32), compression="zlib", compressionargs={"level": 1}
            )
            seconds["write"] = time.perf_counter() - began
            table.writerow((path, *(f"{seconds[stage]:.4f}" for stage in STAGES)))


def main(
    train: Callable[[dict[str, Any], Path, Clock], None], predict: Callable[[dict[str, Any], Path], None]
) -> None:
    """Do the job in the JSON file that the command line names.

    Args:
        train: leaves a model in the folder.
        predict: segments by the model.
    """
    job = json.loads(Path(sys.argv[1]).read_text())
    random.seed(job["seed"])
    np.random.seed(job["seed"])
    out = Path(job["out"])
    out.mkdir(parents=True, exist_ok=True)
    if job["verb"] == "train":
        clock = Clock(job["budget"])
        train(job, out, clock)
        (out / "training.json").write_text(
            json.dumps({"seconds": clock.spent, "calibration": clock.calibration})
        )
    elif job["verb"] == "predict":
        predict(job, out)
    else:
        raise ValueError(f"verb={job['verb']!r} must be train or predict")
