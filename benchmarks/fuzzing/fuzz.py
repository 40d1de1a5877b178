"""Damaged input for every reader and parser: `python benchmarks/fuzzing/fuzz.py [--runs N] [--only NAME]`.

An execution passes if the parser returns, or raises an error that the commands print as a sentence
(ValueError, OSError), within 5 s of processor time and 1 GiB of memory. Everything else is a crash: its input
is kept in `--crashes`, and the exit code is 1. Each parser runs in a process of its own, since decoders
written in C can end it.
"""

import argparse
import json
import logging
import multiprocessing
import resource
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from mutations import changed_bytes, changed_json
from parsers import PARSERS, Parser

SECONDS, BYTES = 5, 1 << 30
ALLOWED = (ValueError, OSError)


class TooSlow(BaseException):
    """An execution took longer than allowed."""


def main() -> int:
    """Fuzz all parsers in turn, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runs", type=float, default=1, help="factor to the number of executions of each parser"
    )
    parser.add_argument("--only", nargs="+", help="names of parsers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crashes", type=Path, default=Path("crashes"))
    parser.add_argument(
        "--counts", type=Path, help="file to which the counts are added, a line of JSON for each parser"
    )
    options = parser.parse_args()
    logging.disable()  # libraries report each damage
    total = failed = 0
    for name, fuzzed in PARSERS.items():
        if options.only and name not in options.only:
            continue
        wanted, before = max(1, round(fuzzed.runs * options.runs)), _seconds()
        done, crashes = fuzz(name, wanted, options.seed, options.crashes)
        total, failed = total + done, failed + len(crashes)
        line = {"parser": name, "executions": done, "crashes": crashes, "seconds": _seconds() - before}
        print(
            f"{name:20} {done:9,} executions {len(crashes):3} kinds of crashes {line['seconds']:6.1f} s",
            flush=True,
        )
        for crash in crashes:
            print(f"    {crash}", flush=True)
        if options.counts:
            with options.counts.open("a") as file:
                print(json.dumps(line), file=file)
    print(f"{total:,} executions, {failed} kinds of crashes")
    return 1 if failed else 0


def fuzz(name: str, wanted: int, seed: int, crashes: Path) -> tuple[int, list[str]]:
    """Run a parser as often as wanted; a process that dies is started again after the input that ended it.

    Returns:
        Number of executions, and the kinds of crashes.
    """
    done, kinds, reached = 0, [], multiprocessing.RawValue("q", 0)
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        while done < wanted and len(kinds) < 20:
            ours, theirs = multiprocessing.Pipe(duplex=False)
            work = multiprocessing.Process(
                target=_work, args=(name, range(done, wanted), seed, folder, crashes, theirs, reached)
            )
            work.start()
            theirs.close()
            try:
                while True:
                    done, kind = ours.recv()
                    if kind and kind not in kinds:
                        kinds.append(kind)
            except EOFError:
                work.join()
            if work.exitcode:
                kinds.append(f"the process ended with {work.exitcode} at execution {reached.value}")
                _keep(crashes, name, kinds[-1], _input(PARSERS[name], reached.value, seed))
                done = reached.value + 1
    return done, kinds


def _work(
    name: str, counts: range, seed: int, folder: str, crashes: Path, report: Connection, reached: Any
) -> None:
    """Execute until the wanted number is reached; report every hundred executions and every crash."""
    parser, seen = PARSERS[name], set()
    signal.signal(signal.SIGVTALRM, _raise_too_slow)
    reached.value = counts.start
    for valid in parser.seeds:  # which loads what the parser needs
        if kind := _execute(parser, valid, Path(folder)):
            report.send((counts.start, f"valid input: {kind}"))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, resource.RLIM_INFINITY))
    for count in counts:
        content = _input(parser, count, seed)
        reached.value = count
        kind = _execute(parser, content, Path(folder))
        if kind and kind not in seen:
            seen.add(kind)
            _keep(crashes, name, kind, content)
            report.send((count + 1, kind))
        if count % 100 == 99 or count == counts[-1]:
            report.send((count + 1, ""))


def _execute(parser: Parser, content: bytes, folder: Path) -> str:
    """Run a parser once; return the kind of crash, empty if there was none."""
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        parser.run(content, folder)
    except ALLOWED:
        return ""
    except TooSlow:
        return f"slower than {SECONDS} s"
    except BaseException as error:  # noqa: BLE001
        places = [
            frame for frame in traceback.extract_tb(error.__traceback__) if "cellseg_monai" in frame.filename
        ]
        where = f"{Path(places[-1].filename).name}:{places[-1].lineno}" if places else "?"
        return f"{type(error).__name__} at {where}: {str(error)[:100]}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return ""


def _input(parser: Parser, count: int, seed: int) -> bytes:
    """The input of an execution, which depends on nothing but its number and the seed."""
    random = Random(seed << 40 | count)
    content, other = random.choice(parser.seeds), random.choice(parser.seeds)
    return (changed_json if parser.is_json else changed_bytes)(content, other, random)


def _seconds() -> float:
    """Processor time of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(used.ru_utime + used.ru_stime, 1)


def _keep(crashes: Path, name: str, kind: str, content: bytes) -> None:
    crashes.mkdir(parents=True, exist_ok=True)
    number = len(list(crashes.glob(f"{name}-*.bin")))
    (crashes / f"{name}-{number}.bin").write_bytes(content)
    (crashes / f"{name}-{number}.txt").write_text(kind)


def _raise_too_slow(number: int, frame: object) -> None:
    raise TooSlow


if __name__ == "__main__":
    sys.exit(main())
