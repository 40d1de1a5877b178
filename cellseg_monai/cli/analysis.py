"""``cellseg measure`` and ``cellseg track``: what each takes."""

import argparse
from collections.abc import Sequence


def add_measure(verb: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    verb.set_defaults(verb=_measure)
    verb.add_argument("labels", help="folder of label maps, a dataset, or one label map")
    verb.add_argument("--out", required=True, metavar="DIR", help="folder for the tables")
    verb.add_argument(
        "--images",
        metavar="DIR",
        help="folder of the images, or one image, for intensities",
    )
    verb.add_argument("--classes", metavar="DIR", help="folder of class maps or class probabilities")
    verb.add_argument("--probability", metavar="DIR", help="folder of foreground probabilities")
    verb.add_argument("--probability-channel", type=int, default=0, metavar="N", help="of theirs (default 0)")
    verb.add_argument(
        "--pixel-size",
        type=float,
        nargs="+",
        metavar="UM",
        help="micrometres, or along x and y, if no file tells",
    )
    verb.add_argument(
        "--quantiles", type=float, nargs="*", default=(0.05, 0.25, 0.75, 0.95), metavar="SHARE",
        help="of the intensity, beside the median (default 0.05 0.25 0.75 0.95)",
    )  # fmt: skip
    verb.add_argument(
        "--background-window",
        type=int,
        default=256,
        metavar="PX",
        help="side; 0: the whole image (default 256)",
    )
    verb.add_argument("--neighbours", type=int, default=6, metavar="N", help="nearest cells (default 6)")
    verb.add_argument("--density-radius", type=float, metavar="R", help="(default 3 diameters of a cell)")
    verb.add_argument("--pairs", action="store_true", help="write a table of neighbours as well")
    verb.add_argument("--pieces", action="store_true", help="connected pieces of a binary mask are its cells")
    verb.add_argument("--format", choices=("csv", "parquet"), default="csv", help="of the tables of cells")


def add_track(verb: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    verb.set_defaults(verb=_track)
    verb.add_argument("labels", help="folder of the label maps of the frames")
    verb.add_argument(
        "--out", required=True, metavar="DIR", help="folder for masks, tables, report and movie"
    )
    verb.add_argument("--images", metavar="DIR", help="folder of the images, to draw the tracks on")
    verb.add_argument(
        "--pixel-size", type=float, nargs="+", metavar="UM", help="in place of what the files say"
    )
    verb.add_argument("--frame-interval", type=float, metavar="MIN", help="minutes from frame to frame")
    verb.add_argument(
        "--max-distance",
        type=float,
        metavar="D",
        help="of a cell from where it is expected (default: spacing)",
    )
    verb.add_argument(
        "--max-gap", type=int, default=1, metavar="N", help="frames to be unseen in (default 1)"
    )
    verb.add_argument("--no-divisions", action="store_true", help="no cell becomes two")
    verb.add_argument("--trail", type=int, default=10, metavar="N", help="frames of way drawn (default 10)")
    verb.add_argument("--fps", type=float, default=5.0, help="frames of the movie a second (default 5)")
    verb.add_argument("--movie", metavar="FILE", help="GIF or MP4 to write (default OUT/movie.gif)")


def _measure(
    labels: str,
    out: str,
    images: str | None,
    classes: str | None,
    probability: str | None,
    probability_channel: int,
    pixel_size: Sequence[float] | None,
    quantiles: Sequence[float],
    background_window: int,
    neighbours: int,
    density_radius: float | None,
    pairs: bool,
    pieces: bool,
    format: str,
) -> int:
    from cellseg_monai.jobs import measure

    result = measure(
        labels,
        out,
        images=images,
        classes=classes,
        probabilities=probability,
        probability_channel=probability_channel,
        pixel_size=_one_or_two(pixel_size),
        quantiles=quantiles,
        background_window=background_window or None,
        neighbours=neighbours,
        density_radius=density_radius,
        pairs=pairs,
        pieces=pieces,
        file_format="parquet" if format == "parquet" else "csv",
    )
    print(result)
    return int(bool(len(result.failures)))


def _track(
    labels: str,
    out: str,
    images: str | None,
    pixel_size: Sequence[float] | None,
    frame_interval: float | None,
    max_distance: float | None,
    max_gap: int,
    no_divisions: bool,
    trail: int,
    fps: float,
    movie: str | None,
) -> int:
    from cellseg_monai.jobs import track

    result = track(
        labels,
        out,
        images=images,
        pixel_size=_one_or_two(pixel_size),
        frame_interval=frame_interval,
        max_distance=max_distance,
        max_gap=max_gap,
        divisions=not no_divisions,
        trail=trail,
        frames_per_second=fps,
        movie=movie,
    )
    print(result)
    return int(bool(len(result.failures)))


def _one_or_two(pixel_size: Sequence[float] | None) -> float | tuple[float, float] | None:
    if pixel_size is None or len(pixel_size) == 1:
        return None if pixel_size is None else pixel_size[0]
    if len(pixel_size) > 2:
        raise ValueError(f"--pixel-size takes one length or two, along x and y, not {len(pixel_size)}")
    return pixel_size[0], pixel_size[1]
