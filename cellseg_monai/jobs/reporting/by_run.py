"""The same part of a section for each run."""

from collections.abc import Callable, Sequence
from html import escape

from cellseg_monai.jobs.reporting.run_folder import RunFolder


def by_run(runs: Sequence[RunFolder], draw: Callable[[RunFolder], str]) -> str:
    """Join the HTML of each run, under its name if there are several runs.

    Args:
        runs: runs of the report.
        draw: function that returns the HTML of one run; empty to leave the run out.

    Example:
        >>> from pathlib import Path
        >>> runs = [RunFolder(name, Path(name)) for name in ("one", "two")]
        >>> by_run(runs, lambda run: "<p>text</p>" if run.name == "two" else "")
        '<h3>two</h3><p>text</p>'
    """
    parts = [(run.name, html) for run in runs if (html := draw(run))]
    return "".join(f"<h3>{escape(name)}</h3>{html}" if len(runs) > 1 else html for name, html in parts)
