"""Compare this package with other tools: same images, same training time, same metrics.

    python benchmarks/peers/compare.py --train nuclei/train --test nuclei/test --budget 600 --out peers

Each tool trains for the budget on the CPU and segments the test folder. Ours is ``cellseg train``; the others
start from random weights. To resume an interrupted comparison, run the same command again; finished parts in
``--out`` are skipped. The first call makes the environments of the other tools, which take some gigabytes.
"""

import argparse
import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from environment import CACHE
from report import render, row
from tools import TOOLS, Setup, Training, predict, train

SETTINGS, TRAINED = "settings.json", "trained.json"


def trained(tool: str, setup: Setup, folder: Path) -> Training:
    """Train a tool, or read the seconds of an earlier training."""
    record = folder / TRAINED
    if not record.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        record.write_text(json.dumps(train(tool, setup, folder)._asdict()))
    return Training(**json.loads(record.read_text()))


def segmented(tool: str, setup: Setup, folder: Path, repeat: int) -> Path:
    """Segment the test images, unless this is done already, and return the folder of the result."""
    out = folder / f"labels_{repeat}"
    record = out / "done.json"
    if not record.is_file():
        shutil.rmtree(out, ignore_errors=True)
        record.write_text(json.dumps({"seconds": predict(tool, setup, folder, out)}))
    return out


def keep_settings(setup: Setup, out: Path) -> None:
    """Save the settings of the comparison.

    Raises:
        ValueError: the folder has another comparison.
    """
    settings = {name: str(value) for name, value in asdict(setup).items() if name != "cache"}
    file = out / SETTINGS
    if file.is_file() and (before := json.loads(file.read_text())) != settings:
        raise ValueError(f"{file} belongs to another comparison, {before}; choose another --out")
    file.write_text(json.dumps(settings, indent=1))


def compare(setup: Setup, tools: Sequence[str], repeats: int, out: Path) -> dict[str, Exception]:
    """Print the table of the tools that ran, and return the errors of the others."""
    failed: dict[str, Exception] = {}
    training: dict[str, float] = {}
    runs: dict[str, list[Path]] = {tool: [] for tool in tools}
    for tool in tools:
        with _noted(tool, failed):
            tell(f"{tool}: training")
            training[tool] = trained(tool, setup, out / tool).seconds
    for repeat in range(1, repeats + 1):  # in turns, so that a busy moment of the machine affects all
        for tool in [tool for tool in tools if tool not in failed]:
            with _noted(tool, failed):
                tell(f"{tool}: segmenting, {repeat} of {repeats}")
                runs[tool].append(segmented(tool, setup, out / tool, repeat))
    done = [tool for tool in tools if tool not in failed]
    if done:
        table = render([row(tool, training[tool], runs[tool], setup.test) for tool in done])
        (out / "table.md").write_text(table + "\n")
        print(table)
    return failed


@contextmanager
def _noted(tool: str, failed: dict[str, Exception]) -> Iterator[None]:
    """Keep the error of a tool, so that the others continue."""
    try:
        yield
    except Exception as error:  # noqa: BLE001
        failed[tool] = error


def tell(message: str) -> None:
    """Log progress to stderr, with the load, because other processes slow the machine down."""
    now, load = time.strftime("%H:%M:%S"), os.getloadavg()[0]
    print(f"{now} load {load:.1f} on {os.cpu_count()} cores: {message}", file=sys.stderr, flush=True)


def parser_of(description: str) -> argparse.ArgumentParser:
    """Options of a comparison."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=Path, required=True, help="folder with images/ and masks/")
    parser.add_argument("--test", type=Path, required=True, help="test folder with images/ and masks/")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for models, label maps, times and the table"
    )
    parser.add_argument("--budget", type=float, default=600, help="training time of each tool in seconds")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=["ours", "stardist", "cellpose"])
    parser.add_argument("--threads", type=int, default=2, help="threads of each tool")
    parser.add_argument("--seed", type=int, default=0, help="seed of each tool")
    parser.add_argument(
        "--repeats", type=int, default=3, help="number of times that the test folder is segmented"
    )
    parser.add_argument("--ours", default="", metavar="WORDS", help="options of cellseg train, in quotes")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="folder of the environments of the other tools"
    )
    return parser


def carried_out(options: argparse.Namespace, train: Path, out: Path) -> dict[str, Exception]:
    """Run the comparison of the options with these training images."""
    paths = [path.resolve() for path in (train, options.test, options.cache)]
    setup = Setup(*paths, options.budget, options.seed, options.threads, tuple(shlex.split(options.ours)))
    out.mkdir(parents=True, exist_ok=True)
    keep_settings(setup, out)
    return compare(setup, list(dict.fromkeys(options.tools)), options.repeats, out)


def in_words(failed: Mapping[str, Exception]) -> str:
    """Errors of the tools that failed; empty if all succeeded."""
    return "\n".join(f"{tool} failed: {error}" for tool, error in failed.items())


def main() -> None:
    """Read the command line."""
    options = parser_of(__doc__).parse_args()
    sys.exit(in_words(carried_out(options, options.train, options.out.resolve())) or 0)


if __name__ == "__main__":
    main()
