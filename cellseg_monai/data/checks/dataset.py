"""The check of a whole dataset: its list, every image with its mask, then all images together."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path

from cellseg_monai.data.checks.annotations import check_annotations
from cellseg_monai.data.checks.finding import Finding, Severity, error, found
from cellseg_monai.data.checks.pair import check_pair
from cellseg_monai.data.checks.report import CheckReport, ImageFacts
from cellseg_monai.data.checks.unused import check_unused
from cellseg_monai.data.datalist import Item, items_of, listed_entries, located
from cellseg_monai.data.pairing import IMAGE_FOLDERS, pair_folder
from cellseg_monai.data.readers.reading import Reading

_MOST_CLASSES = 32


def check_dataset(
    source: str | PathLike[str], recursive: bool = False, reading: Reading | None = None
) -> CheckReport:
    """Read a whole dataset and report problems before training.

    Args:
        source: dataset as :func:`~cellseg_monai.data.list_items` takes it, or a folder of such datasets
            (``train/``, ``test/``), which are also compared with each other.
        recursive: whether to search sub-folders of ``images/`` and ``masks/``.
        reading: what to read of the images; by default all.

    Returns:
        Findings and statistics. A file that cannot be read does not hide other problems.

    Raises:
        FileNotFoundError: the source does not exist.

    Example:
        >>> from cellseg_monai.data import write_synthetic_dataset
        >>> import tempfile
        >>> folder = write_synthetic_dataset("nuclei", f"{tempfile.mkdtemp()}/set", count=2, size=(64, 96))
        >>> report = check_dataset(folder)
        >>> report.failed, len(report.images)
        (False, 2)
    """
    root = Path(source)
    if not root.exists():
        raise FileNotFoundError(f"{root}: there is no such folder or file")
    listing = root / "dataset.json" if root.is_dir() else root
    items, findings = _listed(listing) if listing.is_file() else _in_folders(root, recursive)
    if root.is_dir():
        findings += _unused(root, items, findings, listed=listing.is_file())
    if not items and not any(finding.severity is Severity.ERROR for finding in findings):
        findings.append(found("no images", str(root), "it has no readable image"))
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda entry: check_pair(entry[0], entry[1], reading or Reading()), items))
    facts = [fact for fact, _ in results if fact is not None]
    findings.extend(finding for _, of_pair in results for finding in of_pair)
    findings.extend(_check_duplicates(facts))
    findings.extend(_check_groups(items))
    if of_classes := list(_check_classes(facts)):  # whose regions may well be in pieces
        findings = [finding for finding in findings if finding.check != "objects in pieces"] + of_classes
    findings.extend(_check_uniformity(facts))
    return CheckReport(str(root), facts, findings)


def _listed(listing: Path) -> tuple[list[tuple[str, Item]], list[Finding]]:
    """Section and item of each entry of a list; faulty entries are findings."""
    items: list[tuple[str, Item]] = []
    findings: list[Finding] = []
    for section, entries in listed_entries(listing).items():
        for place, entry in entries:
            try:
                items.append((section, located(entry, listing, place)))
            except (ValueError, FileNotFoundError) as problem:
                file, _, message = str(problem).partition(": ")
                findings.append(found("datalist", file, message))
    return items, findings


def _in_folders(root: Path, recursive: bool) -> tuple[list[tuple[str, Item]], list[Finding]]:
    """Section and item of each pair; sections are the sub-folders that are datasets themselves."""
    parts = {"": root}
    if not _has_images(root):
        parts = {part.name: part for part in sorted(root.iterdir()) if _has_images(part)} or parts
    pairings = {name: pair_folder(part, recursive) for name, part in parts.items()}
    items = [(name, item) for name, pairing in pairings.items() for item in items_of(pairing)]
    mismatches = [mismatch for pairing in pairings.values() for mismatch in pairing.mismatches()]
    findings = [error(kind, str(file), message, remedy) for kind, file, message, remedy in mismatches]
    for name, part in parts.items():
        findings += check_annotations(part, pairings[name])
    if root not in parts.values():
        findings += check_annotations(root, next(iter(pairings.values())))
    return items, findings


def _unused(
    root: Path, items: Sequence[tuple[str, Item]], findings: Sequence[Finding], listed: bool
) -> list[Finding]:
    """Find unused files of each part and of the whole; folders with other findings are not repeated."""
    parts = (
        [] if listed else [root / section for section in dict.fromkeys(name for name, _ in items) if section]
    )
    unused = [
        finding
        for part in parts
        for finding in check_unused(part, [item for section, item in items if root / section == part])
    ]
    unused += check_unused(root, [item for _, item in items], parts)
    reported = {Path(finding.file).parent for finding in findings}
    return [finding for finding in unused if Path(finding.file) not in reported]


def _has_images(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in IMAGE_FOLDERS)


def _check_duplicates(facts: Sequence[ImageFacts]) -> Iterator[Finding]:
    """Find images with equal pixels; copies in different sections are leakage."""
    first: dict[str, ImageFacts] = {}
    for copy in facts:
        original = first.setdefault(copy.digest, copy)
        message = f"its pixels equal those of {original.image}"
        if copy.section != original.section:
            message += f", so {copy.section} overlaps {original.section}"
            yield found("leakage", copy.image, message)
        elif copy is not original:
            yield found("duplicate", copy.image, message)


def _check_groups(items: Sequence[tuple[str, Item]]) -> Iterator[Finding]:
    """Find groups (patients, slides, wells) that are in more than one section."""
    sections = defaultdict(set)
    for section, item in items:
        if "group" in item:
            sections[str(item["group"])].add(section)
    for group, places in sections.items():
        if len(places) > 1:
            yield found("leakage", f"group {group}", f"it is in {' and '.join(sorted(places))}")


def _check_classes(facts: Sequence[ImageFacts]) -> Iterator[Finding]:
    """Find masks of classes instead of objects: they share a few values with gaps between them."""
    labelled = [fact for fact in facts if fact.ids]
    values = sorted({value for fact in labelled for value in fact.ids})
    if len(labelled) > 1 and 1 < len(values) <= _MOST_CLASSES and values[-1] > len(values):
        listed = ", ".join(map(str, values))
        message = f"they share the values {listed}, which look like classes, not objects"
        yield found("class map", f"{len(labelled)} masks", message)


def _check_uniformity(facts: Sequence[ImageFacts]) -> Iterator[Finding]:
    """Find images that differ in number of channels, data type or pixel size."""
    for attribute, what in {
        "channels": "numbers of channels",
        "dtype": "data types",
        "pixel_size": "pixel sizes in µm",
    }.items():
        counts = Counter(getattr(fact, attribute) for fact in facts)
        if len(counts) > 1:
            kinds = ", ".join(f"{kind} ({count})" for kind, count in counts.items())
            check = f"mixed {attribute.replace('_', ' ')}"
            yield found(check, f"{len(facts)} images", f"different {what}: {kinds}")
