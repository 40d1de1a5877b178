"""``cellseg data …``: import, check, make and look at datasets."""

from typing import Any

from cellseg_monai.cli.options import READING
from cellseg_monai.cli.results import Outcome
from cellseg_monai.cli.verbs import Group, Verb, argument, call


def _layouts() -> Outcome:
    from cellseg_monai.data import LAYOUTS

    known = {name: layout.description for name, layout in sorted(LAYOUTS.items())}
    return Outcome("\n".join(f"{name:<17}{text}" for name, text in known.items()), known)


def _patches(source: str, out: str, **options: Any) -> Any:
    from cellseg_monai.data import labelled, list_items
    from cellseg_monai.jobs import preview
    from cellseg_monai.planning import fingerprint, plan_training

    facts = fingerprint(labelled(list_items(source)))
    settings = plan_training(facts).settings
    options = {**{name: settings[name] for name in ("patch_size", "scale")}, **options}
    sheet = preview(source, out, classes=facts.class_numbers or None, **options)
    size, scale = options["patch_size"], options["scale"]
    return (
        f"{sheet}\npatches of {size} pixels at scale {scale:g}: {round(size * scale)} pixels of the network"
    )


_SOURCE = argument("source", help="folder, dataset.json or table")
_DESTINATION = argument("destination", help="folder to write")
_SEED = argument("--seed", type=int, metavar="N", help="random seed (default 0)")
_CHECK = call("planning.check_for_training")

DATA = Group("data", "import, check and look at datasets", [
    Verb("import", "make a dataset of annotations, or of a public dataset", call("data.import_dataset"), [
        argument("layout", help="annotations, or the layout of a public dataset (see cellseg data layouts)"),
        argument("source", help="folder of images and annotations, or of the dataset as published"),
        _DESTINATION,
    ]),
    Verb("layouts", "list the layouts that can be imported", _layouts, json=True),
    Verb("check", "find problems in a dataset before training; exit code 1 on errors", _CHECK, [
        _SOURCE,
        argument("--recursive", action="store_true", help="search sub-folders"),
        *READING,
    ], json=True),
    Verb("synthesize", "write synthetic images with exact labels", call("data.write_synthetic_dataset"), [
        argument("kind", help="nuclei, phase, filaments or tissue"),
        _DESTINATION,
        argument("--count", type=int, metavar="N", help="number of images (default 8)"),
        argument("--size", type=int, nargs=2, metavar=("ROWS", "COLUMNS"), help="size (default 256 256)"),
        _SEED,
        argument("--shift", type=float, metavar="S", help="intensity shift, from 0 to 1 (default 0)"),
    ]),
    Verb("tile", "cut all images and their masks into tiles, as a new dataset", call("data.write_tiles"), [
        _SOURCE,
        _DESTINATION,
        argument("--grid", type=int, nargs=2, required=True, metavar=("ROWS", "COLUMNS"),
                 help="number of tiles along each side of an image"),
    ]),
    Verb("split", "write the lists training.json, validation.json and test.json", call("data.write_parts"), [
        _SOURCE,
        argument("--out", required=True, metavar="FOLDER", help="folder of the lists"),
        argument("--parts", type=float, nargs="+", required=True, metavar="SHARE",
                 help="share of each part, such as 70 20 10"),
        _SEED,
        argument("--divide-groups", action="store_true",
                 help="let tiles of one image be in several parts, as some publications do"),
    ]),
    Verb("patches", "draw training patches on one sheet", _patches, [
        _SOURCE,
        argument("--out", required=True, metavar="FILE", help="PNG file to write"),
        argument("--patch-size", type=int, metavar="PX",
                 help="side of a patch in pixels (default: as in training)"),
        argument("--scale", type=float, metavar="S",
                 help="size of the images for the network (default: as in training)"),
        argument("--count", type=int, metavar="N", help="number of patches (default 32)"),
        _SEED,
    ]),
])  # fmt: skip
