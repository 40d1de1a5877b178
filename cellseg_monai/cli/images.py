"""``cellseg predict``, ``calibrate`` and ``convert``: images to label maps, label maps to other files."""

import argparse
from collections.abc import Sequence
from typing import Any

from cellseg_monai.cli.options import add_settings


def add_predict(verb: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    verb.set_defaults(verb=_predict)
    verb.add_argument("bundle", help="folder of the bundle, or its name, see cellseg models")
    verb.add_argument("inputs", nargs="+", metavar="input", help="images, folders, datasets, patterns")
    verb.add_argument("--out", required=True, help="folder to write")
    verb.add_argument("--device", help="such as cpu or cuda:1; by default the GPU if there is one")
    verb.add_argument("--tta", action="store_true", help="average over flips and quarter turns")
    verb.add_argument("--save-probability", action="store_true", help="write what the network says as well")
    verb.add_argument("--overlay", action="store_true", help="draw the cells' outlines on the images")
    verb.add_argument("--attention", action="store_true", help="write what each attention gate lets pass")
    add_settings(verb)


def add_calibrate(verb: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    verb.set_defaults(verb=_calibrate)
    verb.add_argument("bundle", help="folder of the bundle, or its name, see cellseg models")
    verb.add_argument(
        "--data", required=True, metavar="D", help="labelled images that it has not learned from"
    )
    verb.add_argument("--out", required=True, metavar="DIR", help="folder for decoding.json")
    verb.add_argument("--weights", metavar="FILE", help="of the network, if not those of the bundle")
    verb.add_argument(
        "--keep", action="store_true", help="beside the weights as well, for whoever uses them from now on"
    )
    add_settings(verb)


def add_convert(verb: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
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
    from cellseg_monai.jobs import predict

    labels = predict(
        bundle,
        inputs,
        out,
        device=device,
        tta=tta,
        save_probability=save_probability,
        overlay=overlay,
        attention=attention,
        options=dict(options),
    )
    print(f"{len(labels)} label map{'' if len(labels) == 1 else 's'} in {out}/labels")
    return 0


def _calibrate(
    bundle: str, data: str, out: str, weights: str | None, keep: bool, options: Sequence[tuple[str, Any]]
) -> int:
    from cellseg_monai.data import labelled, list_items
    from cellseg_monai.jobs import calibrate

    values = dict(options) | ({} if weights is None else {"weights": weights})
    print(calibrate(bundle, labelled(list_items(data)), out, options=values, keep=keep))
    print(f"{out}/decoding.json is laid over configs/inference.json")
    return 0


def _convert(inputs: Sequence[str], to: str, out: str, images: str | None, measurements: str | None) -> int:
    from cellseg_monai.jobs import convert

    conversion = convert(inputs, to, out, images=images, measurements=measurements)
    print(conversion)
    return int(bool(conversion.failures))
