"""``cellseg data …``: import, check, make and look at datasets."""

import argparse
from collections.abc import Sequence


def add_data_verbs(data: argparse.ArgumentParser) -> None:
    """Add the verbs to the parser of ``cellseg data``."""
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
    dataset = write_synthetic_dataset(
        kind, destination, count=count, size=(rows, columns), seed=seed, shift=shift
    )
    print(dataset)
    return 0


def _patches(source: str, out: str, patch_size: int, count: int, seed: int) -> int:
    from cellseg_monai.jobs import preview

    print(preview(source, out, patch_size=patch_size, count=count, seed=seed))
    return 0
