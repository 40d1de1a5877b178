"""Time until ours is as good as the best other tool: `python benchmarks/peers/time_to_quality.py RESULT…`.

Each result is a folder of `compare.py`. The other tools segment our validation images, on which they were
trained or tuned themselves. Our time starts with the training. It ends at the first validation that reaches
their best F1, or at the end of the training if only the calibrated decoding reaches it. A schedule for less
time reaches it sooner: `--ours` uses our training of another comparison, with a smaller budget.
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
    """Read the setup of a comparison."""
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
    """F1 of a tool on the validation images, and seconds of its training."""
    listing = result / "validation.json"
    listing.write_text(json.dumps({"training": setup.split[1]}, default=str))
    labels = segmented(tool, replace(setup, test=listing), result / tool, repeat=0)
    seconds = json.loads((result / tool / TRAINED).read_text())["seconds"]
    return float(scores(labels, listing)["f1"].mean()), float(seconds)


def peers(setup: Setup, result: Path) -> Iterator[tuple[float, float, str]]:
    """F1, seconds and name of each other tool that was trained."""
    for tool in TOOLS[1:]:
        if (result / tool / TRAINED).is_file():
            yield *in_the_end(tool, setup, result), tool


def seconds_to(score: float, run: Path, began: float) -> float | None:
    """Seconds from the start of a command to the first validation with that F1; None if there is none."""
    for file in sorted(run.glob("events.*")):
        events = EventAccumulator(str(file))
        events.Reload()
        if F1 in events.Tags()["scalars"]:
            times = [event.wall_time for event in events.Scalars(F1) if event.value >= score]
            return times[0] - began if times else None
    raise ValueError(f"{run} has no {F1}; train ours with compare.py first")


def ours_to(score: float, setup: Setup, result: Path) -> float | None:
    """Seconds until ours reaches that F1, at a validation or at the end; None if it does not."""
    began = json.loads((result / "ours" / TRAINED).read_text())["began"]
    soonest = seconds_to(score, result / "ours" / MODEL / "training" / "trained", began)
    if soonest is not None:
        return soonest
    final, seconds = in_the_end("ours", setup, result)
    return seconds if final >= score else None


def line(result: Path, ours: Path, cache: Path) -> str:
    """Make a row of the table."""
    best, seconds, tool = max(peers(setup_of(result, cache), result))
    own = ours_to(best, setup_of(ours, cache), ours)
    told = "never | " if own is None else f"{own:.0f} | {own / seconds:.2f}"
    return f"| {result.name} | {tool} | {best:.3f} | {seconds:.0f} | {told} |"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULT")
    parser.add_argument(
        "--ours",
        nargs="+",
        type=Path,
        metavar="RESULT",
        help="one comparison for each result, with our training only",
    )
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="folder of the environments of the other tools"
    )
    options = parser.parse_args()
    ours = options.ours or options.results
    if len(ours) != len(options.results):
        parser.error(f"--ours has {len(ours)} folders for {len(options.results)} results; pass one for each")
    print(
        "| task | best other tool | F1 | training, s | ours reaches it, s | ratio |\n"
        "|---|---|---|---|---|---|"
    )
    for result, quick in zip(options.results, ours, strict=True):
        print(line(result.resolve(), quick.resolve(), options.cache.resolve()), flush=True)


if __name__ == "__main__":
    main()
