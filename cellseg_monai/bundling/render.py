"""Base and overrides to the complete configurations of a bundle.

MONAI Label loads one ``train.json`` and one ``inference.json``, so a bundle cannot refer to shared files.
The files are therefore rendered: ``bundles/_base/*.yaml`` holds what all bundles share, ``bundle.yaml`` what
one of them changes, and the complete results are committed beside it. :data:`LAYERS` lists them.

``docs/README.md`` is rendered from ``card.md``: ``_base/commands.md`` replaces ``<!-- commands -->``, and
``_base/results.md``, filled in from ``docs/results.json``, replaces ``<!-- results -->``. The same results
become ``eval_metrics`` in ``metadata.json``.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellseg_monai.bundling.card import NO_WEIGHTS, Results, card_parts, eval_metrics, read_results
from cellseg_monai.bundling.expanding import expanded
from cellseg_monai.bundling.sources import SOURCE, find_bundles, load_source
from cellseg_monai.outputs import write_text
from cellseg_monai.outputs.json_text import json_text
from cellseg_monai.runtime.finding import BASE, known_bundles
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
    "fixed_teacher": ("train", "fixed_teacher"),
    "as_published": ("train", "as_published"),
    "multi_class": ("train", "multi_class"),
    "as_published_multi_class": ("train", "multi_class", "as_published_multi_class"),
}
"""For each configuration the files that MONAI needs to run it, each on top of those before it."""

BEGINS_WITH = {"semi_supervised": "unlabelled", "fixed_teacher": "unlabelled"}
"""File of the base whose content an overlay begins with."""

OPTIONAL = ("as_published", "multi_class", "as_published_multi_class")
"""Overlays of bundles with a section of that name, for training and inference alike."""

CHOICES = "choices"
"""Overlay of parts to choose on the command line; the only one with new ids only."""

ENTRY_POINTS = ("imports", "initialize", "run", "finalize")
"""Ids that MONAI calls by itself."""

_SECTIONS = ("metadata", "shared", *LAYERS)
_LOGGING = "logging.conf"
_CARD, _README = "card.md", "docs/README.md"
_COMMANDS_HERE, _RESULTS_HERE = "<!-- commands -->", "<!-- results -->"
_NOT_STATED = "not stated"

Config = dict[str, Any]


def render_bundle(bundle: Path) -> dict[str, str]:
    """Render the text of every file in ``configs/`` and of the README, without writing them.

    Args:
        bundle: folder with ``bundle.yaml``, beside ``_base``. The file has a section for each configuration,
            and ``shared`` for train and inference together, with ``id: value`` overrides as on MONAI's
            command line: ``train#trainer#max_epochs: 5``, ``train#handlers#0#interval: 2``, and
            ``+networks: {…}`` to add.

    Returns:
        Content of each file, by its path in the bundle.

    Raises:
        FileNotFoundError: If ``bundle.yaml`` or a file of the base is missing.
        ValueError: If the base does not have a section or an id, the card has no line for commands or
            results, or there are results, but the metadata does not state the training data.

    Example:
        >>> render_bundle(Path("bundles/unknown"))
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown/bundle.yaml is missing
    """
    sources = _read_sources(bundle)
    shared, results = sources.changed(sources.read("shared"), "shared"), read_results(bundle)
    configs = {"metadata": sources.changed(sources.read("metadata"), "metadata")}
    if results is not None:
        if configs["metadata"].get("data_source", _NOT_STATED) == _NOT_STATED:
            raise ValueError(
                f"{sources.where('metadata')}: data_source is missing; a bundle with results must state its "
                "training data and their licence"
            )
        configs["metadata"]["eval_metrics"] = eval_metrics(results)
    for name in ("train", "inference"):
        content = _joined(shared, sources.read(name), sources.base / f"{name}.yaml")
        configs[name] = sources.changed(content, name)
    for name in LAYERS:
        if name not in configs and (name not in OPTIONAL or name in sources.sections):
            configs[name] = sources.overlay(name, configs)
    texts = {f"configs/{name}.json": _text(content, sources.file) for name, content in configs.items()}
    texts[f"configs/{_LOGGING}"] = _read(sources.base / _LOGGING)
    return texts | _readme(bundle, sources.base, results, configs)


def render_bundles(folder: str | Path) -> list[Path]:
    """Render the bundles of a folder into their ``configs/`` and READMEs.

    If one bundle cannot be rendered, nothing is written. Files that are up to date are not touched.

    Args:
        folder: folder of bundles beside ``_base``, or one bundle.

    Returns:
        Files that were written or removed.

    Example:
        >>> render_bundles("nowhere")
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere: neither the folder nor a folder in it has a bundle.yaml
    """
    stale: dict[Path, str | None] = {}
    for bundle in find_bundles(folder):
        stale |= _stale(bundle)
    for file, text in stale.items():
        if text is None:
            file.unlink()
        else:
            write_text(file, text)
    return list(stale)


def stale_configs(bundle: Path) -> list[Path]:
    """Files that differ from what the base, ``bundle.yaml`` and ``card.md`` render to.

    Args:
        bundle: folder with ``bundle.yaml``, beside ``_base``.

    Returns:
        Files that differ or are missing, and optional overlays without a section.

    Example:
        >>> stale_configs(Path("bundles/unknown"))
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown/bundle.yaml is missing
    """
    return list(_stale(bundle))


@dataclass(frozen=True)
class _Sources:
    """Base and overrides of a bundle, with the choices written out."""

    base: Path
    file: Path
    sections: Mapping[str, Config]
    choices: Config

    def where(self, section: str) -> str:
        return f"{self.file}, section {section}"

    def read(self, name: str) -> Config:
        file = self.base / f"{name}.yaml"
        content: Config = expanded(load_source(file), self.choices, str(file))
        return content

    def changed(self, config: Config, name: str) -> Config:
        """Apply the section of a name to a configuration."""
        section = self.sections.get(name, {})
        return override(config, section, self.where(name), _new_ids(section))

    def overlay(self, name: str, configs: Mapping[str, Config]) -> Config:
        """Render an overlay; every id must exist in the configurations below it."""
        section = self.sections.get(name, {})
        first, *between, _ = LAYERS[name]
        lower = configs["inference"] | configs[first] if name in OPTIONAL else configs[first]
        for layer in between:
            lower = override(lower, configs.get(layer, {}), layer, _new_ids(configs.get(layer, {})))
        content = self.read(BEGINS_WITH[name]) if name in BEGINS_WITH else {}
        content |= {} if name in OPTIONAL else self.read(name)
        new_ids = content if name == CHOICES else _new_ids(content)
        self.changed(override(lower, content, str(self.base / f"{name}.yaml"), new_ids), name)
        for entry in (path.partition("#")[0] for path in section if name in OPTIONAL and "#" in path):
            if entry not in configs["inference"]:  # MONAI would stop there
                message = f"inference.json has no {entry!r} to change; override it as a whole"
                raise ValueError(f"{self.where(name)}: {message}")
        # MONAI applies an overlay in order, so the section comes last.
        return {path: value for path, value in content.items() if path not in section} | section


def base_of(bundle: Path) -> Path:
    """Folder with what a bundle shares with others: ``_base`` beside it, or that of the package.

    Example:
        >>> base_of(Path("a_bundle_of_mine")).name
        '_base'
    """
    beside = bundle.resolve().parent / BASE
    return beside if beside.is_dir() else next(iter(known_bundles().values())).parent / BASE


def _read_sources(bundle: Path) -> _Sources:
    base, file = base_of(bundle), bundle / SOURCE
    sections = load_source(file)
    for name, content in sections.items():
        if name not in _SECTIONS:
            raise ValueError(f"{file}: unknown section {name!r}; it must be one of {', '.join(_SECTIONS)}")
        if not isinstance(content, dict):
            raise ValueError(f"{file}, section {name}: it must hold ids and values, not {content!r}")
    choices = load_source(base / f"{CHOICES}.yaml")
    parts = {name: expanded(part, choices, f"{file}, section {name}") for name, part in sections.items()}
    return _Sources(base, file, parts, choices)


def _stale(bundle: Path) -> dict[Path, str | None]:
    """Right content of each stale file; None if the file should not exist."""
    rendered: dict[str, str | None] = {f"configs/{name}.json": None for name in sorted(OPTIONAL)}
    rendered |= render_bundle(bundle)
    right = {bundle / name: text for name, text in rendered.items()}
    return {
        file: text
        for file, text in right.items()
        if (file.read_bytes() if file.is_file() else None) != (None if text is None else text.encode())
    }


def _readme(
    bundle: Path, base: Path, results: Results | None, configs: Mapping[str, Config]
) -> dict[str, str]:
    if not (bundle / _CARD).is_file():
        return {}
    card, text = _read(bundle / _CARD), NO_WEIGHTS
    for line in [_COMMANDS_HERE] + ([] if results is None else [_RESULTS_HERE]):
        if line not in card:
            raise ValueError(f"{bundle / _CARD}: there is no line {line}; add it where they belong")
    if results is not None:
        parts = card_parts(results, bundle.resolve().name, configs["metadata"], configs["inference"])
        text = _read(base / "results.md").format_map(parts).rstrip()
    card = card.replace(_RESULTS_HERE, text)
    return {_README: card.replace(_COMMANDS_HERE, _read(base / "commands.md").rstrip())}


def _joined(shared: Config, own: Config, file: Path) -> Config:
    twice = sorted(set(shared) & set(own))
    if twice:
        raise ValueError(f"{file}: {twice[0]!r} is also in shared.yaml; remove it from one of the two")
    parts = {path: value for path, value in own.items() if "#" in path}  # of entries of shared.yaml
    whole = {path: value for path, value in own.items() if path not in parts}
    return override(shared | whole, parts, str(file))


def _new_ids(overlay: Config) -> set[str]:
    """Ids that an overlay may add: what MONAI calls by itself, and what the overlay refers to.

    A new id that nothing refers to has no effect, so it is a typo.
    """
    references = re.findall(r"[@%](\w+(?:#\w+)*)", json.dumps(overlay, default=str))
    return {*ENTRY_POINTS, *references, *(reference.partition("#")[0] for reference in references)}


def _read(file: Path) -> str:
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing")
    return file.read_text(encoding="utf-8")


def _text(config: Config, source: Path) -> str:
    try:
        return json_text(config)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{source}: {error}; write dates and NaN as text in quotes") from error
