"""``cellseg evaluate`` and ``cellseg report``."""

import argparse
from collections.abc import Sequence

from cellseg_monai.cli.options import add_classes


def add_evaluate(verb: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
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
    add_classes(verb)
    verb.add_argument("--section", default="training", help="of a dataset.json or table (default training)")
    verb.add_argument("--modality", metavar="PATTERN", help="finds the modality in the name of an image")
    verb.add_argument(
        "--bundle", metavar="DIR", help="or its name: that made the predictions, for the record"
    )
    verb.add_argument("--weights", metavar="FILE", help="that it had, if not its own, for the record")


def add_report(verb: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    verb.set_defaults(verb=_report)
    verb.add_argument("runs", nargs="+", metavar="RUN", help="folder of an evaluation, training or study")
    verb.add_argument("--out", required=True, metavar="FILE", help="HTML file to write")
    verb.add_argument("--bundle", metavar="DIR", help="or its name: that was run, for the record")


def _evaluate(
    pred: str,
    truth: str,
    out: str,
    metrics: Sequence[str] | None,
    pieces: bool,
    classes: Sequence[tuple[str, int]] | None,
    section: str,
    modality: str | None,
    bundle: str | None,
    weights: str | None,
) -> int:
    from cellseg_monai.jobs import evaluate
    from cellseg_monai.runtime import find_bundle

    result = evaluate(
        pred,
        truth,
        out,
        metrics=metrics,
        pieces=pieces,
        classes=None if classes is None else dict(classes),
        section=section,
        modality=modality,
        bundle=None if bundle is None else find_bundle(bundle),
        weights=weights,
    )
    print(result)
    return int(bool(result.summary["missing"]))


def _report(runs: Sequence[str], out: str, bundle: str | None) -> int:
    from cellseg_monai.jobs import report
    from cellseg_monai.runtime import find_bundle

    print(report(runs, out, bundle=None if bundle is None else find_bundle(bundle)))
    return 0
