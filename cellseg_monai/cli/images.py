"""``cellseg predict``, ``calibrate`` and ``convert``: images to label maps, label maps to other files."""

from pathlib import Path
from typing import Any

from cellseg_monai.cli.options import CLUSTER, FORCE, MODEL, READING, SETTINGS, TRUST, WEIGHTS, Status
from cellseg_monai.cli.results import Outcome
from cellseg_monai.cli.verbs import Verb, argument, call


def _predict(out: str, **options: Any) -> Outcome:
    from cellseg_monai.jobs import predict
    from cellseg_monai.outputs.counting import counted
    from cellseg_monai.outputs.counts import SEGMENTATION, Counts

    labels = predict(out=out, **options)
    counts = Counts.read(SEGMENTATION, Path(out))
    text = f"{counted(len(labels), 'label map')} in {out}/labels\n{counts}"
    return Outcome(text, {"labels": labels, "cells": dict(counts.rows)})


def _calibrate(data: str, out: str, weights: str | None = None, **options: Any) -> Outcome:
    from cellseg_monai.data import labelled, list_items
    from cellseg_monai.jobs import calibrate

    if weights is not None:
        options["options"] = {**options.get("options", {}), "weights": weights}
    calibration = calibrate(items=labelled(list_items(data)), out=out, **options)
    use = f"to use them, put {out}/decoding.json on top of configs/inference.json"
    if options.get("keep"):
        use = "the values are kept beside the weights"
    return Outcome(f"{calibration}\n{use}", calibration)


PREDICT = Verb("predict", "segment images with a trained network", _predict, [
    MODEL,
    argument("inputs", nargs="+", metavar="input", help="images, folders, datasets or patterns"),
    argument("--out", required=True, metavar="DIR", help="folder to write"),
    argument("--device", help="device, such as cpu or cuda:1 (default: a GPU if there is one)"),
    argument("--tta", action="store_true", help="average predictions over flips and quarter turns"),
    argument("--save-probability", action="store_true", help="also write the probability maps"),
    argument(
        "--diameter", type=float, metavar="PIXELS",
        help="diameter of the cells, for a model that otherwise finds it, such as generalist_nuclei",
    ),
    argument("--overlay", action="store_true", help="also draw the outlines of the cells on the images"),
    argument("--attention", action="store_true", help="also write the map of each attention gate"),
    *READING,
    CLUSTER,
    argument("--status", action=Status, metavar="OUT", help="show how far the run that writes to OUT is"),
    TRUST,
    SETTINGS,
], json=True)  # fmt: skip
CALIBRATE = Verb("calibrate", "choose threshold, seed height and minimum cell size", _calibrate, [
    MODEL,
    argument("--data", required=True, metavar="D", help="labelled images that were not used in training"),
    argument("--out", required=True, metavar="DIR", help="folder for decoding.json"),
    WEIGHTS,
    argument("--keep", action="store_true", help="also write the values beside the weights, as new defaults"),
    TRUST,
    SETTINGS,
], json=True)  # fmt: skip
CONVERT = Verb("convert", "convert label maps for other programs, and back", call("jobs.convert"), [
    argument("inputs", nargs="+", metavar="input", help="label maps, outlines, folders, datasets"),
    argument(
        "--to", required=True, choices=("geojson", "rois", "ome-zarr", "coco", "tiff", "overlay"),
        help="file format to write",
    ),
    argument("--out", required=True, metavar="DIR", help="folder to write"),
    argument("--images", metavar="DIR", help="folder of the images, for their size and for overlays"),
    argument("--measurements", metavar="CSV", help="table with label, image, class, and measurements to add"),
    FORCE,
])  # fmt: skip
