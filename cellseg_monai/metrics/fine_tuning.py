"""Gain of fine-tuning on the new data, and loss on the old data."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Transfer(NamedTuple):
    """Effects of fine-tuning, as differences of mean scores.

    Attributes:
        transfer: gain on the new data, after − before.
        forgetting: loss on the old data, before − after; negative if the model improved there as well.
        gap_closed: gain as a fraction of the gap between old and new data before fine-tuning; NaN without a
            gap.
        balance: transfer − forgetting.

    Example:
        >>> transfer([0.75], [0.5], [0.25], [0.5]).forgetting
        0.25
    """

    transfer: float
    forgetting: float
    gap_closed: float
    balance: float


def transfer(
    old_before: Sequence[float],
    old_after: Sequence[float],
    new_before: Sequence[float],
    new_after: Sequence[float],
) -> Transfer:
    """Compare a model before and after fine-tuning, on test images of the old and the new data.

    Args:
        old_before: scores of the base model on images of its training domain.
        old_after: scores of the fine-tuned model on the same images.
        new_before: scores of the base model on images of the new data.
        new_after: scores of the fine-tuned model on the same images.

    Returns:
        Differences of mean scores.

    Raises:
        ValueError: If the numbers of images before and after differ, or there are no images.

    Example:
        >>> result = transfer([0.9, 0.9], [0.8, 0.9], [0.4, 0.6], [0.7, 0.9])
        >>> [round(value, 3) for value in result]
        [0.3, 0.05, 0.75, 0.25]
    """
    for name, before, after in (("old", old_before, old_after), ("new", new_before, new_after)):
        if not len(before) or len(before) != len(after):
            raise ValueError(
                f"{len(before)} scores before and {len(after)} after fine-tuning on the {name} data; "
                "score the same images with both models"
            )
        if not np.isfinite([*before, *after]).all():
            raise ValueError(f"a score on the {name} data is not finite; leave that image out of both lists")
    gain = float(np.mean(new_after) - np.mean(new_before))
    loss = float(np.mean(old_before) - np.mean(old_after))
    gap = float(np.mean(old_before) - np.mean(new_before))
    return Transfer(gain, loss, gain / gap if gap > 0 else float("nan"), gain - loss)
