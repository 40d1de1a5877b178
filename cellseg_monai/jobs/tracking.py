"""Label maps of a time-lapse to tracks: what ``cellseg track`` adds is to find, read and write files."""

import json
import logging
import os
import re
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import tifffile

from cellseg_monai.analysis import (
    Tracking,
    draw_trails,
    lineage_trees,
    square_displacements,
    summarize_tracks,
    track_cells,
    track_lines,
)
from cellseg_monai.data import read_label_map, read_picture
from cellseg_monai.export.movie import check_movie, write_movie
from cellseg_monai.jobs.files.companions import find_label_maps, find_pictures, plane_size, read_planes
from cellseg_monai.jobs.track_report import write_track_report
from cellseg_monai.label_maps import LabelMap, cast
from cellseg_monai.outputs import claim_file, claim_outputs, require_apart, write_text, written_whole
from cellseg_monai.outputs.causes import in_one_line

_logger = logging.getLogger(__name__)

PixelSize = float | tuple[float, float] | None

_SHORTEST_MOVIE_SIDE = 400

_RESULTS = ("res_track.txt", "tracks.csv", "points.csv", "msd.csv", "lineage.json", "report.html")


class TrackedMovie(NamedTuple):
    """What was tracked.

    Attributes:
        folder: where the files are.
        tracks: one row a track.
        frames: how many there are.
        failures: ``frame`` and ``error`` of those that could not be read, and count as empty.

    Example:
        >>> tracks = pd.DataFrame({"daughters": ["2 3", "", ""]})
        >>> print(TrackedMovie(Path("out"), tracks, 9, pd.DataFrame({"frame": [], "error": []})))
        3 tracks with 1 division in 9 frames; out/report.html
    """

    folder: Path
    tracks: pd.DataFrame
    frames: int
    failures: pd.DataFrame

    def __str__(self) -> str:
        """How many tracks and divisions, and which frames are missing."""
        divisions = int((self.tracks["daughters"] != "").sum())
        lines = [
            f"{len(self.tracks)} track{'' if len(self.tracks) == 1 else 's'} with {divisions} "
            f"division{'' if divisions == 1 else 's'} in {self.frames} frames; {self.folder / 'report.html'}"
        ]
        if len(self.failures):
            lines.append(
                f"{len(self.failures)} frames could not be read and count as empty; "
                f"{self.folder / 'failures.csv'} says which and why"
            )
        return "\n".join(lines)


def track(
    labels: str | PathLike[str],
    out: str | PathLike[str],
    *,
    images: str | PathLike[str] | None = None,
    pixel_size: PixelSize = None,
    frame_interval: float | None = None,
    max_distance: float | None = None,
    max_gap: int = 1,
    divisions: bool = True,
    trail: int = 10,
    frames_per_second: float = 5.0,
    movie: str | PathLike[str] | None = None,
) -> TrackedMovie:
    """Track the cells of a movie whose frames are the label maps of a folder, in the order of their numbers.

    Args:
        labels: folder of label maps, such as ``t000.tif``, ``t001.tif``, …
        out: folder to write: ``mask000.tif``, … and ``res_track.txt`` as in the Cell Tracking Challenge,
            ``tracks.csv``, ``points.csv``, ``msd.csv``, ``lineage.json``, ``report.html`` with plots,
            ``movie.gif``, and, if a frame could not be read, ``failures.csv``.
        images: folder of as many images, to draw the tracks on.
        pixel_size: micrometres, in place of what the files say.
        frame_interval: minutes from frame to frame.
        max_distance: as in :func:`~cellseg_monai.analysis.track_cells`, in micrometres if the pixel size
            is known.
        max_gap: likewise.
        divisions: likewise.
        trail: frames back to which the way of a cell is drawn in the movie.
        frames_per_second: of the movie.
        movie: file of the movie, ``.gif`` or ``.mp4``; by default ``movie.gif`` in ``out``.

    Returns:
        :class:`TrackedMovie`.

    Raises:
        FileNotFoundError: a folder is not there.
        ValueError: no frame can be read, frames differ in size, images and label maps in number, or the movie
            is of another format.
        RuntimeError: laptrack is not installed, or the movie is an MP4 and imageio-ffmpeg is not.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for frame in range(3):
        ...     cells = np.zeros((20, 30), np.uint8)
        ...     cells[5:9, 5 + frame : 9 + frame] = 1
        ...     tifffile.imwrite(folder / f"t{frame}.tif", cells)
        >>> track(folder, folder / "out").tracks["net_displacement_px"].tolist()
        [2.0]
    """
    if not frames_per_second > 0:
        raise ValueError(f"frames_per_second must be above 0, not {frames_per_second}")
    shown = Path(out) / "movie.gif" if movie is None else Path(movie)
    check_movie(shown)
    files = _in_order(find_label_maps(Path(labels)))
    pictures = None if images is None else _in_order(find_pictures(Path(images)))
    if pictures is not None and len(pictures) != len(files):
        raise ValueError(
            f"{images} has {len(pictures)} images and {labels} has {len(files)} label maps; "
            "a frame needs both"
        )
    folder, masks = Path(out), _mask_names(len(files))
    read = [*files, *(pictures or [])]
    targets = [*masks, *_RESULTS, "failures.csv"]
    require_apart(folder, files)
    made_from = dict.fromkeys(targets, os.path.abspath(labels))
    with (
        claim_outputs(folder, "track", targets, read, sources=made_from, complete=True),
        claim_file(shown, "track", read),
    ):
        frames, failures = _read_frames(files)
        size = pixel_size if pixel_size is not None else _size_of(files, failures)
        reach = max_distance if max_distance is None or size is None else max_distance / _one(size)
        tracking = track_cells(frames, max_distance=reach, max_gap=max_gap, divisions=divisions)
        table = summarize_tracks(
            tracking.points, tracking.tracks, pixel_size=size, frame_interval=frame_interval
        )
        displacements = square_displacements(tracking.points, pixel_size=size, frame_interval=frame_interval)
        _write_challenge(folder, masks, tracking)
        for name, rows in {"tracks": table, "points": tracking.points, "msd": displacements}.items():
            write_text(folder / f"{name}.csv", rows.to_csv(index=False, float_format="%.8g"))
        write_text(folder / "lineage.json", json.dumps(lineage_trees(tracking.tracks)))
        failed = pd.DataFrame(failures.items(), columns=["frame", "error"])
        if failures:
            write_text(folder / "failures.csv", failed.to_csv(index=False))
        write_track_report(folder / "report.html", table, tracking.points, displacements, len(frames))
        drawn = draw_trails(
            tracking.labels,
            tracking.points,
            table,
            [None] * len(frames) if pictures is None else list(_grey(pictures, frames[0].shape)),
            trail=trail,
            enlarge=max(1, -(-_SHORTEST_MOVIE_SIDE // max(*frames[0].shape, 1))),
        )
        write_movie(shown, drawn, frames_per_second)
        return TrackedMovie(folder, table, len(frames), failed)


def _in_order(files: dict[str, Path]) -> list[Path]:
    """By the numbers in their names: frame 10 comes after frame 9."""
    return [
        files[name]
        for name in sorted(
            files,
            key=lambda name: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)],
        )
    ]


