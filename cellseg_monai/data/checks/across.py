"""Checks of the images of a dataset against each other."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from cellseg_monai.data.checks.finding import Finding, error, note, warning
from cellseg_monai.data.checks.report import ImageFacts
from cellseg_monai.data.datalist import Item

_MOST_CLASSES = 32


def check_duplicates(facts: Sequence[ImageFacts]) -> Iterator[Finding]:
    """Images of equal content: a waste within a section, a leak between sections."""
    same = defaultdict(list)
    for fact in facts:
        same[fact.digest].append(fact)
    for copies in same.values():
        first = copies[0]
        for copy in copies[1:]:
            if copy.section == first.section:
                yield warning(
                    "duplicate",
                    copy.image,
                    f"its pixels equal those of {first.image}",
                    "remove one, or a split may put one on each side",
                )
            else:
                yield error(
                    "leakage",
                    copy.image,
                    f"its pixels equal those of {first.image}: {copy.section} overlaps {first.section}",
                    "remove one; scores on it would flatter",
                )


def check_groups(items: Sequence[tuple[str, Item]]) -> Iterator[Finding]:
    """Groups (patients, slides, wells) that occur in more than one section."""
    sections = defaultdict(set)
    for section, item in items:
        if "group" in item:
            sections[str(item["group"])].add(section)
    for group, places in sections.items():
        if len(places) > 1:
            yield error(
                "leakage",
                f"group {group}",
                f"it occurs in {' and '.join(sorted(places))}",
                "keep all images of a group (patient, slide, well) on one side",
            )


def check_classes(facts: Sequence[ImageFacts]) -> Iterator[Finding]:
    """Masks that share a few values with gaps between them hold classes, not objects."""
    labelled = [fact for fact in facts if fact.ids]
    values = sorted({value for fact in labelled for value in fact.ids})
    if len(labelled) > 1 and 1 < len(values) <= _MOST_CLASSES and values[-1] > len(values):
        yield note(
            "class map",
            f"{len(labelled)} masks",
            f"they share the values {', '.join(map(str, values))}, which look like classes, not objects",
            "train on them with the class target and a mapping of these values",
        )


def check_uniformity(facts: Sequence[ImageFacts]) -> Iterator[Finding]:
    """Mixtures that are allowed but should be intended."""
    for attribute, what, remedy in (
        ("channels", "channels", "bring them to one number of channels when loading"),
        ("dtype", "pixel types", "rescale by percentiles, not by the range of the type"),
        ("pixel_size", "pixel sizes in µm", "resample if cells should look equally large"),
    ):
        files = defaultdict(list)
        for fact in facts:
            files[getattr(fact, attribute)].append(fact.name)
        if len(files) > 1:
            kinds = ", ".join(f"{kind} ({len(names)})" for kind, names in files.items())
            yield note(
                f"mixed {attribute.replace('_', ' ')}",
                f"{len(facts)} images",
                f"different {what}: {kinds}",
                remedy,
            )
