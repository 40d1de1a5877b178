"""From finished runs to tables, plots and a report."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from cellseg_monai.export.markdown import markdown
from cellseg_monai.jobs import report
from cellseg_monai.jobs.scores.pooled import POOLED, classes_of, pooled_estimate, pooled_means
from cellseg_monai.jobs.scores.summaries import metrics_of
from cellseg_monai.metrics import Estimate, summarize
from cellseg_monai.outputs import claim_outputs, write_text
from cellseg_monai.studies.execution import folder_of
from cellseg_monai.studies.run import Run
from cellseg_monai.studies.run_steps import DONE

RESULTS, IMAGES, REPORT = "results.csv", "images.csv", "report.html"
TABLE, BY_MODALITY, LEARNING = "table.md", "modality.md", "learning_curve.csv"
RESULT_FILES = (RESULTS, IMAGES, TABLE, BY_MODALITY, LEARNING)
COSTS = {
    "learned_from": "learned from",
    "validated_on": "validated on",
    "parameters": "parameters",
    "training_seconds": "training, s",
}
"""Columns of a run, by their headings in ``table.md``: images that taught it or chose its epoch, costs."""
METRICS = ("dice", "f1@0.5")


def gather(runs: Sequence[Run], out: Path) -> pd.DataFrame:
    r"""Return the scores of every image of every test of every run, with the factors of the run.

    Args:
        runs: finished runs.
        out: folder of the study.

    Returns:
        One row per image.

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
    """Return one row for each test of each run: mean scores, numbers of images, time and size.

    The seconds of an interrupted training are unknown, and empty.

    Args:
        runs: finished runs.
        images: scores of every image, as :func:`gather` returns them.
        out: folder of the study.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> run = Run("one", Path("bundle"), [{"image": "a.tif"}], {"test": []})
        >>> record = {"training_seconds": 9, "prediction_seconds": {"test": 2}, "parameters": 80}
        >>> record |= {"learned_from": 1, "validated_on": 0}
        >>> images = pd.DataFrame({"run": ["one"] * 2, "test": "test", "image": ["a", "b"], "dice": [0.5, 1]})
        >>> with TemporaryDirectory() as out:
        ...     folder = folder_of(run, Path(out))
        ...     folder.mkdir(parents=True)
        ...     _ = (folder / DONE).write_text(json.dumps(record))
        ...     results([run], images, Path(out))[["dice", "images", "training_images"]].values.tolist()
        [[0.75, 2.0, 1.0]]
    """
    columns = list(images.columns)
    named = columns[: columns.index("test") + 1]
    groups = images.groupby(named, sort=False, dropna=False)
    means = groups[metrics_of(images.drop(columns=named))].mean().assign(images=groups.size())
    if classes_of(images):
        means = means.join(groups[columns].apply(lambda rows: pd.Series(pooled_means(rows))))
    means = means.reset_index()
    costs = pd.DataFrame(
        {
            "run": run.name,
            "test": test,
            "training_images": len(run.train),
            "learned_from": record["learned_from"],
            "validated_on": record["validated_on"],
            "training_seconds": record["training_seconds"],
            "prediction_seconds": seconds,
            "parameters": record["parameters"],
        }
        for run in runs
        for record in [json.loads((folder_of(run, out) / DONE).read_text())]
        for test, seconds in record["prediction_seconds"].items()
    ).astype({"training_seconds": float})
    costs = costs.round({"training_seconds": 1, "prediction_seconds": 2})
    new = [name for name in costs if name not in named]  # the training images may be a factor already
    return means.merge(costs[["run", "test", *new]], on=["run", "test"], how="left")


def estimate(images: pd.DataFrame, metric: str) -> Estimate:
    """Return the mean score of some rows with its 95 % interval.

    With several runs the interval is over the means of the runs, and shows what another seed or fold would
    change. With one run it is over the images. Scores of classes are pooled over the images of a run.

    Args:
        images: scores of every image, as :func:`gather` returns them.
        metric: score to average, or a pooled score of classes, such as ``miou``.

    Example:
        >>> rows = pd.DataFrame({"run": ["a", "a", "b"], "dice": [0.6, 0.8, 0.9]})
        >>> round(estimate(rows, "dice").value, 3)
        0.8
    """
    means = run_means(images, metric).dropna().sort_index()
    if len(means) > 1:
        return summarize(means.to_numpy(float)).mean
    if means.empty:
        return Estimate(float("nan"), float("nan"), float("nan"))
    scored = images[images["run"] == means.index[0]]
    if is_pooled(metric, images):
        return pooled_estimate(scored, metric)
    return summarize(scored[metric].dropna().to_numpy(float)).mean


