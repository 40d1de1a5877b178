"""``cellseg bundle …``: render, check and pack bundles."""

import argparse
from collections.abc import Sequence
from typing import Any

from cellseg_monai.cli.options import add_settings


def add_bundle_verbs(bundle: argparse.ArgumentParser) -> None:
    """Add the verbs to the parser of ``cellseg bundle``."""
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

    verb = verbs.add_parser("bioimage", help="write a package of bioimage.io, for Fiji, ilastik and QuPath")
    verb.set_defaults(verb=_pack_bioimage)
    verb.add_argument("source", help="one bundle, with its weights")
    verb.add_argument("--out", required=True, metavar="FILE", help="zip to write")
    verb.add_argument("--image", metavar="FILE", help="to test by and to show (default: a synthetic one)")
    verb.add_argument("--onnx", action="store_true", help="add the network as ONNX")
    verb.add_argument("--licence", metavar="SPDX", help="such as CC-BY-4.0 (default: that of LICENSE)")
    verb.add_argument("--weights", metavar="FILE", help="of the network, if not those of the bundle")
    add_settings(verb)


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

    package = pack_bioimage(
        source, out, image=image, onnx=onnx, licence=licence, weights=weights, options=dict(options)
    )
    print(package)
    return 0
