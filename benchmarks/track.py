"""Tracking on true masks and on segmented images, compared with other linkers and scored with py-ctcmetrics.

    python benchmarks/track.py [--quick] [--real FOLDER [--bundle BUNDLE [--set ID=VALUE ...]]]

FOLDER has movies in the layout of the Cell Tracking Challenge; the script reads ``TRA/man_track*``. With a
bundle, the images beside them are segmented and tracked as well. trackpy is optional: ``pip install trackpy``
in an environment of your own.
"""

import argparse
import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
from ctc_metrics.metrics import det, lnk, tra
from ctc_metrics.scripts.evaluate import match_computed_to_reference_masks
from ctc_metrics.utils.representations import count_acyclic_graph_correction_operations
from scipy.spatial import KDTree

from cellseg_monai.analysis import track_cells
from cellseg_monai.analysis.track.cells import FrameCells, frame_cells, spacing
from cellseg_monai.analysis.track.linking import Link
from cellseg_monai.analysis.track.tracks import name_tracks
from cellseg_monai.data import read_label_map, timelapse
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.label_maps import LabelMap

Result = tuple[list[LabelMap], np.ndarray]
"""Tracked label maps, and one row of id, begin, end and parent for each track."""


class Movie(NamedTuple):
    """Label maps to link, and the true tracks."""

    name: str
    frames: list[LabelMap]
    truth: Result


def ours(frames: list[LabelMap]) -> Result:
    """Track with the default options."""
    found = track_cells(frames)
    return found.labels, found.tracks.to_numpy()


def nearest(frames: list[LabelMap]) -> Result:
    """Link each cell to the nearest cell of the next frame within the spacing, if it is free."""
    cells = [frame_cells(labels) for labels in frames]
    reach, links = spacing(cells), []
    for frame, (now, then) in enumerate(pairwise(cells)):
        if len(now.ids) and len(then.ids):
            distance, place = KDTree(then.places).query(now.places)
            taken = set()
            for one in np.argsort(distance):
                if distance[one] <= reach and place[one] not in taken:
                    taken.add(place[one])
                    links.append(((frame, int(one)), (frame + 1, int(place[one]))))
    return from_links(frames, cells, links)


def trackpy_linked(frames: list[LabelMap]) -> Result:
    """Link with trackpy (Crocker and Grier), which does not support divisions."""
    import trackpy

    trackpy.quiet()
    cells = [frame_cells(labels) for labels in frames]
    reach, links, last = spacing(cells), [], {}
    linked = trackpy.link_iter(
        (each.places for each in cells),
        search_range=reach,
        memory=1,
        adaptive_stop=reach / 4,  # without it, a crowded field takes hours
        adaptive_step=0.9,
    )
    for frame, particles in linked:
        for place, particle in enumerate(particles):
            if particle in last:
                links.append((last[particle], (frame, place)))
            last[particle] = (frame, place)
    return from_links(frames, cells, links)


def from_links(frames: list[LabelMap], cells: list[FrameCells], links: list[Link]) -> Result:
    """Make the tracked movie from links."""
    names, tracks = name_tracks([len(each.ids) for each in cells], links)
    labels = [
        np.append(0, name)[np.searchsorted(np.append(0, each.ids), frame)].astype(np.int32)
        for frame, each, name in zip(frames, cells, names, strict=True)
    ]
    return labels, tracks.to_numpy()


def scores(result: Result, truth: Result) -> tuple[float, float, float]:
    """Compute TRA, DET and LNK with py-ctcmetrics."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, frames in (("truth", truth[0]), ("result", result[0])):
            paths.append([str(Path(folder) / f"{name}{number:04}.tif") for number in range(len(frames))])
            for path, frame in zip(paths[-1], frames, strict=True):
                tifffile.imwrite(path, frame.astype(np.uint16))
        found = match_computed_to_reference_masks(*paths, threads=1)
    found.pop("ious")
    operations = count_acyclic_graph_correction_operations(truth[1], result[1], **found)
    return tra(**operations)[0], det(**operations), lnk(**operations)


def synthetic(quick: bool) -> Iterator[Movie]:
    """Make synthetic movies with divisions, slow and fast."""
    for seed in range(1 if quick else 3):
        for speed, rate in ((0.1, 0.02), (0.15, 0.05)):
            movie = timelapse(12 if quick else 40, (256, 256), seed=seed, speed=speed, division_rate=rate)
            name = f"synthetic, seed {seed}, speed {speed} diameters, divisions {rate} a frame"
            yield Movie(name, list(movie.labels), (list(movie.labels), np.array(movie.tracks)))


def real(folder: Path, bundle: str | None, options: dict[str, Any]) -> Iterator[Movie]:
    """Read the movies of a folder: true masks, and images segmented with a bundle."""
    for table in sorted(folder.rglob("TRA/man_track.txt")):
        frames = [read_label_map(path) for path in sorted(table.parent.glob("man_track*.tif"))]
        truth = (frames, np.loadtxt(table, np.int64, ndmin=2))
        name = f"{table.parts[-4]}, {len(frames)} frames"
        yield Movie(name, frames, truth)
        images = sorted(Path(str(table.parents[1]).removesuffix("_GT")).glob("t*.tif"))
        if bundle and len(images) == len(frames):
            with tempfile.TemporaryDirectory() as out:
                found = [read_label_map(path) for path in predict(bundle, images, out, options=options)]
            yield Movie(f"{name}, segmented by {bundle}", found, truth)


def main() -> None:
    """Print one table per movie."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short movies, a few seconds")
    parser.add_argument("--real", type=Path, help="folder of movies in Cell Tracking Challenge layout")
    parser.add_argument("--bundle", help="name or folder of a bundle with weights")
    parser.add_argument("--set", nargs="+", default=[], metavar="ID=VALUE", help="options of the bundle")
    options = parser.parse_args()
    linkers: dict[str, Callable[[list[LabelMap]], Result]] = {
        "analysis.track_cells": ours,
        "nearest neighbour": nearest,
    }
    if importlib.util.find_spec("trackpy"):
        linkers["trackpy.link"] = trackpy_linked
    else:
        print("trackpy is not installed and is skipped")
    chosen = dict(option.split("=", 1) for option in options.set)
    from_folder = real(options.real, options.bundle, chosen) if options.real else ()
    for movie in [*synthetic(options.quick), *from_folder]:
        tracks = movie.truth[1]
        print(f"\n{movie.name}: {len(tracks)} tracks, {(tracks[:, 3] > 0).sum()} with a parent")
        print(f"{'':24}{'TRA':>9}{'LNK':>9}{'DET':>9}{'seconds':>10}")
        for linker, call in linkers.items():
            start = time.perf_counter()
            result = call(movie.frames)
            seconds = time.perf_counter() - start
            of_tra, of_det, of_lnk = scores(result, movie.truth)
            print(f"{linker:24}{of_tra:9.4f}{of_lnk:9.4f}{of_det:9.4f}{seconds:10.1f}", flush=True)


if __name__ == "__main__":
    main()
