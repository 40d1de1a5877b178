"""How soon ours is as good as the best peer in the end: `python benchmarks/peers/time_to_quality.py RESULT…`.

Each result is a folder of `compare.py`. The peers segment the images that ours validates on, which they have
learned from or tuned on themselves; the clock of ours starts with its training and stops at the first
validation that reaches their best F1, or at the end, if only the calibrated decoding does. A schedule that is
made for less time is there sooner: `--ours` takes ours of another comparison, which had a smaller budget.
"""

import argparse
import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from compare import SETTINGS, TRAINED, segmented
from environment import CACHE
from report import scores
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tools import MODEL, TOOLS, Setup

F1 = "val_f1"


def setup_of(result: Path, cache: Path) -> Setup:
    """What was compared there."""
    kept = json.loads((result / SETTINGS).read_text())
    return Setup(
        Path(kept["train"]),
        Path(kept["test"]),
        cache,
        float(kept["budget"]),
        int(kept["seed"]),
        int(kept["threads"]),
        ast.literal_eval(kept["ours"]),
    )


def in_the_end(tool: str, setup: Setup, result: Path) -> tuple[float, float]:
    """F1 on the validation images, and seconds of training."""
    listing = result / "validation.json"
    listing.write_text(json.dumps({"training": setup.split[1]}, default=str))
    labels = segmented(tool, replace(setup, test=listing), result / tool, repeat=0)
    seconds = json.loads((result / tool / TRAINED).read_text())["seconds"]
    return float(scores(labels, listing)["f1"].mean()), float(seconds)


def peers(setup: Setup, result: Path) -> Iterator[tuple[float, float, str]]:
    """The same of each peer that was trained, with its name."""
    for tool in TOOLS[1:]:
        if (result / tool / TRAINED).is_file():
            yield *in_the_end(tool, setup, result), tool


def seconds_to(score: float, run: Path) -> float | None:
    """From the start of a training to the first validation of that F1; None if there was none."""
    for file in sorted(run.glob("events.*")):
        events = EventAccumulator(str(file))
        events.Reload()
        if F1 in events.Tags()["scalars"]:
            times = [event.wall_time for event in events.Scalars(F1) if event.value >= score]
            return times[0] - events.FirstEventTimestamp() if times else None
    raise ValueError(f"{run} holds no {F1}; train ours by compare.py first")


def ours_to(score: float, setup: Setup, result: Path) -> float | None:
    """Seconds until ours has that F1, by a validation or at its end; None if it never has."""
    soonest = seconds_to(score, result / "ours" / MODEL / "run")
    if soonest is not None:
        return soonest
    final, seconds = in_the_end("ours", setup, result)
    return seconds if final >= score else None


def line(result: Path, ours: Path, cache: Path) -> str:
    """A row of the table."""
    best, seconds, tool = max(peers(setup_of(result, cache), result))
    own = ours_to(best, setup_of(ours, cache), ours)
    told = "never | " if own is None else f"{own:.0f} | {own / seconds:.2f}"
    return f"| {result.name} | {tool} | {best:.3f} | {seconds:.0f} | {told} |"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULT")
    parser.add_argument("--ours", nargs="+", type=Path, metavar="RESULT", help="one for each, of ours alone")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the peers' environments")
    options = parser.parse_args()
    ours = options.ours or options.results
    if len(ours) != len(options.results):
        parser.error(f"--ours names {len(ours)} results, which are to go with {len(options.results)}")
    print("| task | best peer | F1 | training, s | ours reaches it, s | ratio |\n|---|---|---|---|---|---|")
    for result, quick in zip(options.results, ours, strict=True):
        print(line(result.resolve(), quick.resolve(), options.cache.resolve()), flush=True)


if __name__ == "__main__":
    main()
