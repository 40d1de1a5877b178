"""Every component of every configuration is made once, whether the configuration uses it or not."""

import json
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from tempfile import TemporaryDirectory

from monai.bundle import ConfigComponent, ConfigParser, ReferenceResolver

from cellseg_monai.bundling.check.configs import SINGLE_PROCESS, load_config, present
from cellseg_monai.bundling.render import ENTRY_POINTS, LAYERS
from cellseg_monai.data.checks.finding import Finding, error, note
from cellseg_monai.outputs.causes import in_one_line

Outcomes = MutableMapping[str, str]
"""For each definition that was tried the error, or an empty text. Bundles share most of their definitions."""

_DATASETS = ("dataset", "train::dataset", "validate::dataset")


def check_components(bundle: Path, outcomes: Outcomes) -> Iterator[Finding]:
    """Instantiate what a configuration defines, each entry of the registries included.

    Components that read the dataset are left out, and a note names them. So is what needs several processes;
    there only the references are followed.

    Args:
        bundle: folder of the bundle.
        outcomes: what earlier bundles found out; it is added to.

    Yields:
        An error for each component that cannot be made and each reference to nothing. What an overlay
        inherits is told of the file that it lies on alone.
    """
    told = set[tuple[str, str]]()
    for name in present(bundle):
        for finding in _config_findings(bundle, name, outcomes):
            key = (LAYERS[name][0], finding.message)
            if key not in told:
                yield finding
            told.add(key)


def _config_findings(bundle: Path, name: str, outcomes: Outcomes) -> Iterator[Finding]:
    file = str(bundle / "configs" / f"{name}.json")
    with TemporaryDirectory() as output:
        try:
            parser = load_config(bundle, name, output)
        except Exception as fault:  # noqa: BLE001  what a configuration raises is what we look for
            yield error("configuration", file, in_one_line(fault), "MONAI cannot read it; mend it and render")
            return
        for message in _dangling_references(parser):
            yield error("reference", file, message, "mend the id")
        if name in SINGLE_PROCESS:
            yield from _instantiate_all(parser, file, outcomes)


def references(parser: ConfigParser, place: str) -> set[str]:
    """Ids that must be resolved before this one, near and far.

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


def _dangling_references(parser: ConfigParser) -> Iterator[str]:
    items = parser.ref_resolver.items
    for place, item in items.items():
        if isinstance(item.get_config(), str):
            for target in ReferenceResolver.find_refs_in_config(item.get_config(), place):
                if target not in items:
                    yield f"{_id(place)} refers to @{_id(target)}, which is not there"


def _instantiate_all(parser: ConfigParser, file: str, outcomes: Outcomes) -> Iterator[Finding]:
    """Parts before wholes, so that a fault is told once, where it is; what acts at once is left out."""
    components = [
        key
        for key, item in parser.ref_resolver.items.items()
        if isinstance(item, ConfigComponent) and key.partition("::")[0] not in ENTRY_POINTS
    ]
    needs = {place: references(parser, place) for place in components}
    components = [
        key for key in components if needs[key] <= parser.ref_resolver.items.keys()
    ]  # others are told
    reads_data = _reading_data(parser, components, needs)
    failed: set[str] = set()
    for place in sorted(set(components) - reads_data, key=lambda place: (len(needs[place]), place)):
        definition = _definition(parser, place, needs[place])
        if definition not in outcomes and not needs[place] & failed:
            outcomes[definition] = _instantiate(parser, place)
        if outcomes.get(definition):
            failed.add(place)
            remedy = f"mend {_id(place)}, or what it refers to, and render"
            yield error("component", file, f"{_id(place)}: {outcomes[definition]}", remedy)
    if reads_data:
        left_out = ", ".join(map(_id, sorted(reads_data)))
        yield note("component", file, f"not made, as they read data: {left_out}", "run it on data")


def _instantiate(parser: ConfigParser, place: str) -> str:
    try:
        parser.get_parsed_content(place, lazy=False)  # afresh, so that no network is kept in memory
    except Exception as fault:  # noqa: BLE001  whatever a component raises is what we look for
        return in_one_line(fault)
    return ""


def _reading_data(parser: ConfigParser, components: list[str], needs: dict[str, set[str]]) -> set[str]:
    """Datasets, what makes their lists of files, and all that refers to either."""
    datasets = {place for place in _DATASETS if f"{place}::data" in parser}
    lists = set[str]().union(*(references(parser, f"{place}::data") for place in datasets)) & set(components)
    sources = datasets | lists
    return {place for place in components if place in sources or needs[place] & sources}


def _definition(parser: ConfigParser, place: str, needed: set[str]) -> str:
    """A component and all that it refers to, as text: what is equal has an equal outcome."""
    items = parser.ref_resolver.items
    parts = {key: items[key].get_config() for key in sorted(needed)}
    return json.dumps([items[place].get_config(), parts], sort_keys=True, default=str)


def _id(place: str) -> str:
    return place.replace("::", "#")
