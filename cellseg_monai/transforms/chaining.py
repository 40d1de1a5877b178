"""Compose steps and lists of steps into one pipeline."""

from collections.abc import Callable, Sequence
from typing import Any

from monai.transforms import Compose

Step = Callable[[Any], Any]


def chain(steps: Sequence[Step | Sequence[Step]]) -> Compose:
    """Compose steps and lists of steps in the given order.

    A ``Compose`` within a ``Compose`` would do the same, but MONAI treats it as random and does not cache it.

    Args:
        steps: transforms and lists of transforms.

    Example:
        >>> from monai.transforms import Lambda
        >>> chain([Lambda(lambda x: x + 1), [Lambda(lambda x: 2 * x), Lambda(lambda x: x - 1)]])(3)
        7
    """
    return Compose([one for step in steps for one in (step if isinstance(step, Sequence) else [step])])
