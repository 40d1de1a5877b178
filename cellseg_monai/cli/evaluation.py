"""``cellseg evaluate``, ``report``, ``review`` and ``verify-run``."""

from typing import Any

from cellseg_monai.cli.options import CLASSES, CLUSTER, FORCE, MODALITY, PIECES, bundle_folder
from cellseg_monai.cli.results import Outcome
from cellseg_monai.cli.verbs import Verb, argument, call


def _evaluate(**options: Any) -> Outcome:
    from cellseg_monai.jobs import evaluate

    result = evaluate(**options)
    return Outcome(str(result), result.summary, bool(result.summary["missing"]))


_BUNDLE = argument(
    "--bundle", type=bundle_folder, metavar="BUNDLE", help="folder or name of the bundle used, for the record"
)

EVALUATE = Verb("evaluate", "score label maps; exit code 1 if one is missing", _evaluate, [
    argument("--pred", required=True, metavar="DIR", help="folder of predicted label maps"),
    argument("--truth", required=True, metavar="DIR", help="dataset with labels, or folder of label maps"),
    argument("--out", required=True, metavar="DIR", help="folder for scores, summary and report"),
    argument("--metrics", nargs="+", metavar="NAME", help="columns, such as dice f1@0.75 n_true"),
    PIECES,
    CLASSES,
    FORCE,
    argument("--section", help="section of a dataset.json or table (default training)"),
    MODALITY,
    CLUSTER,
    _BUNDLE,
    argument("--weights", metavar="FILE", help="weights used, if not those of the bundle, for the record"),
], json=True)  # fmt: skip
REPORT = Verb("report", "write one HTML file about a run, or to compare several", call("jobs.report"), [
    argument("runs", nargs="+", metavar="RUN", help="folder of an evaluation, training or study"),
    argument("--out", required=True, metavar="FILE", help="HTML file to write"),
    _BUNDLE,
])  # fmt: skip
VERIFY_RUN = Verb(
    "verify-run", "compare inputs and outputs with run.json; exit code 1 if they differ",
    call("outputs.verify_run"),
    [argument("folder", metavar="OUT", help="output folder of a command")],
    json=True,
)  # fmt: skip
REVIEW = Verb("review", "rank annotations that are probably wrong", call("jobs.review"), [
    argument("--pred", required=True, metavar="DIR", help="result of predict --save-probability"),
    argument("--truth", required=True, metavar="DIR", help="dataset with labels, or folder of label maps"),
    argument("--out", required=True, metavar="DIR", help="folder for the table, the sheet and the points"),
    argument("--min-confidence", type=float, metavar="P", help="lowest confidence of a doubt (default 0.25)"),
    argument("--shown", type=int, metavar="N", help="number of doubts on the sheet (default 24)"),
    argument("--probability-channel", type=int, metavar="N", help="channel of the foreground (default 0)"),
    argument("--section", help="section of a dataset.json or table (default training)"),
])  # fmt: skip
