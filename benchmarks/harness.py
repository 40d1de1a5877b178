"""Time several ways of doing the same thing and print the ratios."""

import ctypes
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

_STATUS = Path("/proc/self/status")


def compare(title: str, calls: Mapping[str, Callable[[], Any]], repeats: int) -> None:
    """Print a table of median time, ratio to the first call, and peak memory.

    The calls alternate, so that a busy moment of the machine affects all of them.

    Args:
        title: title of the table, with the size of the data.
        calls: function without arguments for each name; the first one is the reference.
        repeats: number of timed calls, after one call that measures the memory; with 1, that call is timed.
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
    """Return the peak memory of a call in MiB, beyond the memory in use before; unknown outside Linux."""
    if not _STATUS.exists():
        call()
        return None
    _release_freed_memory()
    Path("/proc/self/clear_refs").write_text("5")  # reset the earlier peak
    before = _resident("VmRSS")
    call()
    return (_resident("VmHWM") - before) / 1024


def _release_freed_memory() -> None:
    """Free memory that the C library keeps after a call, which would distort the memory of the next call."""
    if _STATUS.exists():
        ctypes.CDLL(None).malloc_trim(0)


def _resident(field: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1])