def _read_frames(files: list[Path]) -> tuple[list[LabelMap], dict[str, str]]:
    """Label maps; one that cannot be read is empty, so that the frames keep their numbers."""
    frames: list[LabelMap | None] = []
    failures: dict[str, str] = {}
    for file in files:
        try:
            frames.append(read_label_map(file))
        except (ValueError, OSError) as error:
            failures[file.name] = in_one_line(error)
            _logger.error("%s counts as an empty frame: %s", file, failures[file.name])
            frames.append(None)
    known = [frame for frame in frames if frame is not None]
    if not known:
        raise ValueError(f"none of {len(files)} frames can be read: {next(iter(failures.values()))}")
    return [np.zeros_like(known[0]) if frame is None else frame for frame in frames], failures


def _size_of(files: list[Path], failures: dict[str, str]) -> tuple[float, float] | None:
    readable = next(file for file in files if file.name not in failures)
    return plane_size(read_picture(readable, "label").pixel_size)


def _one(size: float | tuple[float, float]) -> float:
    return float(np.mean(size))


def _mask_names(frames: int) -> list[str]:
    digits = max(3, len(str(frames - 1)))
    return [f"mask{frame:0{digits}d}.tif" for frame in range(frames)]


def _write_challenge(folder: Path, masks: list[str], tracking: Tracking) -> None:
    dtype = np.uint16 if len(tracking.tracks) < 1 << 16 else np.int32
    for name, labels in zip(masks, tracking.labels, strict=True):
        with written_whole(folder / name) as part:
            tifffile.imwrite(part, cast(labels, dtype), compression="deflate")
    write_text(folder / "res_track.txt", track_lines(tracking.tracks))


def _grey(files: list[Path], shape: tuple[int, ...]) -> Iterator[npt.NDArray[Any]]:
    """Images in shades of grey, all stretched alike, by the percentiles of the first and the last."""
    limits = np.mean(
        [np.percentile(_mean_channel(file), [1, 99.8]) for file in (files[0], files[-1])], axis=0
    )
    for file in files:
        grey = _mean_channel(file)
        if grey.shape != shape:
            raise ValueError(
                f"{file} is {grey.shape} and the label maps are {shape} (rows, columns); "
                "both must be of one size"
            )
        yield (grey - limits[0]) / max(limits[1] - limits[0], 1e-9)


def _mean_channel(file: Path) -> npt.NDArray[np.float64]:
    mean: npt.NDArray[np.float64] = read_planes(file).pixels.mean(axis=0)
    return mean
