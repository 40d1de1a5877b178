"""``cellseg bundle …``: render, check, pack and describe; ``cellseg models``: those that come with it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cellseg_monai.cli.options import add_settings, setting


def add_bundle_verbs(bundle: argparse.ArgumentParser) -> None:
    """Add the verbs to the parser of ``cellseg bundle``."""
    verbs = bundle.add_subparsers(title="verbs", required=True)
    bundles = "folder of bundles beside _base, or one bundle"
    or_name = "; or the name of one"

    verb = verbs.add_parser("render", help="make configs/ from bundle.yaml and the base")
    verb.set_defaults(verb=_render_bundles)
    verb.add_argument("source", help=bundles)

    verb = verbs.add_parser("check", help="what MONAI's users would find wrong; exit code 1 on errors")
    verb.set_defaults(verb=_check_bundles)
    verb.add_argument("source", help=bundles + or_name)

    verb = verbs.add_parser("pack", help="write a bundle as a reproducible zip with a manifest of its hashes")
    verb.set_defaults(verb=_pack_bundle)
    verb.add_argument("source", help="one bundle" + or_name)
    verb.add_argument("--out", default="dist", help="folder for the zip (default dist)")
    verb.add_argument("--vendor", action="store_true", help="add cellseg_monai, for servers without pip")

    verb = verbs.add_parser("bioimage", help="write a package of bioimage.io, for Fiji, ilastik and QuPath")
    verb.set_defaults(verb=_pack_bioimage)
    verb.add_argument("source", help="one bundle, with its weights" + or_name)
    verb.add_argument("--out", required=True, metavar="FILE", help="zip to write")
    verb.add_argument("--image", metavar="FILE", help="to test by and to show (default: a synthetic one)")
    verb.add_argument("--onnx", action="store_true", help="add the network as ONNX")
    verb.add_argument("--licence", metavar="SPDX", help="such as CC-BY-4.0 (default: that of LICENSE)")
    verb.add_argument("--weights", metavar="FILE", help="of the network, if not those of the bundle")
    add_settings(verb)

    verb = verbs.add_parser("card", help="tell in a bundle what its weights are worth, by an evaluation")
    verb.set_defaults(verb=_write_card)
    verb.add_argument("source", help="one bundle, beside _base")
    verb.add_argument(
        "--results",
        type=_named,
        nargs="+",
        required=True,
        metavar="[NAME=]FOLDER",
        help="of cellseg evaluate --bundle, and how its test set is called (default: as the folder)",
    )
    verb.add_argument("--robustness", metavar="FOLDER", help="of cellseg study robustness")
    verb.add_argument(
        "--training",
        type=setting,
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="what no record tells: command, seed, images, seconds, hardware, watts",
    )
    verb.add_argument(
        "--pictures", action="store_true", help="draw the worst images; only if they may be passed on"
    )
    verb.add_argument("--url", help="of the weights, once they are published, for large_files.yml")


def add_models(verb: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    verb.set_defaults(verb=_models)
    verb.add_argument("--folder", metavar="NAME", help="tell only where the bundle of this name lies")


def _named(text: str) -> tuple[str, str]:
    """``name=folder``, or a folder alone."""
    name, equals, folder = text.partition("=")
    return (name, folder) if equals else (Path(text).resolve().name, text)


def _render_bundles(source: str) -> int:
    from cellseg_monai.bundling import render_bundles

    for file in render_bundles(source):
        print(file)
    return 0


def _check_bundles(source: str) -> int:
    from cellseg_monai.bundling import check_bundles
    from cellseg_monai.runtime import find_bundle

    report = check_bundles(find_bundle(source))
    print(report)
    return int(report.failed)


def _pack_bundle(source: str, out: str, vendor: bool) -> int:
    from cellseg_monai.bundling import pack_bundle
    from cellseg_monai.runtime import find_bundle

    print(pack_bundle(find_bundle(source), out, vendor))
    return 0


def _write_card(
    source: str,
    results: Sequence[tuple[str, str]],
    robustness: str | None,
    training: Sequence[tuple[str, Any]],
    pictures: bool,
    url: str | None,
) -> int:
    from cellseg_monai.bundling import write_card
    from cellseg_monai.runtime import find_bundle

    if len(dict(results)) < len(results):
        raise ValueError("two results have one name; tell them apart by NAME=FOLDER")
    for file in write_card(find_bundle(source), dict(results), dict(training), robustness, pictures, url):
        print(file)
    return 0


def _models(folder: str | None) -> int:
    from cellseg_monai.bundling import list_models, models_table
    from cellseg_monai.runtime import find_bundle

    print(models_table(list_models()) if folder is None else find_bundle(folder).resolve())
    return 0


def _pack_bioimage(
    source: str,
    out: str,
    image: str | None,
    onnx: bool,
    licence: str | None,
    weights: str | None,
    options: Sequence[tuple[str, Any]],
) -> int:
    from cellseg_monai.bundling import pack_bioimage
    from cellseg_monai.runtime import find_bundle

    package = pack_bioimage(
        find_bundle(source),
        out,
        image=image,
        onnx=onnx,
        licence=licence,
        weights=weights,
        options=dict(options),
    )
    print(package)
    return 0
