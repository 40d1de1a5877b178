"""A bundle and its properties that other programs need, read from its configuration."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from torch import nn

from cellseg_monai.bundling.bioimage.outputs import Output, output_of
from cellseg_monai.bundling.check.configs import load_config
from cellseg_monai.instances import Decoding
from cellseg_monai.runtime.finding import METADATA, inference_files
from cellseg_monai.runtime.options import require_ids
from cellseg_monai.runtime.settings import WEIGHTS
from cellseg_monai.training import load_pretrained
from cellseg_monai.transforms import PercentileStretch, PercentileStretchd


@dataclass(frozen=True)
class Exported:
    """A bundle with its weights.

    Attributes:
        folder: folder of the bundle.
        metadata: content of ``metadata.json``.
        network: network with its weights, in evaluation mode, on the CPU.
        output: description of the output of the network.
        stretch: preprocessing of the intensities.
        channels: number of image channels.
        side: smallest side of a window, in pixels.
        step: step between window sizes; 0 if the network takes one size only.
        halo: pixels at the edge of a window that see too little of the image.
        decode: decoding of the output into cells.
    """

    folder: Path
    metadata: Mapping[str, Any]
    network: nn.Module
    output: Output
    stretch: PercentileStretch
    channels: int
    side: int
    step: int
    halo: int
    decode: Decoding

    @property
    def first_is_logit(self) -> bool:
        """Whether only the first of several channels needs an activation."""
        return not self.decode.background_first and len(self.output.names) > 1

    def fitting(self, side: int, largest: int = 512) -> int:
        """Largest side of a window that fits into a number of pixels."""
        spare = min(side, largest) - self.side
        return self.side + (spare // self.step * self.step if self.step else 0)


def read_exported(bundle: Path, options: Mapping[str, Any], weights: Path | None = None) -> Exported:
    """Read a bundle, create its network and load its weights.

    Args:
        bundle: folder of the bundle.
        options: values of ``inference.json`` by id.
        weights: file of other weights than those of the bundle.

    Raises:
        FileNotFoundError: If the bundle or its weights do not exist.
        ValueError: If an id does not exist, the weights do not fit, or the format cannot describe the
            preprocessing or the output.
    """
    files = inference_files(bundle, options)
    weights = bundle / WEIGHTS if weights is None else weights
    if not weights.is_file():
        raise FileNotFoundError(f"{weights} is missing; train the bundle before you pack it, or name weights")
    require_ids(ConfigParser.load_config_files(files), options, files[0])
    parser = load_config(bundle, "inference", options={"weights": str(weights), **options})
    part = parser.get_parsed_content
    decode, patch, window = part("decoding").decode, part("patch_size"), part("window")
    if (sides := getattr(part("inferer"), "resize", None)) is not None:
        raise ValueError(
            f"resize={sides}: a bioimage.io package cannot resize whole images; give --set resize=None, and "
            "resize the images before they are segmented"
        )
    metadata = json.loads((bundle / METADATA).read_text(encoding="utf-8"))
    step = 0 if isinstance(window, int) else _step(metadata)
    halo = max(1, int(patch * part("inferer#overlap") / 2))
    if step:  # tiles cut on the grid of the network's pooling fit together
        halo = -(-halo // step) * step
    return Exported(
        folder=bundle,
        metadata=metadata,
        network=load_pretrained(part("network_def"), weights).eval(),
        output=output_of(decode.decodes, part("out_channels")),
        stretch=_only_stretch(part("preprocessing")),
        channels=part("in_channels"),
        side=-(-max(patch, 2 * halo + step) // step) * step if step else window,
        step=step,
        halo=halo,
        decode=decode,
    )


def _step(metadata: Mapping[str, Any]) -> int:
    """Step of sides such as ``"32*n"``."""
    sides = metadata["network_data_format"]["inputs"]["image"]["spatial_shape"]
    match = re.fullmatch(r"(\d+)\s*\*\s*n", str(sides[0]))
    if match is None or sides[0] != sides[1]:
        raise ValueError(
            f"spatial_shape {sides} in metadata.json is not a multiple of one step; write both sides as "
            "'32*n', or set window to the one size that the network takes"
        )
    return int(match[1])


def _only_stretch(preprocessing: Any) -> PercentileStretch:
    """The one transform of intensities, which the package describes as ``scale_range``."""
    found = [step.transform for step in preprocessing.transforms if isinstance(step, PercentileStretchd)]
    if len(found) != 1 or not found[0].clip:
        raise ValueError(
            f"a bioimage.io package needs one PercentileStretchd with clip=True in the preprocessing, but "
            f"there are {len(found)}"
        )
    return found[0]
