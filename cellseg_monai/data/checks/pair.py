"""Checks of one image together with its mask."""

import hashlib
from dataclasses import replace

import numpy as np

from cellseg_monai.data.checks.finding import Finding, error
from cellseg_monai.data.checks.images import check_image
from cellseg_monai.data.checks.masks import check_mask
from cellseg_monai.data.checks.report import ImageFacts
from cellseg_monai.data.datalist import Item
from cellseg_monai.data.readers import read_label_map, read_picture
from cellseg_monai.label_maps import LabelMap, connected_components


def check_pair(section: str, item: Item) -> tuple[ImageFacts | None, list[Finding]]:
    """Read one image and its mask; a file that cannot be read is a finding like any other.

    Returns:
        Figures of the image unless it could not be read, and the findings.
    """
    first, *others = item["image"] if isinstance(item["image"], list) else [item["image"]]
    facts, findings = _check_image_file(section, item, first)
    for file in others:  # further channels of the same image
        findings.extend(_check_channel_file(section, item, file, facts))
    if "label" not in item:
        return facts, findings
    try:
        labels = read_label_map(item["label"])
    except ValueError as problem:
        return facts, [*findings, _unreadable(item["label"], problem)]
    findings.extend(check_mask(item["label"], labels))
    if facts is None:
        return None, findings
    if labels.shape != (facts.height, facts.width):
        findings.append(_size_mismatch(facts, labels))
    ids = tuple(int(value) for value in np.unique(labels[labels > 0]))
    facts = replace(
        facts, ids=ids, areas=_areas(labels, binary=len(ids) < 2), foreground=float((labels > 0).mean())
    )
    return facts, findings


def _check_channel_file(section: str, item: Item, file: str, first: ImageFacts | None) -> list[Finding]:
    facts, findings = _check_image_file(section, item, file)
    if facts and first and (facts.width, facts.height) != (first.width, first.height):
        findings.append(
            error(
                "size mismatch",
                file,
                f"it is {facts.width}×{facts.height} pixels (width × height), "
                f"{first.image}, a channel of the same image, is {first.width}×{first.height}",
                "export both at the same size",
            )
        )
    return findings


def _check_image_file(section: str, item: Item, file: str) -> tuple[ImageFacts | None, list[Finding]]:
    try:
        picture = read_picture(file)
    except ValueError as problem:
        return None, [_unreadable(file, problem)]
    pixels = np.ascontiguousarray(picture.rows_columns())
    width, height = picture.size
    facts = ImageFacts(
        section=section,
        name=item["name"],
        image=file,
        label=item.get("label"),
        width=width,
        height=height,
        channels=len(picture.channel_first()),
        dtype=str(pixels.dtype),
        pixel_size=picture.pixel_size,
        digest=hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest(),
    )
    return facts, list(check_image(file, pixels))


def _areas(labels: LabelMap, binary: bool) -> tuple[int, ...]:
    """Areas of the objects; those of a binary mask are its pieces."""
    areas = np.bincount((connected_components(labels) if binary else labels).ravel())[1:]
    return tuple(int(area) for area in areas[areas > 0])


def _unreadable(file: str, problem: ValueError) -> Finding:
    message = str(problem).removeprefix(f"{file}: ")
    return error("unreadable", file, message, "export it again from its original")


def _size_mismatch(facts: ImageFacts, labels: LabelMap) -> Finding:
    rows, columns = labels.shape
    return error(
        "size mismatch",
        facts.image,
        f"the image is {facts.width}×{facts.height} pixels (width × height), "
        f"its mask {facts.label} is {columns}×{rows}",
        "export both at the same size",
    )
