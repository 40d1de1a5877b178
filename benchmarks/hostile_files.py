"""Hostile files through every entry: `python benchmarks/hostile_files.py [--damaged N] [--table FILE.csv]`.

Each file goes through each way of reading an image or a label map, in a process of its own, which may take
10 s of processor time and 1 GiB of memory beyond what the libraries take. A file passes if it is read, or
refused with an error that the commands print as a sentence and that names it. The exit code is the number of
files that fail.
"""

import argparse
import csv
import logging
import multiprocessing
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hostile_corpus import Hostile, corpus, valid_files

SECONDS, BYTES, MEMORY = 10, 1 << 30, "2"


class Outcome(NamedTuple):
    """What became of a file in one entry."""

    entry: str
    result: str
    seconds: float
    megabytes: float

    @property
    def passed(self) -> bool:
        """Whether the file was read, or refused in a sentence, within the bounds."""
        within = self.seconds <= SECONDS and self.megabytes <= BYTES / 2**20
        return within and self.result in ("read", "refused")


def main() -> int:
    """Write the corpus, try each file, and print a table by kind of file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--damaged", type=int, default=2000, help="number of damaged copies of valid files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", type=Path, help="file for the outcome of each file")
    options = parser.parse_args()
    logging.disable()  # libraries report each damage
    os.environ["CELLSEG_MEMORY"] = MEMORY
    rows, failed = [], 0
    with TemporaryDirectory() as folder:
        load(Path(folder) / "valid")
        for hostile in corpus(Path(folder), options.damaged, options.seed):
            outcomes = tried(hostile.path)
            rows += [(hostile, outcome) for outcome in outcomes]
            wrong = [outcome for outcome in outcomes if not outcome.passed]
            failed += bool(wrong)
            for outcome in wrong:
                print(f"{hostile.path.name!r} ({hostile.kind}): {outcome}", flush=True)
    _print_table(rows)
    if options.table:
        with options.table.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            table = csv.writer(file)
            table.writerow(["file", "kind", *Outcome._fields])
            table.writerows([repr(hostile.path.name), hostile.kind, *outcome] for hostile, outcome in rows)
    return failed


def load(folder: Path) -> None:
    """Read valid files in this process, so that those forked from it need not load the libraries."""
    folder.mkdir()
    for name, content in valid_files().items():
        (folder / name).write_bytes(content)
        for read in ENTRIES.values():
            _result(read, folder / name)


def tried(path: Path) -> list[Outcome]:
    """Try a file in all entries, in a process that is forked from this one."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    work = context.Process(target=_try, args=(path, theirs))
    work.start()
    theirs.close()
    outcomes: list[Outcome] = []
    try:
        while ours.poll(SECONDS * 60):  # of the clock; the limit is processor time
            outcomes.append(ours.recv())
        work.kill()
        outcomes.append(Outcome("?", "waits for ever", SECONDS * 60, 0))
    except EOFError:
        pass
    work.join()
    if work.exitcode and len(outcomes) < len(ENTRIES):
        outcomes.append(Outcome(list(ENTRIES)[len(outcomes)], f"ended with {work.exitcode}", SECONDS, 0))
    return outcomes


def _try(path: Path, report: Connection) -> None:
    """Try the entries one after the other; the limits of the process are twice the bounds."""
    sys.stderr = open(os.devnull, "w")
    os.dup2(sys.stderr.fileno(), 2)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2 * BYTES,) * 2)
    for entry, read in ENTRIES.items():
        Path("/proc/self/clear_refs").write_text("5")  # the peak of memory so far
        before, began = _resident("VmRSS"), time.process_time()
        result = _result(read, path)
        spent = time.process_time() - began
        report.send(Outcome(entry, result, round(spent, 3), round((_resident("VmHWM") - before) / 1024, 1)))


def _result(read: Callable[[Path], object], path: Path) -> str:
    try:
        read(path)
    except (ValueError, OSError) as error:
        return "refused" if str(path) in str(error) else f"refused without its name: {error}"
    except BaseException as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return "read"


def _resident(kind: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:"))


def _regions(path: Path) -> object:
    from cellseg_monai.data import ImageRegions

    image = ImageRegions(path)
    return image[tuple(slice(0, min(side, 8)) for side in image.shape)]


def _monai(path: Path) -> object:
    from monai.transforms import LoadImage

    from cellseg_monai.data import MicroscopyReader

    return LoadImage(reader=MicroscopyReader(), ensure_channel_first=True)(path)


def _annotations(path: Path) -> object:
    from cellseg_monai.annotations import read_annotations

    return read_annotations(path)


def _entries() -> dict[str, Callable[[Path], object]]:
    from cellseg_monai.data import read_label_map, read_picture

    return {
        "image": read_picture,
        "label map": read_label_map,
        "in parts": _regions,
        "MONAI": _monai,
        "annotations": _annotations,
    }


ENTRIES = _entries()


def _print_table(rows: list[tuple[Hostile, Outcome]]) -> None:
    kinds: dict[str, list[Outcome]] = {}
    for hostile, outcome in rows:
        kinds.setdefault(hostile.kind, []).append(outcome)
    print(f"{'kind':26} {'files':>6} {'read':>6} {'refused':>8} {'failed':>7} {'seconds':>8} {'MB':>7}")
    for kind, outcomes in {**kinds, "all": [outcome for _, outcome in rows]}.items():
        found = Counter(outcome.result if outcome.passed else "failed" for outcome in outcomes)
        files = len({hostile.path for hostile, _ in rows if kind in ("all", hostile.kind)})
        most = max(outcome.seconds for outcome in outcomes), max(outcome.megabytes for outcome in outcomes)
        counts = f"{found['read']:6} {found['refused']:8} {found['failed']:7}"
        print(f"{kind:26} {files:6} {counts} {most[0]:8.2f} {most[1]:7.0f}")


if __name__ == "__main__":
    sys.exit(min(main(), 100))
