"""``cellseg measure`` and ``cellseg track``."""

from cellseg_monai.cli.options import CLUSTER, FORCE, PIECES, PIXEL_SIZE, READING, TRUST
from cellseg_monai.cli.verbs import Verb, argument, call


def _window(text: str) -> int | None:
    return int(text) or None


MEASURE = Verb("measure", "write tables of cell measurements", call("jobs.measure"), [
    argument("labels", help="folder of label maps, a dataset, or one label map"),
    argument("--out", required=True, metavar="DIR", help="folder for the tables"),
    argument("--images", metavar="DIR", help="folder of the images, or one image, for intensities"),
    argument("--classes", metavar="DIR", help="folder of class maps or class probabilities"),
    argument("--probability", dest="probabilities", metavar="DIR", help="folder of foreground probabilities"),
    argument("--probability-channel", type=int, metavar="N", help="channel of the foreground (default 0)"),
    PIXEL_SIZE,
    argument(
        "--quantiles", type=float, nargs="*", metavar="Q",
        help="intensity quantiles besides the median (default 0.05 0.25 0.75 0.95)",
    ),
    argument(
        "--background-window", type=_window, metavar="PX",
        help="side of the window for the local background; 0: the whole image (default 256)",
    ),
    argument("--neighbours", type=int, metavar="N", help="number of nearest cells (default 6)"),
    argument("--density-radius", type=float, metavar="R", help="density radius (default: 3 cell diameters)"),
    argument("--pairs", action="store_true", help="also write a table of neighbouring cells"),
    PIECES,
    argument("--format", dest="file_format", choices=("csv", "parquet"), help="table format (default csv)"),
    CLUSTER,
    FORCE,
    *READING,
])  # fmt: skip
TRACK = Verb("track", "track the cells of a time-lapse through its label maps", call("jobs.track"), [
    argument("labels", help="label maps of the frames: a folder, or one file; with --model, the images"),
    argument("--out", required=True, metavar="DIR", help="folder for masks, tables, report and movie"),
    argument("--model", metavar="MODEL", help="bundle or weights to segment the images with first"),
    argument("--images", metavar="DIR", help="images, as background of the movie: a folder, or one file"),
    PIXEL_SIZE,
    argument("--frame-interval", type=float, metavar="MIN", help="minutes between frames"),
    argument(
        "--max-distance", type=float, metavar="D",
        help="largest distance between a cell and its expected position (default: from the cell spacing)",
    ),
    argument("--max-gap", type=int, metavar="N", help="frames that a cell may be missing (default 1)"),
    argument("--no-divisions", dest="divisions", action="store_false", help="do not track cell divisions"),
    argument("--trail", type=int, metavar="N", help="frames of the path to draw (default 10)"),
    argument("--fps", dest="frames_per_second", type=float, metavar="N", help="frame rate (default 5)"),
    argument("--movie", metavar="FILE", help="GIF or MP4 file to write (default OUT/movie.gif)"),
    FORCE,
    *READING,
    TRUST,
])  # fmt: skip
