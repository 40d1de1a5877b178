"""Whether the files of a run are still those that its ``run.json`` lists."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cellseg_monai.outputs.containment import StrPath
from cellseg_monai.outputs.run_record import PARTS, RUN, file_facts, read_runs


class Fault(NamedTuple):
    """A file that is not as recorded, or a run that did not end.

    Attributes:
        work: kind of work.
        what: ``"changed"``, ``"missing"``, ``"not hashed"``, or ``"not finished"``.
        file: path of the file; empty for the run as a whole.

    Example:
        >>> print(Fault("predict", "changed", "labels/a.tif"))
        predict: changed: labels/a.tif
    """

    work: str
    what: str
    file: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, self))


class Verification(NamedTuple):
    """Result of :func:`verify_run`.

    Attributes:
        folder: output folder.
        runs: number of files that are as recorded, by kind of work and list.
        failures: everything else.

    Example:
        >>> print(Verification(Path("out"), {"predict": {"inputs": 3, "outputs": 5}}, []))
        out: predict: 3 inputs, 5 outputs as recorded
    """

    folder: Path
    runs: Mapping[str, Mapping[str, int]]
    failures: list[Fault]

    def __str__(self) -> str:
        counts = {
            work: ", ".join(f"{count:,} {part}" for part, count in same.items())
            for work, same in self.runs.items()
        }
        lines = [f"{self.folder}: {work}: {count or 'nothing'} as recorded" for work, count in counts.items()]
        return "\n".join([*lines, *(f"{self.folder}: {fault}" for fault in self.failures)])


def verify_run(folder: StrPath) -> Verification:
    r"""Compare weights, configurations, inputs and outputs of each run with its record.

    ``run.json`` is not signed: whoever can change the outputs can change the record. Keep a copy of it, or of
    its hash, where others cannot write.

    Args:
        folder: output folder of a command; relative paths in the record are relative to it.

    Returns:
        What is as recorded, and what is not.

    Raises:
        FileNotFoundError: the folder has no ``run.json``.

    Example:
        >>> import tempfile
        >>> from cellseg_monai.outputs import Run, claim_outputs
        >>> folder = Path(tempfile.mkdtemp())
        >>> with claim_outputs(folder, "measure", ["cells.csv"], run=Run("measure")):
        ...     _ = (folder / "cells.csv").write_text("label\n1\n")
        >>> print(verify_run(folder))
        /...: measure: 1 outputs as recorded
        >>> _ = (folder / "cells.csv").write_text("label\n2\n")
        >>> verify_run(folder).failures
        [Fault(work='measure', what='changed', file='cells.csv')]
    """
    folder = Path(folder)
    records = read_runs(folder)
    if not records:
        raise FileNotFoundError(
            f"{folder / RUN}: there is no record of a run; give the folder of its results"
        )
    failures: list[Fault] = []
    runs: dict[str, dict[str, int]] = {}
    for work, newest in records.items():
        found: dict[tuple[str, str], str | None] = {}
        for record in (newest, *newest.get("earlier", ())):
            if record["end"] is None:
                failures.append(Fault(work, "not finished"))
            for part in PARTS:
                for entry in record.get(part, ()):
                    found[part, entry["file"]] = _difference(folder, entry)
        failures += [Fault(work, what, file) for (_, file), what in found.items() if what is not None]
        same = Counter(part for (part, _), what in found.items() if what is None)
        runs[work] = {part: same[part] for part in PARTS if part in same}
    return Verification(folder, runs, failures)


def _difference(folder: Path, entry: Mapping[str, Any]) -> str | None:
    if entry["sha256"] is None:
        return "not hashed"
    found = file_facts(folder / entry["file"])
    if found["bytes"] is None:
        return "missing"
    return None if found["sha256"] == entry["sha256"] else "changed"
