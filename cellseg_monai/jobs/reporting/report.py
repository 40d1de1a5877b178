"""Folders of runs to one HTML file: which sections there are, in which order."""

from collections.abc import Mapping, Sequence
from html import escape
from os import PathLike
from pathlib import Path

from cellseg_monai.export.report import Section, page
from cellseg_monai.jobs.reporting.comparison import comparison
from cellseg_monai.jobs.reporting.run_folder import read_runs
from cellseg_monai.jobs.reporting.score_sections import (
    by_class,
    distribution,
    glance,
    images,
    modalities,
    pictures,
)
from cellseg_monai.jobs.reporting.training_sections import learning, maps, origin, training
from cellseg_monai.outputs import claim_file, write_text
from cellseg_monai.runtime.provenance import describe_bundle


def report(
    runs: Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    *,
    bundle: str | PathLike[str] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Path:
    r"""Write one self-contained HTML file about one run, or about several runs side by side.

    The report shows what is in the folders: scores, training curves, learning curves
    (``learning_curve.csv`` with ``images``, ``score`` and optionally ``model``), attention maps
    (``attention/<image>/<gate>.tif``, from 0 to 1) and provenance.

    Args:
        runs: folders written by :func:`evaluate`, by the training or evaluation of a bundle, or by a study.
        out: HTML file to write.
        bundle: folder or zip of the bundle, for the provenance of runs that do not name theirs.
        notes: further texts by heading, at the end.

    Returns:
        The path of the file.

    Raises:
        FileNotFoundError: If a folder does not exist.
        ValueError: If a folder holds nothing to report.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "my_run"
        >>> folder.mkdir()
        >>> _ = (folder / "scores.csv").write_text("image,dice\na,0.9\nb,0.8\n")
        >>> report([folder], folder / "report.html").read_text().startswith("<!doctype html>")
        True
    """
    found = read_runs(runs)
    scored = [run for run in found if run.scores is not None]
    parts: list[Section | None] = []
    if scored:
        parts += [glance(scored), comparison(scored), distribution(scored)]
        parts += [by_class(scored), pictures(scored), modalities(scored), images(scored)]
    described = None if bundle is None else describe_bundle(bundle)
    parts += [training(found), learning(found), maps(found), origin(found, described)]
    parts += [
        Section(f"note-{number}", title, f"<pre>{escape(text)}</pre>")
        for number, (title, text) in enumerate((notes or {}).items(), start=1)
    ]
    if len(found) == 1:
        created = found[0].summary.get("provenance", {}).get("created", "")
        title, subtitle = (
            f"Report: {found[0].name}",
            " · ".join(filter(None, [str(found[0].folder), created])),
        )
    else:
        title, subtitle = f"Report of {len(found)} runs", ", ".join(run.name for run in found)
    with claim_file(out, "report") as path:
        write_text(path, page(title, subtitle, [part for part in parts if part is not None]))
    return path
