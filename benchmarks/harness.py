"""Time several ways of doing one thing against each other and print the ratios."""

import ctypes
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

_STATUS = Path("/proc/self/status")


def compare(title: str, calls: Mapping[str, Callable[[], Any]], repeats: int) -> None:
    """Print a table of median time, ratio to the first call, and peak memory.

    The calls alternate, so that a busy moment of the machine falls on all of them.

    Args:
        title: what is compared, with its size.
        calls: name and call without arguments; the first one is the yardstick.
        repeats: how often each is timed, after one call that shows its memory; 1 times that one.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    memory = {}
    for name, call in calls.items():
        start = time.perf_counter()
        memory[name] = _peak_memory(call)
        if repeats == 1:
            seconds[name].append(time.perf_counter() - start)
    for _ in range(repeats if repeats > 1 else 0):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
            _release_freed_memory()
    medians = {name: median(times) for name, times in seconds.items()}
    yardstick = next(iter(medians.values()))
    width = max(map(len, calls))
    print(f"\n{title}; median of {repeats}")
    print(f"{'':{width}}    seconds     ratio   peak MiB")
    for name, taken in medians.items():
        peak = "unknown" if memory[name] is None else f"{memory[name]:,.0f}"
        print(f"{name:{width}} {taken:10.3f} {taken / yardstick:9.2f} {peak:>10}", flush=True)


def _peak_memory(call: Callable[[], Any]) -> float | None:
    """MiB that a call needs at its peak beyond what was held before; unknown outside Linux."""
    if not _STATUS.exists():
        call()
        return None
    _release_freed_memory()
    Path("/proc/self/clear_refs").write_text("5")  # forget the earlier peak
    before = _resident("VmRSS")
    call()
    return (_resident("VmHWM") - before) / 1024


def _release_freed_memory() -> None:
    """Give back what the C library keeps after a call; the next would use it unseen, or the heap grow."""
    if _STATUS.exists():
        ctypes.CDLL(None).malloc_trim(0)


def _resident(field: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1])
