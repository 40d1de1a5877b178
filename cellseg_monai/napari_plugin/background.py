"""Work in a thread, so that the window of napari responds, and the clock that shows how far it is."""

import time
from collections.abc import Callable
from typing import Any

_LONGEST = 30


def thread(
    work: Callable[[], Any],
    done: Callable[[Any], None],
    fail: Callable[[Exception], None],
    end: Callable[[], None] | None = None,
) -> Any:
    """Make a thread of napari, which has not started yet; the other functions are called in the main thread.

    Args:
        work: function to call in the thread.
        done: function that is called with the result.
        fail: function that is called with an error.
        end: function that is called last, in either case.

    Returns:
        A worker of napari.
    """
    from napari.qt.threading import create_worker

    calls = {"returned": done, "errored": fail, **({} if end is None else {"finished": end})}
    return create_worker(work, _start_thread=False, _connect=calls, _ignore_errors=True)


def in_main_thread(call: Callable[[str], None], line: str) -> None:
    """Call a function in the main thread, which alone may change what the window shows."""
    from superqt.utils import ensure_main_thread

    ensure_main_thread(call)(line)


class Clock:
    """Progress of a work that takes a given time, among the activities of napari.

    Args:
        minutes: duration of the work.
    """

    def __init__(self, minutes: float) -> None:
        from napari.utils import progress
        from qtpy.QtCore import QTimer

        self._began = time.monotonic()
        self._bar = progress(total=max(1, round(60 * minutes)), desc="training")
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(1000)

    def say(self, line: str) -> None:
        """Describe what is being done by the first words of a line; a long text would hide the bar."""
        self._bar.set_description(line.partition("  ")[0][:_LONGEST])

    def close(self) -> None:
        """End the activity."""
        self._timer.stop()
        self._bar.close()

    def _tick(self) -> None:
        self._bar.update(min(int(time.monotonic() - self._began), self._bar.total) - self._bar.n)
