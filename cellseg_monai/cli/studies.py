"""``cellseg study …``: what each verb takes."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cellseg_monai.cli.options import add_classes, add_settings, setting


def add_study_verbs(study: argparse.ArgumentParser) -> None:
    """Add the verbs to the parser of ``cellseg study``."""
    verbs = study.add_subparsers(title="studies", required=True)
    common = _common()

    verb = verbs.add_parser(
        "cross-validate",
        parents=[common],
        help="how good: each image scored by a training that has not seen it",
    )
    verb.set_defaults(verb=_verb("cross_validate"))
    _add_bundle(verb)
    verb.add_argument("--data", required=True, metavar="D", help="labelled images")
    verb.add_argument("--folds", type=int, default=5, help="how many (default 5)")
    _add_scoring(verb)
    verb.add_argument(
        "--test", metavar="T", help="further labelled images, scored by the model of every fold"
    )

    verb = verbs.add_parser(
        "learning-curve", parents=[common], help="how many images: the score against their number"
    )
    verb.set_defaults(verb=_verb("learning_curve"))
    _add_bundle(verb)
    _add_data(verb)
    verb.add_argument("--counts", type=_numbers, required=True, metavar="N,N", help="such as 2,5,10,20")
    verb.add_argument("--metric", default="dice", help="that the plot shows (default dice)")

    verb = verbs.add_parser("compare", parents=[common], help="networks of a bundle's registry side by side")
    verb.set_defaults(verb=_verb("compare"))
    _add_bundle(verb)
    _add_data(verb)
    verb.add_argument(
        "--networks",
        dest="names",
        nargs="+",
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="by their names in configs/train.json (default: the five of Yang et al.)",
    )

    verb = verbs.add_parser(
        "ablate-gates", parents=[common], help="seven sets of attention gates in a U-Net++"
    )
    verb.set_defaults(verb=_verb("ablate_gates"))
    _add_bundle(verb)
    _add_data(verb)

    verb = verbs.add_parser(
        "ablate-skips", parents=[common], help="three skip connections in each of some bundles"
    )
    verb.set_defaults(verb=_verb("ablate_skips"))
    verb.add_argument("bundles", nargs="+", metavar="bundle", help="folders or names of the bundles")
    _add_data(verb)

    verb = verbs.add_parser(
        "finetune", parents=[common], help="how many new images when the microscope changes"
    )
    verb.set_defaults(verb=_verb("finetune"))
    _add_bundle(verb)
    verb.add_argument("--base-data", required=True, metavar="D1", help="labelled images of the base model")
    verb.add_argument(
        "--target-data", required=True, metavar="D2", help="labelled images of the shifted data"
    )
    verb.add_argument(
        "--counts",
        type=_numbers,
        default=[5, 10, 15, 20],
        metavar="N,N",
        help="numbers of target images (default 5,10,15,20)",
    )
    verb.add_argument(
        "--choose",
        dest="ways",
        nargs="+",
        default=["first"],
        metavar="WAY",
        help="which images: first, uncertain, diverse (default first)",
    )
    verb.add_argument(
        "--tests",
        type=_numbers,
        default=[6, 11],
        metavar="N,N",
        help="last images of either that test (default 6,11)",
    )
    verb.add_argument(
        "--tuning",
        type=setting,
        nargs="+",
        default=[],
        metavar="ID=VALUE",
        help="options of the fine-tuning alone",
    )
    verb.add_argument(
        "--rehearsal", type=float, default=0.0, help="base images beside each target image (default 0)"
    )

    verb = verbs.add_parser(
        "robustness", parents=[common], help="what a trained bundle loses when the images change"
    )
    verb.set_defaults(verb=_verb("robustness"))
    _add_bundle(verb)
    verb.add_argument("--data", required=True, metavar="T", help="labelled images to score")
    verb.add_argument("--weights", metavar="FILE", help="of the network, if not those of the bundle")
    verb.add_argument(
        "--changes",
        dest="levels",
        type=_change,
        nargs="+",
        metavar="NAME[=LEVEL,…]",
        help="such as blur=1,2 turn=quarter; others are brightness, noise, jpeg, pixel_size (default all)",
    )

    verb = verbs.add_parser("pseudo-label", parents=[common], help="what images without labels add")
    verb.set_defaults(verb=_verb("pseudo_label"))
    _add_bundle(verb)
    verb.add_argument("--labelled", dest="labelled_data", required=True, metavar="L", help="labelled images")
    verb.add_argument("--unlabelled", required=True, metavar="U", help="images without labels")
    verb.add_argument("--test", required=True, metavar="T", help="labelled images to score")
    verb.add_argument(
        "--student",
        type=setting,
        nargs="+",
        default=[],
        metavar="ID=VALUE",
        help="options of the trainings that go on from the teacher",
    )


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--out", required=True, metavar="DIR", help="folder of the study; the same command goes on in it"
    )
    add_settings(common)
    common.add_argument(
        "--seeds", type=_numbers, default=[0], metavar="N,N", help="of the trainings (default 0)"
    )
    common.add_argument("--jobs", type=int, default=1, help="runs at once (default 1)")
    common.add_argument(
        "--cluster", metavar="ADDRESS", help="of a Dask scheduler whose workers take the runs"
    )
    common.add_argument(
        "--pieces", action="store_true", help="connected pieces of a binary mask are its objects"
    )
    common.add_argument(
        "--modality", metavar="PATTERN", help="finds the kind of microscopy in the name of an image"
    )
    return common


def _add_bundle(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("bundle", help="folder of the bundle, or its name")


def _add_scoring(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--calibrated", action="store_true", help="choose how to decode by the images that validate"
    )
    add_classes(verb)


def _add_data(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--data", required=True, metavar="D", help="labelled images to learn from")
    verb.add_argument("--test", required=True, metavar="T", help="labelled images to score")
    _add_scoring(verb)


def _verb(name: str) -> Any:
    def run(
        out: str,
        options: Sequence[tuple[str, Any]],
        seeds: Sequence[int],
        jobs: int,
        cluster: str | None,
        pieces: bool,
        modality: str | None,
        calibrated: bool = False,
        classes: Sequence[tuple[str, int]] | None = None,
        **own: Any,
    ) -> int:
        from cellseg_monai.studies import Study

        for part in {"tuning", "student", "levels"} & own.keys():
            own[part] = dict(own[part] or {})
        if classes is not None:
            options = [*options, ("classes", dict(classes))]
        study = Study(out, dict(options), seeds, jobs, cluster, pieces, calibrated, modality)
        print(getattr(study, name)(**own))
        print(f"\n{Path(out) / 'report.html'}")
        return 0

    return run


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _change(text: str) -> tuple[str, list[float | str]]:
    """``name``, or ``name=level,level``."""
    name, equals, levels = text.partition("=")
    return name, [_number_or_text(level) for level in levels.split(",")] if equals else []


def _number_or_text(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
