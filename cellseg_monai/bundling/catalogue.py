"""The bundles of the package: their training data, scores and licences."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

from cellseg_monai.bundling.licences import licence_of
from cellseg_monai.runtime.finding import METADATA, known_bundles
from cellseg_monai.runtime.settings import WEIGHTS

SHOWN = {"dice": "Dice", "f1@0.5": "F1"}
_WIDTH = 100


class Model(NamedTuple):
    """A bundle in the list.

    Attributes:
        name: name by which ``cellseg predict`` finds the bundle.
        folder: folder of the bundle.
        version: version of the bundle.
        megabytes: size of the weights; None if there are none.
        learned_from: training data with their licences.
        scores: ``dice`` and ``f1@0.5`` of each test set, as far as known.
        licence: SPDX identifier of the licence of the bundle and its weights.

    Example:
        >>> describe_model(known_bundles()["skip_unet"]).licence
        'Apache-2.0'
    """

    name: str
    folder: Path
    version: str
    megabytes: float | None
    learned_from: str
    scores: dict[str, dict[str, float]]
    licence: str


def models_table(models: Sequence[Model]) -> str:
    """A row for each test set of each bundle, then the training data of each bundle.

    Example:
        >>> scores = {"nuclei": {"dice": 0.97, "f1@0.5": 0.914}}
        >>> cells = Model("my_cells", Path("my_cells"), "0.1.0", 3.21, "21 images", scores, "MIT")
        >>> print(models_table([cells, Model("other", Path("other"), "0.1.0", None, "", {}, "MIT")]))
        name      version  weights  tested on  Dice   F1     licence
        my_cells  0.1.0    3.2 MB   nuclei     0.970  0.914  MIT
        other     0.1.0    none     –          –      –      MIT
        <BLANKLINE>
        my_cells was trained on 21 images
        other has no weights yet; to train it, see other/docs/README.md
    """
    rows = [row for model in models for row in _rows(model)]
    lines = [("name", "version", "weights", "tested on", *SHOWN.values(), "licence"), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([*table, "", *map(_training_data, models)])


def _rows(model: Model) -> Iterator[tuple[str, ...]]:
    weights = "none" if model.megabytes is None else f"{model.megabytes:.1f} MB"
    name, licence = (model.name, model.version, weights), model.licence
    for test, scores in ((model.megabytes is not None and model.scores) or {"–": {}}).items():
        shown = (f"{scores[metric]:.3f}" if metric in scores else "–" for metric in SHOWN)
        yield (*name, test, *shown, licence)
        name, licence = ("", "", ""), ""


def _training_data(model: Model) -> str:
    if model.megabytes is None:
        return f"{model.name} has no weights yet; to train it, see {model.folder / 'docs/README.md'}"
    return fill(f"{model.name} was trained on {model.learned_from}", _WIDTH, subsequent_indent="  ")


def list_models() -> list[Model]:
    """The bundles that :func:`find_bundle` knows by name.

    Example:
        >>> [model.name for model in list_models()][:2]
        ['attention_unetpp', 'generalist_nuclei']
    """
    return [describe_model(folder) for folder in known_bundles().values()]


def describe_model(bundle: Path) -> Model:
    """Describe a bundle from its metadata, weights and licence.

    Args:
        bundle: folder of the bundle.

    Example:
        >>> describe_model(known_bundles()["skip_unet"]).name
        'skip_unet'
    """
    metadata: dict[str, Any] = json.loads((bundle / METADATA).read_text(encoding="utf-8"))
    weights = bundle / WEIGHTS
    return Model(
        name=bundle.name,
        folder=bundle,
        version=metadata["version"],
        megabytes=weights.stat().st_size / 1e6 if weights.is_file() else None,
        learned_from=metadata.get("data_source", "data that are not stated"),
        scores={
            test: {name: scores[name] for name in SHOWN if name in scores}
            for test, scores in metadata.get("eval_metrics", {}).items()
        },
        licence=licence_of(bundle) or "see LICENSE",
    )
