"""MONAI's own command in a process that ends with this one, and whose progress is passed on."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from cellseg_monai.runtime.watching import monais_command

Report = Callable[[str], None]

PROGRESS = "training.progress: "
"""What comes before a line of progress in the log of a training."""

WARNING = " WARNING cellseg_monai."
"""What comes before a warning of this package, followed by the rest of its module and a colon."""


def run_monai(arguments: Sequence[str], folder: Path, log: Path, report: Report) -> None:
    """Run ``python -m monai.bundle`` in a folder; if this process is killed, it ends as well.

    Args:
        arguments: arguments of the command.
        folder: folder of the bundle.
        log: file to add the output of the command to.
        report: function that is called with each line of progress, and with each warning.

    Raises:
        RuntimeError: the command failed; the error has its last line.
    """
    last = ""
    with (
        log.open("a") as lines,
        subprocess.Popen(
            monais_command(arguments), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                lines.write(line)
                lines.flush()
                last = line.strip() or last
                if (news := reported(line)) is not None:
                    report(news)
        except BaseException:  # Ctrl-C as well
            process.terminate()
            raise
    if process.returncode:
        raise RuntimeError(f"the training failed, see {log}: {last}")


def reported(line: str) -> str | None:
    """What to report of a line of the log; None for nothing.

    Example:
        >>> reported("2026-01-31 12:00:00,000 INFO cellseg_monai.training.progress: epoch 3")
        'epoch 3'
        >>> reported("2026-01-31 12:00:00,000 WARNING cellseg_monai.training.early_warnings: no cell: wait")
        'warning: no cell: wait'
    """
    if PROGRESS in line:
        return line.partition(PROGRESS)[2].strip()
    if WARNING in line:
        return f"warning: {line.partition(WARNING)[2].partition(': ')[2].strip()}"
    return None
