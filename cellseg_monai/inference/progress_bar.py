"""Progress of long inference: a bar on a terminal, log lines elsewhere."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, TypeVar

from tqdm import tqdm

logger = logging.getLogger(__name__)

SECONDS_BEFORE_BAR = 5.0
SECONDS_BETWEEN_LINES = 60.0

Item = TypeVar("Item")


def with_progress(
    items: Iterable[Item], total: int, *, shown: bool, unit: str, size: Callable[[Item], int]
) -> Iterator[Item]:
    """Yield items and count them: on a terminal with a bar after five seconds, elsewhere by a line a minute.

    Args:
        items: items that are done when they are yielded.
        total: sum of the sizes of all items.
        shown: False for neither bar nor lines.
        unit: name of what is counted.
        size: function that returns the number to count for an item.

    Example:
        >>> list(with_progress(["ab", "c"], 3, shown=True, unit="letter", size=len))
        ['ab', 'c']
    """
    done = 0
    began = logged = time.monotonic()
    disabled = None if shown else True  # None: disabled unless standard error is a terminal
    bar: Any = tqdm(total=total, unit=unit, delay=SECONDS_BEFORE_BAR, leave=False, disable=disabled)
    with bar:
        for item in items:
            done += size(item)
            bar.update(size(item))
            now = time.monotonic()
            if shown and bar.disable and now - logged > SECONDS_BETWEEN_LINES:
                logged = now
                left = timedelta(seconds=round((now - began) / done * (total - done)))
                logger.info("%s %d/%d  %s left", unit, done, total, left)
            yield item