def run_means(images: pd.DataFrame, metric: str) -> pd.Series:
    """Return the mean score of each run, or its score pooled over the images.

    Args:
        images: scores of every image, as :func:`gather` returns them.
        metric: score as for :func:`estimate`.

    Example:
        >>> rows = pd.DataFrame({"run": ["a", "a"], "tp:1": [1, 1], "fp:1": [0, 1], "fn:1": [0, 1]})
        >>> run_means(rows, "miou").to_dict()
        {'a': 0.5}
    """
    groups = images.groupby("run", sort=False)
    if not is_pooled(metric, images):
        return groups[metric].mean()
    return pd.Series({name: pooled_means(rows)[metric] for name, rows in groups}, dtype=float)


def is_pooled(metric: str, images: pd.DataFrame) -> bool:
    """Return whether a score is one of classes, which a table of images holds as counts.

    Example:
        >>> is_pooled("miou", pd.DataFrame(columns=["tp:1", "fp:1", "fn:1"]))
        True
    """
    return metric in POOLED and bool(classes_of(images))


def table_of(images: pd.DataFrame, by: Sequence[str], metrics: Sequence[str] = METRICS + POOLED) -> str:
    """Return a Markdown table of means with intervals, one row per group.

    Args:
        images: scores of every image, as :func:`gather` returns them; the columns ``learned_from``,
            ``validated_on``, ``parameters`` and ``training_seconds`` are shown too, if present.
        by: columns that define the groups.
        metrics: scores to show, if present.

    Example:
        >>> rows = pd.DataFrame({"run": ["a", "b"], "gates": ["none", "all"], "dice": [0.5, 0.75]})
        >>> print(table_of(rows, ["gates"], ["dice"]))
        | gates | runs | images | dice |
        |---|---|---|---|
        | none | 1 | 1 | 0.500 |
        | all | 1 | 1 | 0.750 |
    """
    metrics = [name for name in metrics if name in images or is_pooled(name, images)]
    trained = "learned_from" in images and (images["learned_from"] != 0).any()
    costs = [name for name in COSTS if name in images and (trained or (images[name] != 0).any())]
    columns = [*by, "runs", "images", *metrics, *(COSTS[name] for name in costs)]
    lines = [
        [
            *group,
            rows["run"].nunique(),
            len(rows),
            *(_with_interval(estimate(rows, name)) for name in metrics),
            *("not recorded" if rows[name].isna().all() else f"{rows[name].mean():,.0f}" for name in costs),
        ]
        for group, rows in images.groupby(list(by), sort=False)
    ]
    return markdown(columns, lines)


def _with_interval(mean: Estimate) -> str:
    if math.isnan(mean.value):
        return "not scored"
    known = not math.isnan(mean.low) and mean.low != mean.high
    return f"{mean.value:.3f}" + (f" ({mean.low:.3f} to {mean.high:.3f})" if known else "")


def write_results(
    runs: Sequence[Run], out: Path, by: Sequence[str], learning: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Write the tables and the report of a study.

    The files are ``results.csv``, ``images.csv``, ``table.md``, ``report.html``, and ``modality.md`` if the
    modality of an image is known.

    Args:
        runs: finished runs.
        out: folder of the study.
        by: factors that define the rows of ``table.md``; ``modality.md`` has these rows for each modality.
        learning: table with ``images``, ``score`` and optionally ``model``, for a plot of scores against
            training images.

    Returns:
        The scores of every image, as in ``images.csv``.

    Raises:
        FileNotFoundError: If a run is not finished.

    Example:
        >>> write_results([Run("one", Path("bundle"), [], {"test": []})], Path("nowhere"), ["test"])
        Traceback (most recent call last):
        ...
        FileNotFoundError: ...scores.csv'
    """
    images = gather(runs, out)
    means = results(runs, images, out)
    costs = means.set_index(["run", "test"])[list(COSTS)]
    texts = {TABLE: table_of(images.join(costs, on=["run", "test"]), by) + "\n"}
    if images["modality"].notna().any():
        kinds = images.fillna({"modality": "unknown"}).sort_values("modality", kind="stable")
        texts[BY_MODALITY] = table_of(kinds, ["modality", *by]) + "\n"
    folders = [folder_of(run, out) / test for run in runs for test in run.tests]
    if learning is not None:
        texts[LEARNING] = learning.to_csv(index=False)
        folders.append(out)
    write_study(out, {IMAGES: images, RESULTS: means}, texts)
    report(folders, out / REPORT)
    return images


def write_study(
    out: Path, tables: Mapping[str, pd.DataFrame], texts: Mapping[str, str] | None = None
) -> None:
    """Write tables as CSV, and texts; only files of an earlier call of the study are overwritten."""
    written = {name: table.to_csv(index=False, float_format="%.6g") for name, table in tables.items()}
    written |= texts or {}
    with claim_outputs(out, "study", written):
        for name, text in written.items():
            write_text(out / name, text)
