"""Tell how far long work is."""

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from types import TracebackType
from typing import Any

import torch
from tqdm import tqdm

logger = logging.getLogger(__name__)

SECONDS_BEFORE_BAR = 5.0
SECONDS_BETWEEN_LINES = 60.0


class WindowProgress:
    """Show a bar on a terminal once the work has taken five seconds; elsewhere log a line each minute.

    Args:
        total: windows.
        shown: False for neither.
        unit: what is counted, if not windows.

    Example:
        >>> with WindowProgress(total=10, shown=True) as progress:
        ...     progress.advance(4)
        >>> progress.done
        4
    """

    def __init__(self, total: int, shown: bool, unit: str = "window") -> None:
        self.total = total
        self.shown = shown
        self.unit = unit
        self.done = 0
        self._began = self._told = time.monotonic()
        disabled = None if shown else True  # None: unless standard error is a terminal
        self._bar: Any = tqdm(total=total, unit=unit, delay=SECONDS_BEFORE_BAR, leave=False, disable=disabled)

    def __enter__(self) -> "WindowProgress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def through(self, batches: Iterable[torch.Tensor]) -> Iterator[torch.Tensor]:
        """Hand batches on and count what is in them."""
        for batch in batches:
            self.advance(len(batch))
            yield batch

    def advance(self, windows: int) -> None:
        """So many more are done."""
        self.done += windows
        self._bar.update(windows)
        now = time.monotonic()
        if self.shown and self._bar.disable and now - self._told > SECONDS_BETWEEN_LINES:
            self._told = now
            left = (now - self._began) / self.done * (self.total - self.done)
            logger.info("%s %d/%d  %s left", self.unit, self.done, self.total, timedelta(seconds=round(left)))
