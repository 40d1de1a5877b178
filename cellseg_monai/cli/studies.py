"""``cellseg study …``: many trainings or predictions, one table."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cellseg_monai.cli.options import (
    CLASSES,
    CLUSTER,
    MODALITY,
    PIECES,
    SETTINGS,
    WEIGHTS,
    Pairs,
    parsed,
    setting,
)
from cellseg_monai.cli.verbs import Argument, Group, Verb, argument


def _study(method: str) -> Callable[..., int]:
    """Return a function that makes a study and calls one of its methods."""

    def run(classes: Mapping[str, int | str] | None = None, **options: Any) -> int:
        from dataclasses import fields

        from cellseg_monai.studies import Study

        if classes is not None:
            options["options"] = {**options.get("options", {}), "classes": classes}
        shared = {each.name: options.pop(each.name) for each in fields(Study) if each.name in options}
        print(getattr(Study(**shared), method)(**options))
        print(f"\n{Path(shared['out']) / 'report.html'}")
        return 0

    run.__name__ = method
    return run


def _integers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _change(text: str) -> tuple[str, list[float | str]]:
    """Split ``name``, or ``name=level,level``."""
    name, equals, levels = text.partition("=")
    return name, [parsed(level) for level in levels.split(",")] if equals else []


def _dataset(name: str, help: str = "labelled images", **settings: Any) -> Argument:
    return argument(f"--{name}", required=True, metavar="D", help=help, **settings)


def _options(name: str, help: str) -> Argument:
    return argument(f"--{name}", action=Pairs, type=setting, nargs="+", metavar="ID=VALUE", help=help)


_SHARED = (
    argument("--out", required=True, metavar="DIR", help="folder of the study; the same command resumes it"),
    SETTINGS,
    argument("--seeds", type=_integers, metavar="N,N", help="seeds of the trainings (default 0)"),
    argument("--jobs", type=int, metavar="N", help="number of runs at the same time (default 1)"),
    CLUSTER,
    PIECES,
    MODALITY,
)
_BUNDLE = argument("bundle", help="folder or name of the bundle")
_TEST = _dataset("test", "labelled images to score")
_CALIBRATED = argument("--calibrated", action="store_true", help="calibrate with the validation images")
_AS_PUBLISHED = argument("--as-published", action="store_true", help="train as the bundle's publication did")
_TRAINING = (_dataset("data", "labelled images to train on"), _TEST, _CALIBRATED, _AS_PUBLISHED, CLASSES)
_NETWORKS = argument(
    "--networks", dest="names", nargs="+", metavar="NAME",
    help="names in configs/choices.json (default: the five of Yang et al.)",
)  # fmt: skip

STUDY = Group("study", "run many trainings and collect the scores in one table", [
    Verb("cross-validate", "score each image by a network that has not seen it", _study("cross_validate"), [
        *_SHARED, _BUNDLE,
        _dataset("data"),
        argument("--folds", type=int, metavar="N", help="number of folds (default 5)"),
        _CALIBRATED, _AS_PUBLISHED, CLASSES,
        argument("--test", metavar="D", help="further labelled images, scored by the network of each fold"),
    ]),
    Verb("learning-curve", "score against the number of training images", _study("learning_curve"), [
        *_SHARED, _BUNDLE, *_TRAINING,
        argument("--counts", type=_integers, required=True, metavar="N,N", help="image counts: 2,5,10,20"),
        argument("--metric", metavar="NAME", help="metric of the plot (default dice; miou with --classes)"),
    ]),
    Verb("compare", "compare several networks of a bundle", _study("compare"), [
        *_SHARED, _BUNDLE, *_TRAINING,
        _NETWORKS,
    ]),
    Verb("ablate-gates", "compare seven sets of attention gates in a U-Net++", _study("ablate_gates"), [
        *_SHARED, _BUNDLE, *_TRAINING,
    ]),
    Verb("ablate-skips", "compare three kinds of skip connection", _study("ablate_skips"), [
        *_SHARED,
        argument("bundles", nargs="+", metavar="bundle", help="folders or names of the bundles"),
        *_TRAINING,
    ]),
    Verb("finetune", "find how many new images a new microscope needs", _study("finetune"), [
        *_SHARED, _BUNDLE,
        _dataset("base-data", "labelled images of the base model"),
        _dataset("target-data", "labelled images of the new microscope"),
        argument("--counts", type=_integers, metavar="N,N", help="image counts (default 5,10,15,20)"),
        argument(
            "--choose", dest="ways", nargs="+", metavar="WAY",
            help="how to choose new images: first, uncertain, diverse (default first)",
        ),
        argument(
            "--tests", type=_integers, metavar="N,N",
            help="numbers of base and new images to test on, from the end of each list (default 6,11)",
        ),
        argument("--base-count", type=int, metavar="N", help="base images to train on (default all)"),
        _AS_PUBLISHED,
        _options("tuning", "options of the fine-tuning only"),
        argument("--rehearsal", type=float, metavar="R", help="base images per new image (default 0)"),
    ]),
    Verb("robustness", "score a trained bundle on changed images", _study("robustness"), [
        *_SHARED, _BUNDLE, _dataset("data", "labelled images to score"), WEIGHTS,
        argument(
            "--changes", dest="levels", action=Pairs, type=_change, nargs="+", metavar="NAME[=LEVEL,…]",
            help="blur, turn, brightness, noise, jpeg, pixel_size, such as blur=1,2 (default all)",
        ),
    ]),
    Verb("morphology", "compare clean-ups of the foreground of a trained bundle", _study("morphology"), [
        *_SHARED, _BUNDLE, _dataset("data", "labelled images to score"), WEIGHTS,
    ]),
    Verb("pseudo-label", "measure what unlabelled images add", _study("pseudo_label"), [
        *_SHARED, _BUNDLE, _AS_PUBLISHED,
        _dataset("labelled", dest="labelled_data"), _dataset("unlabelled", "unlabelled images"), _TEST,
        _NETWORKS,
        _options("continued", "options of the two trainings that continue from the teacher"),
    ]),
])  # fmt: skip
