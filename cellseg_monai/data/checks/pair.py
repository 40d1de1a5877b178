"""Checks of one image, and of the image together with its mask."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.checks.finding import Finding, error, found, note
from cellseg_monai.data.checks.masks import INTERPOLATED_SHARE, check_mask, interpolated_share
from cellseg_monai.data.checks.report import ImageFacts
from cellseg_monai.data.datalist import Item, as_list
from cellseg_monai.data.readers.formats import read_label_map, read_picture
from cellseg_monai.data.readers.mask_check import unequal_neighbours
from cellseg_monai.data.readers.picture import Picture
from cellseg_monai.data.readers.reading import Reading
from cellseg_monai.label_maps import LabelMap, connected_components

_SATURATED_SHARE = 0.01
_FEWEST_LEVELS = 8
_MOST_UNEQUAL = 0.45


def check_pair(section: str, item: Item, reading: Reading) -> tuple[ImageFacts | None, list[Finding]]:
    """Read and check one image and its mask.

    Returns:
        Facts about the image, or None if it cannot be read, and the findings.
    """
    first, *others = as_list(item["image"])
    facts, findings = _check_image_file(section, item, first, reading)
    for file in others:  # further channels of the same image
        channel, of_channel = _check_image_file(section, item, file, reading)
        findings += of_channel
        if channel and facts:
            findings += _compare_sizes(channel, first, (facts.width, facts.height))
            facts = replace(facts, channels=facts.channels + channel.channels)
    if "label" not in item:
        return facts, findings
    try:
        labels = _labels(item["label"])
    except ValueError as problem:
        return facts, [*findings, _unreadable(item["label"], problem)]
    findings += check_mask(item["label"], labels)
    if facts is None:
        return None, findings
    rows, columns = labels.shape
    findings += _compare_sizes(facts, item["label"], (columns, rows))
    ids = tuple(np.unique(labels[labels > 0]).tolist())
    foreground = float((labels > 0).mean())
    areas = np.bincount((connected_components(labels) if len(ids) < 2 else labels).ravel())[1:]
    return replace(facts, ids=ids, areas=tuple(areas[areas > 0].tolist()), foreground=foreground), findings


def _labels(file: str) -> LabelMap:
    """Read a mask; one with ramps between large areas was resized, and is no image."""
    try:
        return read_label_map(file)
    except ValueError:
        labels = read_label_map(file, force=True)
        ramps = interpolated_share(labels) > INTERPOLATED_SHARE
        if ramps and unequal_neighbours(labels)[0] < _MOST_UNEQUAL:
            return labels
        raise


def _check_image_file(
    section: str, item: Item, file: str, reading: Reading
) -> tuple[ImageFacts | None, list[Finding]]:
    try:
        picture = read_picture(file, **reading.options, movie=True)
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
    return facts, [*_check_third_axis(file, picture, trains="label" in item), *check_image(file, pixels)]


def _check_third_axis(file: str, picture: Picture, trains: bool) -> Iterator[Finding]:
    """Tell what becomes of stacks and movies: networks learn from planes, but are used on both."""
    if not picture.third:
        return
    count = picture.pixels.shape[picture.axes.index(picture.third)]
    what, option = ("planes", "--z") if picture.third == "Z" else ("frames", "--frame")
    if trains:
        remedy = f"choose one with {option}, or save annotated {what} as images"
        yield error("stack", file, f"it has {count} {what}, but networks learn from single planes", remedy)
    else:
        done = (
            "link cells across z" if picture.third == "Z" else "segment each, and cellseg track follows cells"
        )
        yield note("stack", file, f"it has {count} {what}", f"cellseg predict will {done}")


def _unreadable(file: str, problem: ValueError) -> Finding:
    return found("unreadable", file, str(problem).removeprefix(f"{file}: "))


def _compare_sizes(image: ImageFacts, other: str, size: tuple[int, int]) -> list[Finding]:
    if (image.width, image.height) == size:
        return []
    message = (
        f"it is {image.width}×{image.height} pixels (width × height), but {other} is {size[0]}×{size[1]}"
    )
    return [found("size mismatch", image.image, message)]


def check_image(file: str, pixels: npt.NDArray[Any]) -> Iterator[Finding]:
    """Find values that are not finite, blank or nearly constant images, and saturated pixels.

    Args:
        file: path of the image, for the findings.
        pixels: intensities of the image, in any axis order.

    Yields:
        Findings of this image.

    Example:
        >>> [finding.check for finding in check_image("a.tif", np.zeros((8, 8), np.uint8))]
        ['blank image']
    """
    wrong = int(pixels.size - np.isfinite(pixels).sum()) if pixels.dtype.kind == "f" else 0
    if wrong:
        yield found("not finite", file, f"{wrong} pixels are NaN or infinite")
        return
    lowest, highest = pixels.min(), pixels.max()
    if lowest == highest:
        yield found("blank image", file, f"every pixel has the value {lowest}")
        return
    is_integer = pixels.dtype.kind in "ui"
    low, high = np.percentile(pixels, [0.1, 99.9])
    if high == low or (is_integer and high - low < _FEWEST_LEVELS):
        yield found("nearly constant", file, f"99.8 % of the pixels are between {low:g} and {high:g}")
    share = _saturated_share(pixels, int(highest)) if is_integer else 0
    if share > _SATURATED_SHARE:
        yield found("saturated", file, f"{share:.1%} of the pixels are at the limit {highest}")


def _saturated_share(pixels: npt.NDArray[Any], highest: int) -> float:
    """Share of pixels at the limit of the sensor, which may be lower than that of the data type.

    For example, 4,095 is the limit of a 12-bit sensor. Other maxima are not limits, and colour images do not
    count, because white paper or glass is white without being saturated.
    """
    is_limit = highest + 1 & highest == 0  # 255, 1023, 4095, 16383, 65535
    is_grey = pixels.ndim == 2 or pixels.shape[-1] == 1
    return float(np.mean(pixels == highest)) if is_limit and is_grey else 0.0
