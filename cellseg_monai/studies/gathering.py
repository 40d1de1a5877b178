"""From finished runs to tables, plots and a report."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cellseg_monai.export.markdown import markdown
from cellseg_monai.jobs import report
from cellseg_monai.metrics import Estimate, summarize
from cellseg_monai.outputs import claim_outputs, write_text
from cellseg_monai.studies.execution import folder_of
from cellseg_monai.studies.run import DONE, Run

RESULTS, IMAGES, REPORT = "results.csv", "images.csv", "report.html"
TABLE, BY_MODALITY, LEARNING = "table.md", "modality.md", "learning_curve.csv"
RESULT_FILES = (RESULTS, IMAGES, TABLE, BY_MODALITY, LEARNING)
COSTS = {"parameters": "parameters", "training_seconds": "training, s"}
METRICS, CLASS_METRICS = ("dice", "f1@0.5"), ("mdice", "miou")


def gather(runs: Sequence[Run], out: Path) -> pd.DataFrame:
    r"""Scores of every image of every test of every run, with the factors of the run.

    Args:
        runs: that are done.
        out: folder of the study.

    Returns:
        One row an image.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> run = Run("one", Path("bundle"), [], {"test": []}, factors={"seed": 0})
        >>> with TemporaryDirectory() as out:
        ...     folder = folder_of(run, Path(out)) / "test"
        ...     folder.mkdir(parents=True)
        ...     _ = (folder / "scores.csv").write_text("image,dice\ncells,0.5\n")
        ...     gather([run], Path(out)).to_dict("records")
        [{'run': 'one', 'seed': 0, 'test': 'test', 'image': 'cells', 'dice': 0.5}]
    """
    tables = []
    for run in runs:
        for test in run.tests:
            scores = pd.read_csv(folder_of(run, out) / test / "scores.csv", dtype={"image": str})
            named = {"run": run.name, **run.factors, "test": test}
            tables.append(pd.concat([pd.DataFrame([named] * len(scores)), scores], axis=1))
    return pd.concat(tables, ignore_index=True)


def results(runs: Sequence[Run], images: pd.DataFrame, out: Path) -> pd.DataFrame:
    """One row for each test of each run: means over images, time and size.

    Seconds of a training that was interrupted are not known, and stay empty.

    Args:
        runs: that are done.
        images: what :func:`gather` gave.
        out: folder of the study.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> run = Run("one", Path("bundle"), [{"image": "a.tif"}], {"test": []})
        >>> record = {"training_seconds": 9, "prediction_seconds": {"test": 2}, "parameters": 80}
        >>> images = pd.DataFrame({"run": ["one"] * 2, "test": "test", "image": ["a", "b"], "dice": [0.5, 1]})
        >>> with TemporaryDirectory() as out:
        ...     folder = folder_of(run, Path(out))
        ...     folder.mkdir(parents=True)
        ...     _ = (folder / DONE).write_text(json.dumps(record))
        ...     results([run], images, Path(out))[["dice", "images", "training_images"]].values.tolist()
        [[0.75, 2.0, 1.0]]
    """
    columns = list(images.columns)
    factors = [name for name in columns[: columns.index("test")] if name != "run"]
    told = {"image", "modality", "missing"}
    metrics = [name for name in columns[columns.index("test") + 1 :] if name not in told]
    table = images.groupby(["run", *factors, "test"], sort=False, dropna=False)
    means = table[metrics].mean().assign(images=table.size()).reset_index()
    records = {run.name: json.loads((folder_of(run, out) / DONE).read_text()) for run in runs}
    sizes = {run.name: len(run.train) for run in runs}
    return means.assign(
        training_images=means["run"].map(sizes),
        training_seconds=[_rounded(records[name]["training_seconds"]) for name in means["run"]],
        prediction_seconds=[
            round(records[name]["prediction_seconds"][test], 2)
            for name, test in zip(means["run"], means["test"], strict=True)
        ],
        parameters=[records[name]["parameters"] for name in means["run"]],
    )


def estimate(images: pd.DataFrame, metric: str) -> Estimate:
    """Mean score of a group of rows with its 95 % interval.

    Of several runs the interval is over their means, which tells what another seed or fold would change;
    of one run it is over its images.

    Example:
        >>> rows = pd.DataFrame({"run": ["a", "a", "b"], "dice": [0.6, 0.8, 0.9]})
        >>> round(estimate(rows, "dice").value, 3)
        0.8
    """
    runs = images.groupby("run")[metric].mean().dropna()
    values = runs if len(runs) > 1 else images[metric].dropna()
    if values.empty:
        return Estimate(float("nan"), float("nan"), float("nan"))
    return summarize(values.to_numpy(float)).mean


def table_of(
    images: pd.DataFrame, by: Sequence[str], metrics: Sequence[str] = METRICS + CLASS_METRICS
) -> str:
    """Markdown table of means with intervals, one row a group.

    Args:
        images: what :func:`gather` gave; with ``parameters`` and ``training_seconds`` their means are shown.
        by: columns that make the groups.
        metrics: to show, of those that were scored.

    Example:
        >>> rows = pd.DataFrame({"run": ["a", "b"], "gates": ["none", "all"], "dice": [0.5, 0.75]})
        >>> print(table_of(rows, ["gates"], ["dice"]))
        | gates | runs | images | dice |
        |---|---|---|---|
        | none | 1 | 1 | 0.500 |
        | all | 1 | 1 | 0.750 |
    """
    metrics = [name for name in metrics if name in images]
    costs = [name for name in COSTS if name in images and (images[name] != 0).any()]
    columns = [*by, "runs", "images", *metrics, *(COSTS[name] for name in costs)]
    lines = [
        [
            *group,
            rows["run"].nunique(),
            len(rows),
            *(in_words(estimate(rows, name)) for name in metrics),
            *(_cost(rows[name]) for name in costs),
        ]
        for group, rows in images.groupby(list(by), sort=False)
    ]
    return markdown(columns, lines)


def _rounded(seconds: float | None) -> float:
    """Of a training that was interrupted they are not known."""
    return float("nan") if seconds is None else round(seconds, 1)


def _cost(values: "pd.Series[float]") -> str:
    return "not recorded" if values.isna().all() else f"{values.mean():,.0f}"


def in_words(value: Estimate) -> str:
    """A mean, and its interval if it is known.

    Example:
        >>> in_words(Estimate(0.5, 0.25, 0.75))
        '0.500 (0.250 to 0.750)'
    """
    if math.isnan(value.value):
        return "not scored"
    interval = (
        "" if math.isnan(value.low) or value.low == value.high else f" ({value.low:.3f} to {value.high:.3f})"
    )
    return f"{value.value:.3f}{interval}"


def write_results(
    runs: Sequence[Run], out: Path, by: Sequence[str], learning: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Write ``results.csv``, ``images.csv``, ``table.md`` and ``report.html``, and perhaps ``modality.md``.

    Args:
        runs: that are done.
        out: folder of the study.
        by: columns of the factors that make the rows of ``table.md``; those of ``modality.md``, where the
            modality of images is known, are split by it as well.
        learning: ``images``, ``score`` and perhaps ``model``, for a plot of scores against training images.

    Returns:
        The scores of every image, as in ``images.csv``.

    Raises:
        FileNotFoundError: a run is not done.

    Example:
        >>> write_results([Run("one", Path("bundle"), [], {"test": []})], Path("nowhere"), ["test"])
        Traceback (most recent call last):
        ...
        FileNotFoundError: ...scores.csv'
    """
    images = gather(runs, out)
    means = results(runs, images, out)
    costs = means.set_index(["run", "test"])[list(COSTS)]
    texts = {
        IMAGES: images.to_csv(index=False, float_format="%.6g"),
        RESULTS: means.to_csv(index=False, float_format="%.6g"),
        TABLE: table_of(images.join(costs, on=["run", "test"]), by) + "\n",
    }
    if images["modality"].notna().any():
        kinds = images.fillna({"modality": "unknown"}).sort_values("modality", kind="stable")
        texts[BY_MODALITY] = table_of(kinds, ["modality", *by]) + "\n"
    folders = [folder_of(run, out) / test for run in runs for test in run.tests]
    if learning is not None:
        texts[LEARNING] = learning.to_csv(index=False)
        folders.append(out)
    write_study(out, texts)
    report(folders, out / REPORT)
    return images


def write_study(out: Path, texts: Mapping[str, str]) -> None:
    """Write tables of a study, over nothing but those of an earlier call of it."""
    with claim_outputs(out, "study", texts):
        for name, text in texts.items():
            write_text(out / name, text)
