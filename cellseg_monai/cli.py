"""The command ``cellseg``: each verb is one call.

Verbs import what they need when they run, so that ``cellseg --help`` answers at once.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from cellseg_monai._analysis_verbs import add_measure, add_track
from cellseg_monai._study_verbs import add_settings, add_study_verbs
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
    attention: bool,
    options: Sequence[tuple[str, Any]],
) -> int:
    from cellseg_monai.prediction import predict

    labels = predict(
        bundle, inputs, out, device, tta, save_probability, overlay, attention, options=dict(options)
    )
    print(f"{len(labels)} label map{'' if len(labels) == 1 else 's'} in {out}/labels")
    return 0


def _convert(inputs: Sequence[str], to: str, out: str, images: str | None, measurements: str | None) -> int:
    from cellseg_monai.conversion import convert

    conversion = convert(inputs, to, out, images, measurements)
    print(conversion)
    return int(bool(conversion.failures))


def _calibrate(
    bundle: str, data: str, out: str, weights: str | None, options: Sequence[tuple[str, Any]]
) -> int:
    from cellseg_monai.calibration import CHOSEN, calibrate
    from cellseg_monai.data import labelled, list_items

    values = dict(options) | ({} if weights is None else {"weights": weights})
    print(calibrate(bundle, labelled(list_items(data)), out, values))
    print(f"{out}/{CHOSEN} is laid over configs/inference.json")
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
    _add_convert(commands.add_parser("convert", help="label maps to QuPath, Fiji, napari, COCO and back"))
    _add_calibrate(commands.add_parser("calibrate", help="choose threshold, seeds and smallest cell"))
    _add_bundle_verbs(commands.add_parser("bundle", help="render, check and pack bundles"))
    _add_evaluation_verbs(commands)
    add_measure(commands.add_parser("measure", help="tables of what the cells of label maps measure"))
    add_track(commands.add_parser("track", help="follow the cells of a time-lapse through its label maps"))
    add_study_verbs(
        commands.add_parser("study", help="many trainings to one table: how good, with how many images")
    )
    return parser


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
    verb.add_argument("--attention", action="store_true", help="write what each attention gate lets pass")
    add_settings(verb)


def _add_convert(verb: argparse.ArgumentParser) -> None:
    verb.set_defaults(verb=_convert)
    verb.add_argument(
        "inputs", nargs="+", metavar="input", help="label maps, outlines, folders, datasets, patterns"
    )
    verb.add_argument(
        "--to", required=True, choices=("geojson", "rois", "ome-zarr", "coco", "tiff", "overlay")
    )
    verb.add_argument("--out", required=True, metavar="DIR", help="folder to write")
    verb.add_argument("--images", metavar="DIR", help="the images, found by name: for sizes, and to draw on")
    verb.add_argument(
        "--measurements", metavar="CSV", help="columns label, image and class; others are measurements"
    )


def _add_calibrate(verb: argparse.ArgumentParser) -> None:
    verb.set_defaults(verb=_calibrate)
    verb.add_argument("bundle", help="folder of the bundle")
    verb.add_argument(
        "--data", required=True, metavar="D", help="labelled images that it has not learned from"
    )
    verb.add_argument("--out", required=True, metavar="DIR", help="folder for decoding.json")
    verb.add_argument("--weights", metavar="FILE", help="of the network, if not those of the bundle")
    add_settings(verb)


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
