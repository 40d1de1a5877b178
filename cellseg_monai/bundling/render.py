"""Base and overrides to the complete configurations of a bundle.

MONAI Label loads one ``train.json`` and one ``inference.json``, so a bundle cannot lean on shared files.
They are therefore rendered: ``bundles/_base/*.yaml`` holds what all bundles share, ``bundle.yaml`` what one
of them changes, and the results are committed, complete, next to it.

| in `configs/` | made of |
|---|---|
| `metadata.json` | `metadata.yaml` |
| `train.json` | `shared.yaml` and `train.yaml` |
| `inference.json` | `shared.yaml` and `inference.yaml`, which may change parts of it by id |
| `inference_large.json` | `inference_large.yaml`, laid over `inference.json`, for images larger than memory |
| `evaluate.json` | `evaluate.yaml`, laid over `train.json` |
| `multi_gpu_train.json` | `multi_gpu_train.yaml`, laid over `train.json` |
| `multi_gpu_evaluate.json` | `multi_gpu_evaluate.yaml`, laid over `train.json` and `evaluate.json` |
| `semi_supervised.json` | `semi_supervised.yaml`, laid over `train.json`, for images without labels |
| `as_published.json` | the section `as_published`, if there is one, over `train.json` or `inference.json` |
| `multi_class.json` | likewise, for masks that hold classes instead of cells |
| `as_published_multi_class.json` | likewise, laid over `multi_class.json` |
| `logging.conf` | the file itself |

And `docs/README.md` of `card.md`, what is to be said of one bundle alone, with `_base/commands.md` in the
place of its line `<!-- commands -->`, and in that of `<!-- results -->` what `docs/results.json` tells of the
weights, in the words of `_base/results.md`; the metadata get `eval_metrics` of it.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellseg_monai.bundling.card import NO_WEIGHTS, RESULTS, Results, card_parts, eval_metrics
from cellseg_monai.bundling.expanding import expanded
from cellseg_monai.bundling.sources import SOURCE, find_bundles, load_source
from cellseg_monai.outputs import write_text
from cellseg_monai.outputs.json_text import json_text
from cellseg_monai.runtime.finding import BASE
from cellseg_monai.runtime.overrides import override

LAYERS = {
    "train": ("train",),
    "inference": ("inference",),
    "choices": ("train", "choices"),
    "inference_large": ("inference", "inference_large"),
    "evaluate": ("train", "evaluate"),
    "multi_gpu_train": ("train", "multi_gpu_train"),
    "multi_gpu_evaluate": ("train", "evaluate", "multi_gpu_evaluate"),
    "semi_supervised": ("train", "semi_supervised"),
    "as_published": ("train", "as_published"),
    "multi_class": ("train", "multi_class"),
    "as_published_multi_class": ("train", "multi_class", "as_published_multi_class"),
}
"""For each configuration the files that are given to MONAI to run it, the later laid over the earlier."""

OPTIONAL = ("as_published", "multi_class", "as_published_multi_class")
"""Overlays of a bundle that has a section of that name, for training and inference alike."""

_SECTIONS = ("metadata", "shared", *LAYERS)
CHOICES = "choices"
"""Overlay of parts to pick on the command line; the only one whose ids are all new."""

ENTRY_POINTS = ("imports", "initialize", "run", "finalize")
"""What MONAI calls by itself."""

_LOGGING = "logging.conf"
_CARD, _README = "card.md", "docs/README.md"
_PLACE_OF_COMMANDS, _PLACE_OF_RESULTS = "<!-- commands -->", "<!-- results -->"
_NOT_STATED = "not stated"

Config = dict[str, Any]


def render_bundle(bundle: Path) -> dict[str, str]:
    """Make the text of every file in ``configs/``, and of the README; nothing is written.

    Args:
        bundle: folder with ``bundle.yaml``, beside ``_base``. The file has a section for each configuration,
            and ``shared`` for train and inference together, with ``id: value`` overrides as on MONAI's
            command line: ``train#trainer#max_epochs: 5``, ``train#handlers#0#interval: 2``, and
            ``+networks: {…}`` to add.

    Returns:
        File name below the bundle and its content.

    Raises:
        FileNotFoundError: ``bundle.yaml`` or a file of the base is missing.
        ValueError: a section or an id is not in the base, the card has no place for the commands or for the
            results that are there, or the metadata do not tell what the weights have learned from.

    Example:
        >>> render_bundle(Path("bundles/unknown"))
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown/bundle.yaml is missing
    """
    base, source = bundle.parent / BASE, bundle / SOURCE
    sections = _load_sections(source)
    if not base.is_dir():
        raise FileNotFoundError(
            f"{base}: the folder from which bundles beside it are rendered is missing; copy the package's"
        )
    choices = load_source(base / f"{CHOICES}.yaml")
    sections = {name: expanded(part, choices, _where(source, name)) for name, part in sections.items()}

    def read(name: str) -> Config:
        file = base / f"{name}.yaml"
        content: Config = expanded(load_source(file), choices, str(file))
        return content

    def load(name: str) -> Config:
        section = sections.get(name, {})
        return override(read(name), section, _where(source, name), _new_ids(section))

    def overlay(name: str, *below: Config) -> Config:
        content = read(name)
        lower = _laid_over(*below)
        new = {*_new_ids(content), *(content if name == CHOICES else ())}
        merged = override(lower, content, str(base / f"{name}.yaml"), new)
        override(merged, sections.get(name, {}), _where(source, name))
        return _replaced(content, sections.get(name, {}))

    shared = load("shared")
    configs = {"metadata": load("metadata")}
    results = _results(bundle)
    if results is not None:
        _require_source_of_data(configs["metadata"], source)
        configs["metadata"]["eval_metrics"] = eval_metrics(results)
    for name in ("train", "inference"):
        content = _joined(shared, read(name), base / f"{name}.yaml")
        configs[name] = override(content, sections.get(name, {}), _where(source, name))
    configs[CHOICES] = overlay(CHOICES, configs["train"])
    configs["inference_large"] = overlay("inference_large", configs["inference"])
    configs["evaluate"] = overlay("evaluate", configs["train"])
    configs["multi_gpu_train"] = overlay("multi_gpu_train", configs["train"])
    configs["multi_gpu_evaluate"] = overlay("multi_gpu_evaluate", configs["train"], configs["evaluate"])
    configs["semi_supervised"] = overlay("semi_supervised", configs["train"])
    for name in (name for name in OPTIONAL if name in sections):
        below = [sections.get(layer, {}) for layer in LAYERS[name][1:-1]]
        lower = _laid_over(configs["inference"] | configs["train"], *below)
        override(lower, sections[name], _where(source, name))
        _require_use_in_inference(sections[name], configs["inference"], _where(source, name))
        configs[name] = sections[name]
    texts = {f"configs/{name}.json": _text(content, source) for name, content in configs.items()}
    return texts | {f"configs/{_LOGGING}": _read(base / _LOGGING)} | _readme(bundle, base, results, configs)


def render_bundles(folder: str | Path) -> list[Path]:
    """Render the bundles of a folder into their ``configs/`` and READMEs.

    Nothing is written unless every bundle can be rendered; files that are up to date are not touched.

    Args:
        folder: a folder of bundles beside ``_base``, or one bundle.

    Returns:
        The files that were written or removed.

    Example:
        >>> render_bundles("nowhere")
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere: neither the folder nor a folder in it has a bundle.yaml
    """
    rendered = {bundle: render_bundle(bundle) for bundle in find_bundles(folder)}
    changed = []
    for bundle, texts in rendered.items():
        for file in _stale(bundle, texts):
            changed.append(file)
            name = file.relative_to(bundle).as_posix()
            if name in texts:
                write_text(file, texts[name])
            else:
                file.unlink()
    return changed


def stale_configs(bundle: Path) -> list[Path]:
    """Files that are not what the base, ``bundle.yaml`` and ``card.md`` render to.

    Args:
        bundle: folder with ``bundle.yaml``, beside ``_base``.

    Returns:
        Files that differ or are missing, and optional overlays without their section.

    Example:
        >>> stale_configs(Path("bundles/unknown"))
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown/bundle.yaml is missing
    """
    return _stale(bundle, render_bundle(bundle))


def _stale(bundle: Path, rendered: Mapping[str, str]) -> list[Path]:
    stale = [
        bundle / name
        for name, text in rendered.items()
        if not (bundle / name).is_file() or (bundle / name).read_bytes() != text.encode()
    ]
    left_over = {f"configs/{name}.json" for name in OPTIONAL} - rendered.keys()
    return stale + [bundle / name for name in sorted(left_over) if (bundle / name).is_file()]


def _readme(
    bundle: Path, base: Path, results: Results | None, configs: Mapping[str, Config]
) -> dict[str, str]:
    if not (bundle / _CARD).is_file():
        return {}
    card = _read(bundle / _CARD)
    needed = [_PLACE_OF_COMMANDS] + ([] if results is None else [_PLACE_OF_RESULTS])
    for place in needed:
        if place not in card:
            raise ValueError(f"{bundle / _CARD}: there is no line {place}; say where they are to stand")
    told = NO_WEIGHTS
    if results is not None:
        name = bundle.resolve().name
        parts = card_parts(results, name, configs["metadata"], configs["inference"])
        told = _read(base / "results.md").format_map(parts).rstrip()
    card = card.replace(_PLACE_OF_RESULTS, told)
    return {_README: card.replace(_PLACE_OF_COMMANDS, _read(base / "commands.md").rstrip())}


def _results(bundle: Path) -> Results | None:
    if not (bundle / RESULTS).is_file():
        return None
    results: Results = json.loads((bundle / RESULTS).read_text(encoding="utf-8"))
    return results


def _require_source_of_data(metadata: Config, source: Path) -> None:
    if metadata.get("data_source", _NOT_STATED) == _NOT_STATED:
        raise ValueError(
            f"{source}, section metadata: data_source must tell what the weights have learned from, and its "
            "licence, as there is a file of their results"
        )


def _load_sections(source: Path) -> dict[str, Config]:
    sections = load_source(source)
    for name, content in sections.items():
        if name not in _SECTIONS:
            raise ValueError(f"{source}: there is no section {name!r}; choose of {', '.join(_SECTIONS)}")
        if not isinstance(content, dict):
            raise ValueError(f"{source}, section {name}: it must hold ids and values, it holds {content!r}")
    return sections


def _require_use_in_inference(section: Config, inference: Config, where: str) -> None:
    """MONAI stops at an id within an entry that is missing, and at a macro of one."""
    for path in section:
        if path.partition("#")[0] not in inference and "#" in path:
            raise ValueError(
                f"{where}: inference.json has no {path.partition('#')[0]!r} to change a part of; override it "
                "as a whole"
            )


def _joined(shared: Config, own: Config, file: Path) -> Config:
    twice = sorted(set(shared) & set(own))
    if twice:
        raise ValueError(f"{file}: {twice[0]!r} stands in shared.yaml as well; leave it in one of the two")
    parts = {path: value for path, value in own.items() if "#" in path}  # of entries of shared.yaml
    whole = {path: value for path, value in own.items() if path not in parts}
    return override(shared | whole, parts, str(file))


def _laid_over(first: Config, *overlays: Config) -> Config:
    """What MONAI makes of a complete configuration and rendered overlays."""
    for overlay in overlays:
        first = override(first, overlay, "overlay", _new_ids(overlay))
    return first


def _new_ids(overlay: Config) -> set[str]:
    """Ids that an overlay may add: what MONAI calls by itself, and what the overlay itself refers to.

    A new id that nothing refers to has no effect, so it is a typing error.
    """
    references = re.findall(r"[@%](\w+(?:#\w+)*)", json.dumps(overlay, default=str))
    return {*ENTRY_POINTS, *references, *(reference.partition("#")[0] for reference in references)}


def _replaced(overlay: Config, overrides: Mapping[str, Any]) -> Config:
    """Overlay and overrides as one overlay; MONAI applies it in order, so an override comes after."""
    return {path: value for path, value in overlay.items() if path not in overrides} | dict(overrides)


def _where(source: Path, section: str) -> str:
    return f"{source}, section {section}"


def _read(file: Path) -> str:
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing")
    return file.read_text(encoding="utf-8")


def _text(config: Config, source: Path) -> str:
    try:
        json.dumps(config, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{source}: {error}; write dates and NaN as text in quotes") from error
    return json_text(config)
