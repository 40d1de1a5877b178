"""README and cover of a package."""

from pathlib import Path

import numpy as np
import torch

from cellseg_monai.bundling.bioimage.exported import Exported
from cellseg_monai.bundling.bioimage.sample import Difference, Planes
from cellseg_monai.colours import Colours
from cellseg_monai.export import outline

TOLERANCE = 0.01
"""Difference of intensities from 0 to 1 that changes no cell."""

_README = Path(__file__).with_name("readme.md")
_LARGEST_COVER = 512
_ZEROS = (
    " The bundle excludes zero pixels from its percentiles, which this format cannot express. Images with "
    "black borders therefore give another result here."
)
_CLEAN_UP = {
    "morphology": " First, {morphology} with a disc of radius {radius} cleans up the foreground.",
    "max_hole": " Holes of up to {max_hole} pixels are filled.",
    "min_size": " Objects of fewer than {min_size} pixels are removed.",
}
"""Sentence for each option of a decoding that is in use."""


def cover(exported: Exported, image: Planes, prediction: Planes) -> Colours:
    """Draw the image, and next to it the same image with the outlines of its cells.

    Args:
        exported: bundle.
        image: image with values from 0 to 1.
        prediction: logits of the network.
    """
    side = min(*image.shape[1:], _LARGEST_COVER)
    picture = np.moveaxis(image, 0, -1)[:side, :side]
    grey = picture if picture.shape[-1] == 3 else picture.max(axis=-1)
    cells = np.asarray(exported.decode(torch.from_numpy(prediction)))[0]
    plain = outline(grey, np.zeros(grey.shape[:2], np.int32))
    return np.hstack([plain, outline(grey, cells[:side, :side])])


def readme(exported: Exported, gap: Difference, tested_on: str) -> str:
    """Fill in the documentation of a package.

    Args:
        exported: bundle.
        gap: difference between the preprocessing of the package and that of the bundle.
        tested_on: name of the test image.
    """
    metadata, output, stretch = exported.metadata, exported.output, exported.stretch
    options = exported.decode.options
    used = [text for name, text in _CLEAN_UP.items() if options.get(name) not in (None, 0, "none")]
    if options.get("morphology") == "both":
        options["morphology"] = "opening and closing"
    references = [f"- {reference}" for reference in metadata.get("references", [])]
    return _README.read_text(encoding="utf-8").format(
        **{name: metadata[name] for name in ("name", "description", "version")},
        channels=exported.channels,
        sides=f"{exported.side} + n × {exported.step}" if exported.step else exported.side,
        stretched="each channel separately" if stretch.channel_wise else "all channels together",
        lower=stretch.lower,
        upper=stretch.upper,
        outputs=", ".join(output.names),
        meaning=output.meaning,
        halo=exported.halo,
        to_cells="".join([output.to_cells, *used]).format(**options),
        tested_on=tested_on,
        **gap._asdict(),
        zeros=_ZEROS if stretch.nonzero else "",
        signal=100 - stretch.upper,
        min_range=stretch.min_range,
        intended_use=metadata.get("intended_use", "not stated"),
        references="\n".join(references) or "None.",
    )
