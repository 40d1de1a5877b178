"""The card of a bundle, its metadata and the file of its results, from one evaluation."""

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from cellseg_monai.bundling.card import RESULTS
from cellseg_monai.bundling.failures import draw_failures
from cellseg_monai.bundling.large_files import list_large_files
from cellseg_monai.bundling.render import render_bundles
from cellseg_monai.bundling.results import results_of
from cellseg_monai.jobs.reporting.runs import read_run
from cellseg_monai.outputs import write_bytes, write_text


def write_card(
    bundle: str | PathLike[str],
    evaluations: Mapping[str, str | PathLike[str]],
    training: Mapping[str, Any] | None = None,
    robustness: str | PathLike[str] | None = None,
    pictures: bool = False,
    url: str | None = None,
) -> list[Path]:
    """Tell in a bundle what its weights are worth: one source of numbers for the card and the metadata.

    Written are ``docs/results.json``, the pictures and, for weights that have a ``url``, ``large_files.yml``;
    rendered from them are ``docs/README.md`` and ``configs/metadata.json``.

    Args:
        bundle: its folder, beside ``_base``, with ``models/model.pt``.
        evaluations: folders of ``cellseg evaluate --bundle`` or of the test of a study, by the name that the
            test set has in the card; the worst images are those of the first.
        training: what the record of the first does not tell, or tells wrongly: ``command``, ``seed``,
            ``images``, ``seconds``, ``hardware``, and ``watts``, from which the energy is estimated.
        robustness: folder of ``cellseg study robustness`` with the same weights.
        pictures: draw the worst images. Only for images that may be passed on.
        url: of the weights, once they are published, for ``large_files.yml``.

    Returns:
        The files that were written.

    Raises:
        FileNotFoundError: the weights, a folder or the plot of the robustness is not there.
        ValueError: an evaluation is of other weights or does not tell of which; ``bundle.yaml`` does not tell
            what they have learned from; or ``card.md`` has no place for the results.

    Example:
        >>> write_card("bundles/unknown", {"nuclei": "scores"})
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown/models/model.pt is missing; train the bundle before its card ...
    """
    folder = Path(bundle)
    tests = {name: Path(test) for name, test in evaluations.items()}
    study = None if robustness is None else Path(robustness)
    results = results_of(folder, tests, training, study)
    docs = folder / RESULTS.parent
    docs.mkdir(exist_ok=True)
    listing = list_large_files(folder, url)
    written = [folder / RESULTS, *([listing] if listing else [])]
    plot = docs / "robustness.svg"
    plot.unlink(missing_ok=True)
    if study is not None:
        write_bytes(plot, (study / plot.name).read_bytes())
        written.append(plot)
    run = read_run(next(iter(tests.values())), next(iter(tests)))
    names = draw_failures(run, [row["image"] for row in results["worst"]] if pictures else [], docs)
    for row, name in zip(results["worst"], names, strict=False):
        row["picture"] = name
    write_text(folder / RESULTS, json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    return [*written, *(docs / name for name in names), *render_bundles(folder)]
