"""Tracks of the cells in the label maps of a time lapse."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import tifffile

from cellseg_monai import analysis
from cellseg_monai.analysis.measure.units import PixelSize
from cellseg_monai.data import Reading, read_label_map, read_picture
from cellseg_monai.export.movie import check_movie, write_movie
from cellseg_monai.jobs.files.companions import find_companions
from cellseg_monai.jobs.files.inputs import find_label_maps
from cellseg_monai.jobs.files.planes import WHOLE, plane_size, read_planes
from cellseg_monai.jobs.files.stacks import Frame, frames_of, of_labels
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.jobs.track_report import write_track_report
from cellseg_monai.label_maps import LabelMap, cast
from cellseg_monai.outputs import (
    Run,
    StrPath,
    claim_file,
    claim_outputs,
    require_apart,
    write_text,
    written_whole,
)
from cellseg_monai.outputs.counting import counted
from cellseg_monai.outputs.counts import LABEL_MAPS, Counts, number_of_cells
from cellseg_monai.outputs.failures import FAILURES, Failures

_SHORTEST_MOVIE_SIDE = 400

_RESULTS = ("res_track.txt", "tracks.csv", "points.csv", "msd.csv", "lineage.json", "report.html")


class TrackedMovie(NamedTuple):
    """Result of tracking.

    Attributes:
        folder: output folder.
        tracks: table of tracks.
        frames: number of frames.
        failures: frames that could not be read, treated as empty, with columns ``frame`` and ``error``.
        counts: number of cells in each frame that could be read.

    Example:
        >>> tracks = pd.DataFrame({"daughters": ["2 3", "", ""]})
        >>> failures = pd.DataFrame({"frame": [], "error": []})
        >>> print(TrackedMovie(Path("out"), tracks, 9, failures, Counts("")))
        3 tracks with 1 division in 9 frames; see out/report.html
    """

    folder: Path
    tracks: pd.DataFrame
    frames: int
    failures: pd.DataFrame
    counts: Counts

    def __str__(self) -> str:
        """Number of tracks and divisions, and of missing and empty frames."""
        divisions = counted(int((self.tracks["daughters"] != "").sum()), "division")
        tracks, frames = counted(len(self.tracks), "track"), counted(self.frames, "frame")
        text = f"{tracks} with {divisions} in {frames}; see {self.folder / 'report.html'}"
        if len(self.failures):
            failed = f"{counted(len(self.failures), 'frame')} could not be read (treated as empty)"
            text += f"\n{failed}; see {self.folder / FAILURES} for the reasons"
        return "\n".join(filter(None, [text, self.counts.empty()]))


def track(
    labels: StrPath,
    out: StrPath,
    *,
    model: StrPath | None = None,
    images: StrPath | None = None,
    pixel_size: PixelSize = None,
    frame_interval: float | None = None,
    max_distance: float | None = None,
    max_gap: int = 1,
    divisions: bool = True,
    trail: int = 10,
    frames_per_second: float = 5.0,
    movie: StrPath | None = None,
    reading: Reading = WHOLE,
    trust: bool = False,
    force: bool = False,
) -> TrackedMovie:
    """Track the cells of a time lapse, whose frames are label maps numbered in their names, or in one file.

    Args:
        labels: folder of label maps, such as ``t000.tif``, ``t001.tif``, …, or one file with all frames; with
            a `model`, the images.
        out: output folder for ``mask000.tif``, … and ``res_track.txt`` as in the Cell Tracking Challenge,
            ``tracks.csv``, ``points.csv``, ``msd.csv``, ``lineage.json``, ``report.html`` with plots,
            ``movie.gif``, and, if a frame could not be read, ``failures.csv``.
        model: bundle or weights to segment the images with first, as in :func:`~cellseg_monai.predict`; the
            label maps are in `out`/segmented.
        images: folder of images to draw the tracks on, one per frame, or one file with all frames.
        pixel_size: pixel size in micrometres, in place of that of the files.
        frame_interval: minutes between frames.
        max_distance: maximum distance of a cell from where it is expected, in micrometres if the pixel size
            is known, otherwise in pixels; the median distance between neighbours by default.
        max_gap: number of frames that a cell may be missing from.
        divisions: whether to detect divisions.
        trail: length of the trails in the movie, in frames.
        frames_per_second: frame rate of the movie.
        movie: movie to write, ``.gif`` or ``.mp4``; by default ``movie.gif`` in `out`.
        reading: names of the axes, plane, and channels of the images.
        trust: whether to use the model without an audit.
        force: whether to accept label maps that look like microscope images.

    Returns:
        Table of tracks, number of frames, and failures.

    Raises:
        FileNotFoundError: a folder does not exist.
        ValueError: no frame can be read, frames differ in size, the numbers of images and label maps differ,
            or the movie is neither GIF nor MP4.
        RuntimeError: laptrack is not installed, or imageio-ffmpeg is not installed but needed for MP4.

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
    run = Run("track", locals())
    if not frames_per_second > 0:
        raise ValueError(f"frames_per_second must be above 0, not {frames_per_second}")
    folder = Path(out)
    film = folder / "movie.gif" if movie is None else Path(movie)
    check_movie(film)
    if model is not None:
        images = labels if images is None else images
        found = predict(model, [labels], folder / "segmented", reading=reading, trust=trust)
        labels = found[0] if len(found) == 1 else folder / "segmented/labels"
    files = _in_order(find_label_maps([labels]))
    maps = frames_of(labels, files, of_labels(files[0], reading))
    pictures = [] if images is None else _images_of(images, reading)
    if images is not None and len(pictures) != len(maps):
        raise ValueError(
            f"{images} has {counted(len(pictures), 'image')} but {labels} has "
            f"{counted(len(maps), 'label map')}; each frame needs both"
        )
    digits = max(3, len(str(len(maps) - 1)))
    masks = [f"mask{frame:0{digits}d}.tif" for frame in range(len(maps))]
    targets = [*masks, *_RESULTS, FAILURES]
    read = [*files, *(picture.file for picture in pictures)]
    require_apart(folder, files)
    sources = dict.fromkeys(targets, os.path.abspath(labels))
    failures, counts = Failures(folder, "frame"), Counts(LABEL_MAPS, kind="frame")
    with (
        claim_outputs(folder, "track", targets, read, sources=sources, complete=True, run=run),
        claim_file(film, "track", read),
    ):
        frames, size = _read_frames(maps, failures, counts, force)
        if pixel_size is not None:
            size = pixel_size
        reach = max_distance if max_distance is None or size is None else max_distance / float(np.mean(size))
        tracking = analysis.track_cells(frames, max_distance=reach, max_gap=max_gap, divisions=divisions)
        points = tracking.points
        tracks = analysis.summarize_tracks(
            points, tracking.tracks, pixel_size=size, frame_interval=frame_interval
        )
        displacements = analysis.square_displacements(points, pixel_size=size, frame_interval=frame_interval)
        run.note(counts={"frames": len(frames), "failed": len(failures.rows), "tracks": len(tracks)})
        _write_challenge(folder, masks, tracking)
        for name, table in {"tracks": tracks, "points": points, "msd": displacements}.items():
            write_text(folder / f"{name}.csv", table.to_csv(index=False, float_format="%.8g"))
        write_text(folder / "lineage.json", json.dumps(analysis.lineage_trees(tracking.tracks)))
        write_track_report(folder / "report.html", tracks, points, displacements, len(frames))
        drawn = analysis.draw_trails(
            tracking.labels,
            points,
            tracks,
            list(_grey(pictures, frames[0].shape)) or [None] * len(frames),
            trail=trail,
            enlarge=max(1, -(-_SHORTEST_MOVIE_SIDE // max(*frames[0].shape, 1))),
        )
        write_movie(film, drawn, frames_per_second)
    counts.warn()
    return TrackedMovie(folder, tracks, len(frames), failures.table, counts)


def _in_order(files: Mapping[str, Path]) -> list[Path]:
    """Sort files by the numbers in their names: frame 10 comes after frame 9."""
    return [files[name] for name in tifffile.natural_sorted(files)]


def _images_of(images: StrPath, reading: Reading) -> list[Frame]:
    return frames_of(images, _in_order(find_companions(images).files), reading)


def _read_frames(
    frames: Sequence[Frame], failures: Failures, counts: Counts, force: bool
) -> tuple[list[LabelMap], PixelSize]:
    """Read label maps, and the pixel size of the first; frames that cannot be read are empty."""
    known: dict[int, LabelMap] = {}
    for number, (name, file, reading) in enumerate(frames):
        with failures.collect(name):
            known[number] = read_label_map(file, force=force, **reading.place)
            counts.add(name, number_of_cells(known[number]))
    if not known:
        raise ValueError(f"no frame can be read: {failures.rows[0][1]}")
    first, labels = next(iter(known.items()))
    size = plane_size(read_picture(frames[first].file, "label", **frames[first].reading.place).pixel_size)
    return [known.get(number, np.zeros_like(labels)) for number in range(len(frames))], size


def _write_challenge(folder: Path, masks: Sequence[str], tracking: analysis.Tracking) -> None:
    dtype = np.uint16 if len(tracking.tracks) < 1 << 16 else np.int32
    for name, labels in zip(masks, tracking.labels, strict=True):
        with written_whole(folder / name) as part:
            tifffile.imwrite(part, cast(labels, dtype), compression="deflate")
    write_text(folder / "res_track.txt", analysis.track_lines(tracking.tracks))


def _grey(frames: Sequence[Frame], shape: tuple[int, ...]) -> Iterator[npt.NDArray[Any]]:
    """Read grey images, all scaled by the mean percentiles of the first and the last."""

    def read(frame: Frame) -> npt.NDArray[Any]:
        grey: npt.NDArray[Any] = read_planes(frame.file, frame.reading).pixels.mean(axis=0)
        return grey

    ends = [read(frame) for frame in (*frames[:1], *frames[-1:])]
    limits = np.mean([np.percentile(grey, [1, 99.8]) for grey in ends], axis=0) if ends else np.zeros(2)
    for frame in frames:
        grey = read(frame)
        if grey.shape != shape:
            raise ValueError(
                f"{frame.file} is {grey.shape}, but the label maps are {shape} (rows, columns); "
                "give images of the same size"
            )
        yield (grey - limits[0]) / max(limits[1] - limits[0], 1e-9)
