"""The command ``cellseg``: each verb is one call.

Verbs import what they need when they run, so that ``cellseg --help`` answers at once.
"""

import argparse
import sys
from collections.abc import Sequence

from cellseg_monai.causes import cause_of, origin_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; an error of the user's is one sentence, and the exit code is 1.

    Args:
        arguments: instead of those of the command line.

    Returns:
        0 if all went well, 1 otherwise.

    Example:
        >>> main(["data", "layouts"])
        bcss             ...
        0
    """
    options = vars(_parser().parse_args(arguments))
    verb = options.pop("verb")
    try:
        return int(verb(**options))
    except (ValueError, OSError, RuntimeError) as error:
        cause = cause_of(error)
        if isinstance(cause, RuntimeError) and "/cellseg_monai/" not in origin_of(cause):
            raise  # a bug, which needs its traceback
        print(f"cellseg: error: {cause}", file=sys.stderr)
        return 1


def _import(layout: str, source: str, destination: str) -> int:
    from cellseg_monai.data import import_dataset

    report = import_dataset(layout, source, destination)
    print(report)
    return int(bool(report.failures))


def _layouts() -> int:
    from cellseg_monai.data import LAYOUTS

    for name, layout in sorted(LAYOUTS.items()):
        print(f"{name:<17}{layout.description}")
    return 0


def _check(source: str, json: bool, recursive: bool) -> int:
    from cellseg_monai.data import check_dataset, render_table

    report = check_dataset(source, recursive)
    print(report.to_json() if json else render_table(report))
    return int(report.failed)


def _synthesize(kind: str, destination: str, count: int, size: Sequence[int], seed: int, shift: float) -> int:
    from cellseg_monai.data import write_synthetic_dataset

    rows, columns = size
    print(write_synthetic_dataset(kind, destination, count, (rows, columns), seed=seed, shift=shift))
    return 0


def _patches(source: str, out: str, patch_size: int, count: int, seed: int) -> int:
    from cellseg_monai.preview import draw_patches

    print(draw_patches(source, out, patch_size, count, seed))
    return 0


def _predict(
    bundle: str,
    inputs: Sequence[str],
    out: str,
    device: str | None,
    tta: bool,
    save_probability: bool,
    overlay: bool,
) -> int:
    from cellseg_monai.prediction import predict

    labels = predict(bundle, inputs, out, device, tta, save_probability, overlay)
    print(f"{len(labels)} label map{'' if len(labels) == 1 else 's'} in {out}/labels")
    return 0


def _evaluate(
    pred: str,
    truth: str,
    out: str,
    metrics: Sequence[str] | None,
    pieces: bool,
    section: str,
    modality: str | None,
    bundle: str | None,
) -> int:
    from cellseg_monai.evaluation import DEFAULT_METRICS, evaluate

    result = evaluate(
        pred,
        truth,
        out,
        DEFAULT_METRICS if metrics is None else metrics,
        pieces=pieces,
        section=section,
        modality=modality,
        bundle=bundle,
    )
    print(result)
    return int(bool(result.summary["missing"]))


def _report(runs: Sequence[str], out: str, bundle: str | None) -> int:
    from cellseg_monai.evaluation import write_report

    print(write_report(runs, out, bundle))
    return 0


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
    from cellseg_monai.measurement import measure_files

    result = measure_files(
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
) -> int:
    from cellseg_monai.tracking import track_files

    result = track_files(
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
    )
    print(result)
    return int(bool(len(result.failures)))


def _one_or_two(pixel_size: Sequence[float] | None) -> float | tuple[float, float] | None:
    if pixel_size is None or len(pixel_size) == 1:
        return None if pixel_size is None else pixel_size[0]
    if len(pixel_size) > 2:
        raise ValueError(f"--pixel-size takes one length or two, along x and y, not {len(pixel_size)}")
    return pixel_size[0], pixel_size[1]


def _render_bundles(source: str) -> int:
    from cellseg_monai.bundling import render_bundles

    for file in render_bundles(source):
        print(file)
    return 0


def _check_bundles(source: str) -> int:
    from cellseg_monai.bundling import check_bundles

    report = check_bundles(source)
    print(report)
    return int(report.failed)


def _pack_bundle(source: str, out: str, vendor: bool) -> int:
    from cellseg_monai.bundling import pack_bundle

    print(pack_bundle(source, out, vendor))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cellseg", description="From a few annotated microscope images to a cell-segmentation bundle."
    )
    commands = parser.add_subparsers(title="commands", required=True)
    _add_data_verbs(commands.add_parser("data", help="import, check and look at datasets"))
    _add_predict(commands.add_parser("predict", help="segment images with a trained bundle"))
    _add_bundle_verbs(commands.add_parser("bundle", help="render, check and pack bundles"))
    _add_evaluation_verbs(commands)
    _add_measure(commands.add_parser("measure", help="tables of what the cells of label maps measure"))
    _add_track(commands.add_parser("track", help="follow the cells of a time-lapse through its label maps"))
    return parser


def _add_track(verb: argparse.ArgumentParser) -> None:
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


def _add_measure(verb: argparse.ArgumentParser) -> None:
    verb.set_defaults(verb=_measure)
    verb.add_argument("labels", help="folder of label maps, a dataset, or one label map")
    verb.add_argument("--out", required=True, metavar="DIR", help="folder for the tables")
    verb.add_argument("--images", metavar="DIR", help="folder of the images, for intensities")
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


def _add_evaluation_verbs(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = commands.add_parser(
        "evaluate", help="score predictions against truth; exit code 1 if a prediction is missing"
    )
    verb.set_defaults(verb=_evaluate)
    verb.add_argument("--pred", required=True, metavar="DIR", help="folder of predicted label maps")
    verb.add_argument(
        "--truth", required=True, metavar="DIR", help="dataset with labels, or a folder of label maps"
    )
    verb.add_argument("--out", required=True, metavar="DIR", help="folder for scores, summary and report")
    verb.add_argument("--metrics", nargs="+", metavar="NAME", help="columns, such as dice f1@0.75 n_true")
    verb.add_argument(
        "--pieces", action="store_true", help="connected pieces of a binary mask are its objects"
    )
    verb.add_argument("--section", default="training", help="of a dataset.json or table (default training)")
    verb.add_argument("--modality", metavar="PATTERN", help="finds the modality in the name of an image")
    verb.add_argument("--bundle", metavar="DIR", help="that made the predictions, for the record")

    verb = commands.add_parser("report", help="one HTML file about one run, or a comparison of several")
    verb.set_defaults(verb=_report)
    verb.add_argument("runs", nargs="+", metavar="RUN", help="folder of an evaluation, training or study")
    verb.add_argument("--out", required=True, metavar="FILE", help="HTML file to write")
    verb.add_argument("--bundle", metavar="DIR", help="that was run, for the record")


def _add_data_verbs(data: argparse.ArgumentParser) -> None:
    verbs = data.add_subparsers(title="verbs", required=True)

    verb = verbs.add_parser("import", help="convert a public dataset to images/, labels/ and dataset.json")
    verb.set_defaults(verb=_import)
    verb.add_argument("layout", help="name of its layout: see 'cellseg data layouts'")
    verb.add_argument("source", help="folder of the dataset as published")
    verb.add_argument("destination", help="folder to write")

    verb = verbs.add_parser("layouts", help="list the layouts that can be imported")
    verb.set_defaults(verb=_layouts)

    verb = verbs.add_parser("check", help="what a careful colleague would notice; exit code 1 on errors")
    verb.set_defaults(verb=_check)
    verb.add_argument("source", help="folder, dataset.json or table")
    verb.add_argument("--json", action="store_true", help="the whole report for programs")
    verb.add_argument("--recursive", action="store_true", help="look into sub-folders")

    verb = verbs.add_parser("synthesize", help="write synthetic microscope images with exact truth")
    verb.set_defaults(verb=_synthesize)
    verb.add_argument("kind", help="nuclei, phase, filaments or tissue")
    verb.add_argument("destination", help="folder to write")
    verb.add_argument("--count", type=int, default=8, help="number of images (default 8)")
    verb.add_argument("--size", type=int, nargs=2, default=(256, 256), metavar=("ROWS", "COLUMNS"))
    verb.add_argument("--seed", type=int, default=0)
    verb.add_argument("--shift", type=float, default=0.0, help="0 to 1: towards another intensity range")

    verb = verbs.add_parser("patches", help="draw the patches that a network would see, on one sheet")
    verb.set_defaults(verb=_patches)
    verb.add_argument("source", help="folder, dataset.json or table")
    verb.add_argument("--out", required=True, help="PNG file to write")
    verb.add_argument("--patch-size", type=int, default=128)
    verb.add_argument("--count", type=int, default=32, help="number of patches (default 32)")
    verb.add_argument("--seed", type=int, default=0)


def _add_predict(verb: argparse.ArgumentParser) -> None:
    verb.set_defaults(verb=_predict)
    verb.add_argument("bundle", help="folder of the bundle")
    verb.add_argument("inputs", nargs="+", metavar="input", help="images, folders, datasets, patterns")
    verb.add_argument("--out", required=True, help="folder to write")
    verb.add_argument("--device", help="such as cpu or cuda:1; by default the GPU if there is one")
    verb.add_argument("--tta", action="store_true", help="average over flips and quarter turns")
    verb.add_argument("--save-probability", action="store_true", help="write what the network says as well")
    verb.add_argument("--overlay", action="store_true", help="draw the cells' outlines on the images")


def _add_bundle_verbs(bundle: argparse.ArgumentParser) -> None:
    verbs = bundle.add_subparsers(title="verbs", required=True)
    bundles = "folder of bundles beside _base, or one bundle"

    verb = verbs.add_parser("render", help="make configs/ from bundle.yaml and the base")
    verb.set_defaults(verb=_render_bundles)
    verb.add_argument("source", help=bundles)

    verb = verbs.add_parser("check", help="what MONAI's users would find wrong; exit code 1 on errors")
    verb.set_defaults(verb=_check_bundles)
    verb.add_argument("source", help=bundles)

    verb = verbs.add_parser("pack", help="write a bundle as a reproducible zip with a manifest of its hashes")
    verb.set_defaults(verb=_pack_bundle)
    verb.add_argument("source", help="one bundle")
    verb.add_argument("--out", default="dist", help="folder for the zip (default dist)")
    verb.add_argument("--vendor", action="store_true", help="add cellseg_monai, for servers without pip")


if __name__ == "__main__":
    sys.exit(main())
