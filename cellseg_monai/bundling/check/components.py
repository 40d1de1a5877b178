"""Each component of each configuration is created once, whether the configuration uses it or not."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from monai.bundle import ConfigComponent, ConfigParser, ReferenceResolver

from cellseg_monai.bundling.check.configs import SINGLE_PROCESS, load_config, plain_id, present
from cellseg_monai.bundling.render import ENTRY_POINTS, LAYERS
from cellseg_monai.data.checks.finding import Finding, error, note
from cellseg_monai.outputs.causes import in_one_line

Outcomes = MutableMapping[str, str]
"""Error of each definition that was tried, or an empty text. Bundles share most of their definitions."""

_IN_TILES = "inference_large"
_DATASETS = ("dataset", "train::dataset", "validate::dataset")


def check_components(bundle: Path, outcomes: Outcomes) -> Iterator[Finding]:
    """Instantiate the components of all configurations, including each entry of the registries.

    Components that read the dataset are not created; a note lists them. Configurations for several processes
    are not instantiated either; only their references are checked.

    Args:
        bundle: folder of the bundle.
        outcomes: outcomes of earlier bundles; the function adds those of this bundle.

    Yields:
        An error for each component that cannot be created and each broken reference. What an overlay
        inherits is reported once, for the file below it.
    """
    reported = set[tuple[str, str]]()
    for name in present(bundle):
        file = str(bundle / "configs" / f"{name}.json")
        with TemporaryDirectory() as output:
            for finding in _config_findings(bundle, name, file, output, outcomes):
                key = (LAYERS[name][0], finding.message)
                if key not in reported:
                    yield finding
                reported.add(key)


def _config_findings(
    bundle: Path, name: str, file: str, output: str, outcomes: Outcomes
) -> Iterator[Finding]:
    try:
        parser = load_config(bundle, name, output)
    except Exception as fault:  # noqa: BLE001  whatever a configuration raises is an error in it
        yield error("configuration", file, in_one_line(fault), "MONAI cannot read it; correct and render it")
        return
    items = parser.ref_resolver.items
    for place, content in ((place, item.get_config()) for place, item in items.items()):
        near = ReferenceResolver.find_refs_in_config(content, place) if isinstance(content, str) else ()
        for target in sorted(set(near) - items.keys()):
            message = f"{plain_id(place)} refers to @{plain_id(target)}, which does not exist"
            yield error("reference", file, message, "correct the id")
    if name == _IN_TILES and _finds_classes(parser):
        yield note(
            "configuration", file, "not for maps of classes, which are not stitched", "use inference.json"
        )
    elif name in SINGLE_PROCESS:
        yield from _instantiate_all(parser, file, outcomes)


def _finds_classes(parser: ConfigParser) -> bool:
    decoding = parser.get_parsed_content("decoding", lazy=False) if "decoding" in parser else None
    return getattr(decoding, "decodes", None) == "classes"


def references(parser: ConfigParser, place: str) -> set[str]:
    """Ids that a component needs, directly or indirectly.

    Example:
        >>> parser = ConfigParser({"a": 1, "b": "$@a + 1", "c": {"_target_": "Identity", "x": "@b"}})
        >>> parser.parse()
        >>> sorted(references(parser, "c"))
        ['a', 'b']
    """
    items, found, waiting = parser.ref_resolver.items, set[str](), [place]
    while waiting:
        current = waiting.pop()
        if current in items:
            near = ReferenceResolver.find_refs_in_config(items[current].get_config(), current)
            waiting += set(near) - found
            found |= set(near)
    return found - {place}


def _instantiate_all(parser: ConfigParser, file: str, outcomes: Outcomes) -> Iterator[Finding]:
    """Create parts before wholes, so that an error is reported once, where it is."""
    items = parser.ref_resolver.items
    needs = {
        place: references(parser, place)
        for place, item in items.items()
        if isinstance(item, ConfigComponent) and place.partition("::")[0] not in ENTRY_POINTS
    }
    needs = {place: needed for place, needed in needs.items() if needed <= items.keys()}  # others are broken
    reads_data = _reading_data(parser, needs)
    order = sorted(needs.keys() - reads_data, key=lambda place: (len(needs[place]), place))
    definitions = {place: _definition(parser, place, needs[place]) for place in order}
    written = {place: item.get_config() for place, item in items.items()}
    uses = Counter(chain.from_iterable(needs[place] for place in order))
    failed: set[str] = set()
    for place in order:
        definition = definitions[place]
        if definition not in outcomes and not needs[place] & failed:
            outcomes[definition] = _instantiate(parser, place)
        if outcomes.get(definition):
            failed.add(place)
            name = plain_id(place)
            remedy = f"correct {name}, or what it refers to, and render"
            yield error("component", file, f"{name}: {outcomes[definition]}", remedy)
        uses.subtract(needs[place])
        for unused in (each for each in (place, *needs[place]) if not uses[each]):
            # a registry may have twenty networks, which memory need not hold at once
            parser.ref_resolver.remove_resolved_content(unused)
            items[unused].update_config(written[unused])
    if reads_data:
        left_out = ", ".join(map(plain_id, sorted(reads_data)))
        yield note("component", file, f"not created, because they read data: {left_out}", "run it on data")


def _instantiate(parser: ConfigParser, place: str) -> str:
    try:
        parser.ref_resolver.get_resolved_content(place)
    except Exception as fault:  # noqa: BLE001  whatever a component raises is an error in it
        return in_one_line(fault)
    return ""


def _reading_data(parser: ConfigParser, needs: Mapping[str, set[str]]) -> set[str]:
    """Datasets, the components that list their files, and all that refers to either."""
    datasets = {place for place in _DATASETS if f"{place}::data" in parser}
    lists = set[str]().union(*(references(parser, f"{place}::data") for place in datasets)) & needs.keys()
    sources = datasets | lists
    return {place for place, needed in needs.items() if place in sources or needed & sources}


def _definition(parser: ConfigParser, place: str, needed: set[str]) -> str:
    """A component and all that it refers to, as text; equal definitions have equal outcomes."""
    items = parser.ref_resolver.items
    parts = {key: items[key].get_config() for key in sorted(needed)}
    return json.dumps([items[place].get_config(), parts], sort_keys=True, default=str)
