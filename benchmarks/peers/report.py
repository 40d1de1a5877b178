"""Make one table from label maps and times on disk."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pandas as pd

from cellseg_monai.data import list_items, read_label_map
from cellseg_monai.label_maps import relabel
from cellseg_monai.metrics import (
    Estimate,
    instance_counts,
    instance_scores,
    pixel_counts,
    pixel_scores,
    summarize,
)

STAGES = ("read", "network", "postprocessing", "write")
HEAD = (
    "tool",
    "training, s",
    "Dice",
    "F1 at IoU 0.5",
    "cells",
    "s/MP in total",
    "of that read",
    "network",
    "post-processing",
    "write",
    "ratio",
)


class Row(NamedTuple):
    """Row of the table for one tool.

    Attributes:
        tool: name of the tool.
        training: seconds of the training.
        dice: Dice score of the foreground, mean over images.
        f1: F1 of cells at an IoU of 0.5, mean over images.
        cells: number of predicted cells in all images.
        true_cells: number of cells in their masks.
        seconds: seconds per megapixel by stage; medians over images and repeats.
        total: seconds per megapixel from image to label map on disk; median.
    """

    tool: str
    training: float
    dice: Estimate
    f1: Estimate
    cells: int
    true_cells: int
    seconds: dict[str, float]
    total: float


def scores(predictions: Path, test: Path) -> pd.DataFrame:
    """Dice and F1 of each test image.

    Raises:
        ValueError: an image does not have exactly one label map.
    """
    found: dict[str, list[Path]] = {}
    for path in (predictions / "labels").rglob("*.tif"):
        found.setdefault(path.stem, []).append(path)
    lines = []
    for item in list_items(test):
        name = Path(item["image"]).stem
        maps = found.get(name, [])
        if len(maps) != 1:
            raise ValueError(f"{len(maps)} label maps of {name} in {predictions}; delete it and run again")
        pred, truth = read_label_map(maps[0]), read_label_map(item["label"])
        f1 = instance_scores(instance_counts(pred, truth, 0.5)).f1[0]
        dice = pixel_scores(pixel_counts(pred, truth)).dice[0]
        cells = [int(relabel(label_map).max()) for label_map in (pred, truth)]
        lines.append((name, float(dice), float(f1), *cells, truth.size / 1e6))
    columns = ["image", "dice", "f1", "cells", "true_cells", "megapixels"]
    return pd.DataFrame(lines, columns=columns).set_index("image")


def times(runs: Iterable[Path]) -> pd.DataFrame:
    """Read the seconds of each image in each run, by stage."""
    tables = [pd.read_csv(run / "timing.csv") for run in runs]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(image=[Path(path).stem for path in table["image"]]).set_index("image")


def row(tool: str, training: float, runs: Sequence[Path], test: Path) -> Row:
    """Make a row from the scores of the first run and the times of all runs."""
    scored = scores(runs[0], test)
    taken = times(runs)
    per_megapixel = taken[list(STAGES)].div(scored["megapixels"].reindex(taken.index), axis=0)
    return Row(
        tool,
        training,
        summarize(scored["dice"]).mean,
        summarize(scored["f1"]).mean,
        int(scored["cells"].sum()),
        int(scored["true_cells"].sum()),
        {stage: median(per_megapixel[stage]) for stage in STAGES},
        median(per_megapixel.sum(axis=1)),
    )


def render(rows: Sequence[Row]) -> str:
    """Render the table in Markdown; the ratio is the total relative to the first row."""
    lines = [HEAD, ("---",) * len(HEAD)]
    for line in rows:
        stages = [f"{line.seconds[stage]:.2f}" for stage in STAGES]
        ratio = f"{line.total / rows[0].total:.2f}"
        quality = [_estimate(line.dice), _estimate(line.f1), f"{line.cells:,} of {line.true_cells:,}"]
        lines.append((line.tool, f"{line.training:.0f}", *quality, f"{line.total:.2f}", *stages, ratio))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _estimate(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"
