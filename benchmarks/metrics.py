"""Instance metrics of a large map, compared with other libraries: `python benchmarks/metrics.py [--quick]`.

The other libraries are optional: `pip install torchmetrics stardist` in an environment of your own.
"""

import argparse
import importlib.util
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from cells import TILE, packed_cells
from harness import compare

from cellseg_monai import metrics
from cellseg_monai.label_maps import LabelMap

CELLS_ACROSS_TILE = 40
CLASSES = (1, 2, 3)


def worse_copy(cells: LabelMap) -> LabelMap:
    """Shift the cells by three pixels and change their ids; merge some and remove some."""
    random = np.random.default_rng(1)
    ids = random.permutation(cells.max()).astype(np.int32) + 1
    ids[random.choice(len(ids), len(ids) // 10)] = ids[random.choice(len(ids), len(ids) // 10)]
    ids[random.choice(len(ids), len(ids) // 20)] = 0
    return np.append(np.int32(0), ids)[np.roll(cells, (3, 2), axis=(0, 1))]


def all_instance_metrics(pred: LabelMap, truth: LabelMap, of_pred: Any, of_truth: Any) -> None:
    """Compute every instance metric from one table of pairs."""
    pairs = metrics.object_pairs(pred, truth)
    metrics.instance_scores(metrics.pair_counts(pairs, metrics.AP_THRESHOLDS))
    metrics.jaccard_score(metrics.jaccard_counts(pairs))
    metrics.jaccard_score(metrics.jaccard_counts(pairs, plus=True))
    metrics.pair_count_errors(pairs)
    metrics.instance_scores(metrics.class_counts(pairs, of_pred, of_truth, classes=CLASSES))
    metrics.neurips_f1(pred, truth)
    metrics.detection_scores(pred, truth, of_pred, of_truth, classes=CLASSES, pairing="near")


def random_classes(cells: LabelMap) -> Any:
    """Random class of each cell."""
    return np.random.default_rng(2).integers(1, 4, len(np.unique(cells)) - 1)


def peers(pred: LabelMap, truth: LabelMap) -> dict[str, Callable[[], Any]]:
    """Functions of the other libraries that are installed."""
    calls: dict[str, Callable[[], Any]] = {}
    if importlib.util.find_spec("stardist"):
        from stardist.matching import matching

        matching(truth[:9, :9], pred[:9, :9])  # compiles
        calls["stardist.matching, IoU 0.5"] = lambda: matching(truth, pred, 0.5)
    if importlib.util.find_spec("torchmetrics"):
        from torchmetrics.functional.detection import panoptic_quality

        def pixels(cells: LabelMap) -> torch.Tensor:
            numbers = torch.from_numpy(cells).long()
            return torch.stack([(numbers > 0).long(), numbers], dim=-1)[None]

        calls["torchmetrics panoptic_quality"] = lambda: panoptic_quality(
            pixels(pred), pixels(truth), things={1}, stuffs={0}
        )
    for name in {"stardist", "torchmetrics"}:
        if not importlib.util.find_spec(name):
            print(f"{name} is not installed and is skipped")
    return calls


def main() -> None:
    """Print one table for the large map and one with other libraries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one tile instead of 64, a few seconds")
    quick = parser.parse_args().quick
    tiles, repeats = (1, 2) if quick else (8, 3)

    truth = packed_cells(tiles, CELLS_ACROSS_TILE)
    pred = worse_copy(truth)
    of_pred, of_truth = random_classes(pred), random_classes(truth)
    size = f"{truth.shape[0]:,} x {truth.shape[1]:,} pixels, {truth.max():,} cells, {os.cpu_count()} cores"
    pairs = metrics.object_pairs(pred, truth)
    compare(
        f"Instance metrics, two maps of {size}",
        {
            "all metrics": lambda: all_instance_metrics(pred, truth, of_pred, of_truth),
            "object_pairs": lambda: metrics.object_pairs(pred, truth),
            "F1, AP, PQ at 10 thresholds": lambda: metrics.pair_counts(pairs, metrics.AP_THRESHOLDS),
            "AJI": lambda: metrics.jaccard_counts(pairs),
            "AJI+": lambda: metrics.jaccard_counts(pairs, plus=True),
            "splits and merges": lambda: metrics.pair_count_errors(pairs),
            "F1 of 3 classes": lambda: metrics.class_counts(pairs, of_pred, of_truth, classes=CLASSES),
            "NeurIPS F1": lambda: metrics.neurips_f1(pred, truth),
            "F1d": lambda: metrics.detection_scores(
                pred, truth, of_pred, of_truth, classes=CLASSES, pairing="near"
            ),
            "boundary F1": lambda: metrics.boundary_f1(pred, truth),
        },
        repeats,
    )
    small, small_pred = packed_cells(1, CELLS_ACROSS_TILE), worse_copy(packed_cells(1, CELLS_ACROSS_TILE))
    compare(
        f"F1 and PQ at IoU 0.5, two maps of {TILE:,} x {TILE:,} pixels, {small.max():,} cells",
        {
            "cellseg_monai.metrics": lambda: metrics.instance_scores(
                metrics.instance_counts(small_pred, small)
            ),
            **peers(small_pred, small),
        },
        repeats,
    )


if __name__ == "__main__":
    main()
