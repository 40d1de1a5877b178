"""Which images and masks a dataset consists of, with problems of pairing as findings instead of errors."""

from pathlib import Path

from cellseg_monai.data.checks.finding import Finding, error
from cellseg_monai.data.datalist import LISTINGS, Item, listed_entries, locate
from cellseg_monai.data.pairing import IMAGE_FOLDERS, pair_folder

Collected = tuple[list[Item], list[Finding]]


def collect(root: Path, recursive: bool) -> tuple[list[tuple[str, Item]], list[Finding]]:
    """The items of every section of a dataset, each with the name of its section.

    Sections are those of a datalist, or the sub-folders that are datasets themselves (``train/``, ``test/``).
    """
    items: list[tuple[str, Item]] = []
    findings: list[Finding] = []
    for name, (found, complaints) in _sections(root, recursive).items():
        items.extend((name, item) for item in found)
        findings.extend(complaints)
    if not items and not findings:
        findings.append(
            error(
                "no images",
                str(root),
                "it holds no image that can be read",
                "expected images/ beside masks/, or x.tif beside x_mask.tif",
            )
        )
    return items, findings


def _sections(root: Path, recursive: bool) -> dict[str, Collected]:
    listing = root / "dataset.json" if root.is_dir() else root
    if listing.is_file():
        return _collect_listing(listing)
    if any((root / name).is_dir() for name in IMAGE_FOLDERS):
        return {"": _collect_folder(root, recursive)}
    parts = [part for part in sorted(root.iterdir()) if any((part / name).is_dir() for name in IMAGE_FOLDERS)]
    if not parts:
        return {"": _collect_folder(root, recursive)}
    return {part.name: _collect_folder(part, recursive) for part in parts}


def _collect_listing(listing: Path) -> dict[str, Collected]:
    if listing.suffix not in LISTINGS:
        raise ValueError(f"{listing}: a dataset is a folder, a .json file or a .csv table")
    collected: dict[str, Collected] = {}
    for section, entries in listed_entries(listing).items():
        items, findings = collected.setdefault(section, ([], []))
        for place, entry in entries:
            try:
                items.append(locate(entry, listing, place))
            except (ValueError, FileNotFoundError) as problem:
                file, _, message = str(problem).partition(": ")
                findings.append(error("datalist", file, message, f"mend {listing.name}"))
    return collected


def _collect_folder(folder: Path, recursive: bool) -> Collected:
    pairing = pair_folder(folder, recursive)
    findings = [
        error(
            "double pair",
            str(files[0]),
            f"{len(files)} files claim the name {name}: {', '.join(file.name for file in files)}",
            "keep one of them",
        )
        for name, files in pairing.doubles.items()
    ]
    findings += [
        error(
            "missing image",
            str(mask),
            "there is no image of this name",
            "add the image or remove the mask",
        )
        for mask in pairing.masks_without_image
    ]
    items: list[Item] = []
    for name, image, mask in pairing.pairs:
        items.append({"name": name, "image": str(image)} | ({"label": str(mask)} if mask else {}))
        if mask is None and pairing.has_masks:
            findings.append(
                error(
                    "missing mask",
                    str(image),
                    "there is no mask of this name",
                    "add it, or keep unlabelled images in a folder of their own",
                )
            )
    return items, findings
