"""What fine-tuning gains on the new data and loses on the old."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Transfer(NamedTuple):
    """Fine-tuning in numbers; each is a difference of mean scores.

    Attributes:
        transfer: new data, after − before: what was gained.
        forgetting: old data, before − after: what was lost; negative if the model got better there too.
        gap_closed: share of what the new data lacked to the old, before fine-tuning, that was gained; NaN if
            nothing was lacking.
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
        old_before: scores of the base model on images of the data it was trained on.
        old_after: scores of the fine-tuned model on the same images.
        new_before: scores of the base model on images of the new data.
        new_after: scores of the fine-tuned model on the same images.

    Returns:
        :class:`Transfer`.

    Raises:
        ValueError: before and after have not the same number of images, or there is none.

    Example:
        >>> result = transfer([0.9, 0.9], [0.8, 0.9], [0.4, 0.6], [0.7, 0.9])
        >>> [round(value, 3) for value in result]
        [0.3, 0.05, 0.75, 0.25]
    """
    for name, before, after in (("old", old_before, old_after), ("new", new_before, new_after)):
        if not len(before) or len(before) != len(after):
            raise ValueError(
                f"{len(before)} scores before and {len(after)} after on the {name} data; "
                "score the same images with both models"
            )
        if not np.isfinite([*before, *after]).all():
            raise ValueError(
                f"a score on the {name} data is not a finite number; leave that image out of both"
            )
    gained = float(np.mean(new_after) - np.mean(new_before))
    lost = float(np.mean(old_before) - np.mean(old_after))
    lacked = float(np.mean(old_before) - np.mean(new_before))
    return Transfer(gained, lost, gained / lacked if lacked > 0 else float("nan"), gained - lost)
