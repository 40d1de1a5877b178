"""The card of a bundle, its metadata and its file of results, from evaluations."""

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from cellseg_monai.bundling.card import RESULTS
from cellseg_monai.bundling.failures import draw_failures
from cellseg_monai.bundling.large_files import list_large_files
from cellseg_monai.bundling.render import render_bundles
from cellseg_monai.bundling.results import describe_weights, results_of
from cellseg_monai.jobs.reporting.run_folder import read_run
from cellseg_monai.outputs import write_bytes, write_text


def write_card(
    bundle: str | PathLike[str],
    evaluations: Mapping[str, str | PathLike[str]],
    training: Mapping[str, Any] | None = None,
    robustness: str | PathLike[str] | None = None,
    pictures: bool = False,
    url: str | None = None,
) -> list[Path]:
    """Write the scores of a bundle into its card and its metadata.

    This writes ``docs/results.json``, the pictures and, for weights with a ``url``, ``large_files.yml``. It
    then renders ``docs/README.md`` and ``configs/metadata.json`` from them.

    Args:
        bundle: folder of the bundle with ``models/model.pt``, beside ``_base``.
        evaluations: folder of ``cellseg evaluate --bundle`` or of the test of a study, by name of the test
            set in the card. The card shows the worst images of the first one.
        training: facts that the first evaluation does not record, or records wrongly: ``command``, ``seed``,
            ``images``, ``seconds``, ``hardware``, and ``watts`` for an estimate of the energy.
        robustness: folder of ``cellseg study robustness`` with the same weights.
        pictures: whether to draw the worst images; only for images that may be published.
        url: address of the published weights, for ``large_files.yml``.

    Returns:
        Files that were written.

    Raises:
        FileNotFoundError: If the weights, a folder or the robustness plot is missing.
        ValueError: If an evaluation is of other or unknown weights, ``bundle.yaml`` does not state the
            training data, or ``card.md`` has no line for the results.

    Example:
        >>> write_card("bundles/unknown", {"nuclei": "scores"})
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown/models/model.pt is missing; train the bundle before you write ...
    """
    folder, study = Path(bundle), None if robustness is None else Path(robustness)
    weights = describe_weights(folder)
    runs = [read_run(Path(test), name) for name, test in evaluations.items()]
    results = results_of(weights, runs, training, study)
    docs = folder / RESULTS.parent
    docs.mkdir(exist_ok=True)
    listing = list_large_files(folder, url)
    written = [folder / RESULTS, *([listing] if listing else [])]
    plot = docs / "robustness.svg"
    plot.unlink(missing_ok=True)
    if study is not None:
        write_bytes(plot, (study / plot.name).read_bytes())
        written.append(plot)
    names = draw_failures(runs[0], [row["image"] for row in results["worst"]] if pictures else [], docs)
    for row, name in zip(results["worst"], names, strict=False):
        row["picture"] = name
    write_text(folder / RESULTS, json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    return [*written, *(docs / name for name in names), *render_bundles(folder)]
