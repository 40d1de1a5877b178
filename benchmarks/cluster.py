"""Prediction on the processes of a Dask cluster: `python benchmarks/cluster.py kills|speed|queue`.

`kills` segments synthetic images twice, once undisturbed and once with a worker killed every few seconds, and
compares the label maps. `speed` compares one worker with two. `queue` hands out items that only wait, and
reports the rate, the overhead and the memory of this process; it ends after a while, with the rest queued.
"""

import argparse
import os
import random
import resource
import signal
import sqlite3
import tempfile
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import tifffile

from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.inference.failure_table import report_each
from cellseg_monai.inference.one_image import STAGES, OneImage, Outcome, Segmented, attempt
from cellseg_monai.jobs import predict
from cellseg_monai.runtime.cluster import connected
from cellseg_monai.runtime.spreading import Killed, spread

BUNDLE = "patch_attention_unet"


def images(folder: Path, count: int, side: int) -> Path:
    """Synthetic nuclei."""
    return write_synthetic_dataset("nuclei", folder, count=count, size=(side, side)).parent / "images"


def rows(out: Path, what: str) -> list[Any]:
    """Columns of the manifest."""
    with sqlite3.connect(out / ".cellseg/manifest.sqlite", timeout=60) as base:
        return base.execute(f"SELECT {what} FROM items").fetchall()


def kill_workers(every: float, ended: threading.Event, killed: list[int]) -> None:
    """Kill one of the processes that Dask has started from here, again and again."""
    while not ended.wait(every):
        children = psutil.Process().children(recursive=True)
        with suppress(psutil.NoSuchProcess):
            living = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
            if living:
                chosen = random.choice(living)
                os.kill(chosen.pid, signal.SIGKILL)
                killed.append(chosen.pid)


def kills(folder: Path, options: argparse.Namespace) -> None:
    """Compare an undisturbed run with one whose workers are killed."""
    dataset = images(folder / "set", options.images, options.side)
    predict(BUNDLE, [dataset], folder / "whole")
    ended, killed = threading.Event(), list[int]()
    killer = threading.Thread(target=kill_workers, args=(options.every, ended, killed))
    killer.start()
    began = time.monotonic()
    predict(BUNDLE, [dataset], folder / "killed", cluster=f"local:{options.workers}")
    seconds = time.monotonic() - began
    ended.set()
    killer.join()
    whole = sorted((folder / "whole/labels").rglob("*.tif"))
    same = sum(
        (
            tifffile.imread(path) == tifffile.imread(folder / "killed" / path.relative_to(folder / "whole"))
        ).all()
        for path in whole
    )
    counts = [(folder / name / "counts.csv").read_text() for name in ("whole", "killed")]
    print(f"{len(whole)} images, {options.workers} workers, {len(killed)} killed in {seconds:.0f} s")
    print(f"{same} label maps equal the undisturbed run; tables equal: {counts[0] == counts[1]}")
    states = {name: state for name, state in rows(folder / "killed", "name, state")}
    print(f"manifest: {len(states)} items, states {sorted(set(states.values()))}")


def speed(folder: Path, options: argparse.Namespace) -> None:
    """Time from the first image that is done to the last, so that starting the workers does not count."""
    dataset = images(folder / "set", options.images, options.side)
    rate = {}
    for workers in (1, 2):
        out = folder / str(workers)
        predict(BUNDLE, [dataset], out, cluster=f"local:{workers}")
        ended = sorted(when for (when,) in rows(out, "ended"))[2 * workers :]
        rate[workers] = (len(ended) - 1) / (ended[-1] - ended[0])
        print(f"{workers} workers: {rate[workers]:.2f} images/s")
    print(f"two workers are {rate[2] / rate[1]:.2f} times as fast as one")


def wait(seconds: float, result: str) -> Outcome:
    """Wait instead of segmenting, and write a small file."""

    def segment() -> Segmented:
        time.sleep(seconds)
        Path(result).write_bytes(b"cells")
        return Segmented(dict.fromkeys(STAGES, 0.0), 1)

    return attempt("absent", segment)


class TimeIsOver(Exception):
    """Ends a run whose rest stays queued."""


def queue(folder: Path, options: argparse.Namespace) -> None:
    """Hand out items that wait, by the same manifest, journal and tables as images."""
    items = [OneImage(f"/absent/{number:06}.tif", [folder / f"{number:06}.tif"], partial(wait, 0.0, ""))
             for number in range(options.items)]  # fmt: skip
    done, first = 0, 0.0

    def perform(todo: Any, begin: Any) -> Any:
        nonlocal done, first
        with connected(f"local:{options.workers}") as client:
            work = partial(wait, options.seconds)
            answers = spread(
                client, work, [str(image.results[0]) for image in todo], lambda n: begin(todo[n])
            )
            for number, answer in answers:
                done += 1
                first = first or time.monotonic()
                yield todo[number], Outcome(None, str(answer)) if isinstance(answer, Killed) else answer
                if time.monotonic() - first > options.limit:
                    raise TimeIsOver

    began = time.monotonic()
    with suppress(TimeIsOver):
        report_each(items, folder, "settings", perform)
    seconds = time.monotonic() - first
    ideal = done * options.seconds / options.workers
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.items:,} items queued, first answer after {first - began:.0f} s")
    print(f"{done:,} done by {options.workers} workers in {seconds:.1f} s: {done / seconds:.1f} a second")
    print(f"items of {options.seconds} s: {seconds / ideal - 1:.1%} more than without any overhead")
    print(f"peak memory of the client: {peak:.0f} MB")


def main() -> None:
    """Run one of the three."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("kills", "speed", "queue"))
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--side", type=int, default=256, help="side of an image in pixels")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two kills")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=0.01, help="seconds that an item waits")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds after which the queue is left")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        globals()[options.what](Path(folder), options)


if __name__ == "__main__":
    main()
