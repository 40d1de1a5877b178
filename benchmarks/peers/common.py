"""Shared code of the runners: the job, images and label maps on disk, and the clock.

A runner uses the Python of its tool's environment, where `cellseg_monai` is not installed.
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
    """Seconds of the training since the process started, without the time for calibration."""

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self.calibration = 0.0

    @property
    def spent(self) -> float:
        """Seconds used so far."""
        return time.perf_counter() - STARTED - self.calibration

    @property
    def left(self) -> float:
        """Seconds left in the budget."""
        return self.budget - self.spent

    def calibrate(self, measure: Callable[[], Any]) -> Any:
        """Run a measurement whose time does not count, and return its result."""
        began = time.perf_counter()
        result = measure()
        self.calibration += time.perf_counter() - began
        return result


def read_channels(path: str) -> np.ndarray:
    """Read a float32 image of one channel, or of red, green and blue, channels first."""
    pixels = _read(path).astype(np.float32)
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        return np.moveaxis(pixels[..., :3], 2, 0)
    if pixels.ndim != 2:
        raise ValueError(f"{path} has the shape {pixels.shape}; a grey, RGB or RGBA image is needed")
    return pixels[None]


def read_image(path: str) -> np.ndarray:
    """Read a two-dimensional float32 image; colour is converted to luminance, as in the bundles."""
    channels = read_channels(path)
    return channels[0] if len(channels) == 1 else np.tensordot(np.float32(LUMINANCE), channels, axes=1)


def read_labels(path: str) -> np.ndarray:
    """Read a two-dimensional int32 label map."""
    labels = _read(path)
    if labels.ndim != 2:
        raise ValueError(f"{path} has the shape {labels.shape}; a label map has one channel")
    return labels.astype(np.int32)


def is_mask(labels: np.ndarray) -> bool:
    """Whether a mask has one value besides the background, so that objects are not separate."""
    return len(np.unique(labels)) <= 2


def pieces(labels: np.ndarray) -> np.ndarray:
    """Label the pieces of a mask of one value, connected by sides and corners; keep other masks unchanged."""
    return ndimage.label(labels > 0, np.ones((3, 3)))[0] if is_mask(labels) else labels


def _read(path: str) -> np.ndarray:
    return tifffile.imread(path) if Path(path).suffix.lower() in TIFF else imageio.imread(path)


def predict_each(
    images: Sequence[str],
    out: Path,
    segment: Callable[[np.ndarray], tuple[np.ndarray, dict[str, float]]],
    read: Callable[[str], np.ndarray] = read_image,
) -> None:
    """Write ``labels/<name>.tif`` and a row of ``timing.csv`` for each image.

    Args:
        images: paths of the images.
        out: output folder.
        segment: function that returns the label map of an image, and the seconds of each stage; its seconds
            of ``read`` are added to those of reading the file.
        read: function that reads an image.
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
    """Run the job in the JSON file that the command line names.

    Args:
        train: function that trains and saves a model in the folder.
        predict: function that segments with the model.
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
