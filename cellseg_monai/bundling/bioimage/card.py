"""The words and the picture of a package: its README and its cover."""

import re
from textwrap import fill

import numpy as np
import torch

from cellseg_monai.bundling.bioimage.exported import Exported
from cellseg_monai.bundling.bioimage.sample import Difference, Planes
from cellseg_monai.export import outline
from cellseg_monai.export.overlay import Colours

TOLERANCE = 0.01
"""A difference of intensities from 0 to 1 that changes no cell."""

_LARGEST_COVER = 512


def cover(exported: Exported, image: Planes, prediction: Planes) -> Colours:
    """The image, and beside it the same with the cells that the bundle makes of the prediction.

    Args:
        exported: the bundle.
        image: from 0 to 1.
        prediction: logits of the network.
    """
    side = min(*image.shape[1:], _LARGEST_COVER)
    picture = np.moveaxis(image, 0, -1)[:side, :side]
    grey = picture if picture.shape[-1] == 3 else picture.max(axis=-1)
    cells = np.asarray(exported.decode(torch.from_numpy(prediction)))[0]
    plain = outline(grey, np.zeros(grey.shape[:2], np.int32))
    return np.hstack([plain, outline(grey, cells[:side, :side])])


def readme(exported: Exported, gap: Difference, tested_on: str) -> str:
    """The documentation of a package.

    Args:
        exported: the bundle.
        gap: between the preprocessing of the package and that of the bundle.
        tested_on: the test image, in words.
    """
    metadata, output, stretch = exported.metadata, exported.output, exported.stretch
    sides = f"{exported.side} + n × {exported.step}" if exported.step else f"{exported.side}"
    numbers = {key: value for key, value in exported.decoding.items() if isinstance(value, int | float)}
    channels = "one channel" if exported.channels == 1 else f"{exported.channels} channels"
    by = "each channel by itself" if stretch.channel_wise else "all channels alike"
    paragraphs = [
        f"# {metadata['name']}",
        f"{metadata['description']}. A MONAI bundle of the package `cellseg_monai`, version "
        f"{metadata['version']}, packed for the programs of bioimage.io.",
        "## What goes in",
        f"A plane of {channels}, with sides of {sides} pixels, raw intensities of any depth. They are "
        f"stretched: percentile {stretch.lower:g} becomes 0, percentile {stretch.upper:g} becomes 1, {by}. "
        "The percentiles are to be those of the whole image; a program that takes those of each tile makes "
        "seams.",
        "## What comes out",
        f"{', '.join(output.names)}: {output.meaning}. Of the edge of a tile {exported.halo} pixels see too "
        "little of the image, and are to be cut off.",
        "## From there to cells",
        f"{output.to_cells.format(**numbers)}{_tidying(exported)} `cellseg predict` does this with the "
        "bundle itself.",
        "## Where this package differs from the bundle",
        _differences(exported, gap, tested_on),
        "## Validation",
        "Segment images that it has not learned from, and compare with label maps drawn by hand: "
        "`cellseg predict` and `cellseg evaluate --pred … --truth …` give Dice, F1 at several IoU and the "
        "errors of each image."
        + (f" Intended use: {metadata['intended_use']}." if "intended_use" in metadata else ""),
    ]
    references = metadata.get("references", [])
    if references:
        paragraphs += ["## References", *(f"- {reference}" for reference in references)]
    return "\n\n".join(part if re.match(r"[#-]", part) else fill(part, 100) for part in paragraphs) + "\n"


def _tidying(exported: Exported) -> str:
    """What the bundle does besides."""
    values = exported.decoding
    told = ""
    if values.get("morphology", "none") != "none":
        morphology = "opening and closing" if values["morphology"] == "both" else values["morphology"]
        told += f" The foreground is first tidied by {morphology} with a disc of radius {values['radius']}."
    if values.get("max_hole"):
        told += f" Holes of up to {values['max_hole']} pixels are filled."
    if values.get("min_size"):
        told += f" Objects of fewer than {values['min_size']} pixels are dropped."
    return told


def _differences(exported: Exported, gap: Difference, tested_on: str) -> str:
    stretch = exported.stretch
    told = (
        f"On the test image ({tested_on}) the stretched intensities, from 0 to 1, differ by "
        f"{gap.largest:.2g} at most and {gap.mean:.2g} in the mean."
    )
    if stretch.nonzero:
        told += (
            " The bundle leaves pixels of zero out of its percentiles, which this format cannot say: images "
            "with black borders come out otherwise here."
        )
    return (
        f"{told} Where the signal is in fewer than {100 - stretch.upper:g} of a hundred pixels, the bundle "
        f"keeps the range at {stretch.min_range:.0%} of the spread of the image, and here noise fills it: "
        "sparse images are better segmented by the bundle."
    )
