"""The bundles that come with the package: what each has learned from, how good it is, under which licence."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cellseg_monai.bundling.check.network import WEIGHTS
from cellseg_monai.bundling.licences import licence_of
from cellseg_monai.runtime.finding import METADATA, known_bundles

SHOWN = {"dice": "Dice", "f1@0.5": "F1"}


class Model(NamedTuple):
    """A bundle in the list.

    Attributes:
        name: by which ``cellseg predict`` finds it.
        folder: where it lies.
        version: of the bundle.
        megabytes: of the weights; None if there are none yet.
        learned_from: the data, with their licences.
        scores: of each test set ``dice`` and ``f1@0.5``, as far as known.
        licence: of the bundle and its weights, as SPDX names it.

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
    """A row for each test set of each bundle.

    Example:
        >>> scores = {"nuclei": {"dice": 0.97, "f1@0.5": 0.914}}
        >>> cells = Model("my_cells", Path("my_cells"), "0.1.0", 3.21, "21 images", scores, "MIT")
        >>> print(models_table([cells, Model("other", Path("other"), "0.1.0", None, "", {}, "MIT")]))
        name      version  weights  tested on  Dice   F1     licence  learned from
        my_cells  0.1.0    3.2 MB   nuclei     0.970  0.914  MIT      21 images
        other     0.1.0    none     –          –      –      MIT      no weights yet: train it, see ...
    """
    rows = [row for model in models for row in _rows(model)]
    lines = [("name", "version", "weights", "tested on", *SHOWN.values(), "licence", "learned from"), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _rows(model: Model) -> Iterator[tuple[str, ...]]:
    has = model.megabytes is not None
    weights = f"{model.megabytes:.1f} MB" if has else "none"
    told = model.learned_from if has else f"no weights yet: train it, see {model.folder / 'docs/README.md'}"
    head, tail = (model.name, model.version, weights), (model.licence, told)
    for test, scores in (model.scores if has and model.scores else {"–": {}}).items():
        shown = (f"{scores[name]:.3f}" if name in scores else "–" for name in SHOWN)
        yield (*head, test, *shown, *tail)
        head, tail = ("", "", ""), ("", "")


def list_models() -> list[Model]:
    """The bundles that :func:`find_bundle` knows by name.

    Example:
        >>> [model.name for model in list_models()][:2]
        ['attention_unetpp', 'patch_attention_unet']
    """
    return [describe_model(folder) for folder in known_bundles().values()]


def describe_model(bundle: Path) -> Model:
    """What a bundle tells of itself.

    Args:
        bundle: its folder.

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
        learned_from=metadata.get("data_source", "not stated"),
        scores={
            test: {name: scores[name] for name in SHOWN if name in scores}
            for test, scores in metadata.get("eval_metrics", {}).items()
        },
        licence=licence_of(bundle) or "see LICENSE",
    )
