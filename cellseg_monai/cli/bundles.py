"""``cellseg bundle …``: render, check and pack bundles."""

import argparse


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


def _render_bundles(source: str) -> int:
    from cellseg_monai.bundling import render_bundles

    for file in render_bundles(source):
        print(file)
    return 0


def _check_bundles(source: str) -> int:
    from cellseg_monai.bundling import check_bundles, find_bundle

    report = check_bundles(find_bundle(source))
    print(report)
    return int(report.failed)


def _pack_bundle(source: str, out: str, vendor: bool) -> int:
    from cellseg_monai.bundling import find_bundle, pack_bundle

    print(pack_bundle(find_bundle(source), out, vendor))
    return 0
