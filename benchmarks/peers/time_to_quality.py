"""How soon ours is as good as the best peer in the end: `python benchmarks/peers/time_to_quality.py RESULT…`.

Each result is a folder of `compare.py`. The peers segment the images that ours validates on, which they have
learned from or tuned on themselves; the clock of ours starts with its training and stops at the first
validation that reaches their best F1. A schedule that is made for less time is there sooner: `--ours` takes
ours of another comparison, which had a smaller budget.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from compare import SETTINGS, segmented
from environment import CACHE
from report import scores
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tools import MODEL, TOOLS, Setup

F1 = "val_f1"


def peers(setup: Setup, result: Path) -> Iterator[tuple[float, str, float]]:
    """F1 on the validation images, name and seconds of training of each peer that was trained."""
    listing = result / "validation.json"
    listing.write_text(json.dumps({"training": setup.split[1]}, default=str))
    asked = replace(setup, test=listing)
    for tool in TOOLS[1:]:
        record = result / tool / "trained.json"
        if record.is_file():
            labels = segmented(tool, asked, result / tool, repeat=0)
            seconds = json.loads(record.read_text())["seconds"]
            yield float(scores(labels, listing)["f1"].mean()), tool, seconds


def seconds_to(score: float, run: Path) -> float | None:
    """From the start of a training to the first validation of that F1; None if there was none."""
    for file in sorted(run.glob("events.*")):
        events = EventAccumulator(str(file))
        events.Reload()
        if F1 in events.Tags()["scalars"]:
            times = [event.wall_time for event in events.Scalars(F1) if event.value >= score]
            return times[0] - events.FirstEventTimestamp() if times else None
    raise ValueError(f"{run} holds no {F1}; train ours by compare.py first")


def line(setup: Setup, result: Path, ours: Path) -> str:
    """A row of the table."""
    best, tool, seconds = max(peers(setup, result))
    own = seconds_to(best, ours / "ours" / MODEL / "run")
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
        kept = json.loads((result / SETTINGS).read_text())
        setup = Setup(
            Path(kept["train"]),
            Path(kept["test"]),
            options.cache.resolve(),
            float(kept["budget"]),
            int(kept["seed"]),
            int(kept["threads"]),
        )
        print(line(setup, result.resolve(), quick.resolve()), flush=True)


if __name__ == "__main__":
    main()
