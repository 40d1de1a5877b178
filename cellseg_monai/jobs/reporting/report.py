"""Folders of runs to one HTML file: which parts there are, and what each says."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from cellseg_monai.export.report import Section, page
from cellseg_monai.jobs.reporting.comparison import comparison
from cellseg_monai.jobs.reporting.runs import Run, read_runs
from cellseg_monai.jobs.reporting.score_sections import distribution, glance, images, modalities, pictures
from cellseg_monai.jobs.reporting.sections import curves, maps, origin
from cellseg_monai.outputs import claim_file, write_text
from cellseg_monai.runtime.provenance import describe_bundle


def report(
    runs: Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    *,
    bundle: str | PathLike[str] | None = None,
) -> Path:
    r"""Write one self-contained HTML file about one run or several.

    Args:
        runs: folders written by :func:`evaluate`, by the training or the evaluation of a bundle, or by a
            study. What is in them is shown: scores, curves, learning curves (``learning_curve.csv`` with
            ``images``, ``score`` and perhaps ``model``), attention maps (``attention/<image>/<gate>.tif``,
            from 0 to 1), provenance. Several runs are compared.
        out: the file.
        bundle: folder or zip of the bundle that was run, for the record, where the runs do not name it.

    Returns:
        The path of the file.

    Raises:
        FileNotFoundError: a folder does not exist.
        ValueError: a folder holds nothing to report.

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
        parts += [
            glance(scored),
            comparison(scored),
            distribution(scored),
            pictures(scored),
            modalities(scored),
        ]
        parts.append(images(scored))
    parts += curves(found)
    parts += [maps(found), origin(found, None if bundle is None else describe_bundle(bundle))]
    title = f"Report: {found[0].name}" if len(found) == 1 else f"Report of {len(found)} runs"
    with claim_file(out, "report") as path:
        write_text(path, page(title, _subtitle(found), [part for part in parts if part is not None]))
    return path


def _subtitle(runs: Sequence[Run]) -> str:
    if len(runs) > 1:
        return ", ".join(run.name for run in runs)
    created = runs[0].summary.get("provenance", {}).get("created", "")
    return f"{runs[0].folder}" + (f" · {created}" if created else "")
