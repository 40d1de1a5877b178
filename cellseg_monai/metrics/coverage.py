"""Scores over several tasks, for models that cannot do all of them: task coverage and final score.

After Chen et al., "A Low-Resource Training Strategy for Cell Segmentation using Patch-Based Attention U-Net".
"""

import math
from collections.abc import Mapping
from typing import NamedTuple


class TaskScores(NamedTuple):
    """Scores of a model over several tasks.

    Attributes:
        average: mean score over the tasks that the model can do.
        coverage: fraction of the tasks that the model can do.
        final: average · coverage, which is the mean over all tasks with 0 for those it cannot do.

    Example:
        >>> task_scores({"nuclei": 0.8, "filaments": None}).final
        0.4
    """

    average: float
    coverage: float
    final: float


def task_scores(scores: Mapping[str, float | None]) -> TaskScores:
    """Average, coverage and final score over several tasks.

    Args:
        scores: score in each task; None or NaN if the model does not apply, such as a model of convex cells
            on filaments.

    Returns:
        Average, coverage and final score.

    Raises:
        ValueError: If there is no task.

    Example:
        The published values for Cellpose:

        >>> result = task_scores({"nuclei": 0.9834, "cells": 0.9036, "filaments": None})
        >>> f"{result.average:.4f} {result.coverage:.4f} {result.final:.4f}"
        '0.9435 0.6667 0.6290'
    """
    if not scores:
        raise ValueError("scores is empty; give each task and its score, or None if the model does not apply")
    done = [score for score in scores.values() if score is not None and not math.isnan(score)]
    coverage = len(done) / len(scores)
    average = sum(done) / len(done) if done else 0.0
    return TaskScores(average, coverage, average * coverage)
