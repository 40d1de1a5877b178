"""All that has to be known of a bundle to describe it elsewhere, read from its configuration."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.bundle import ConfigParser
from torch import nn

from cellseg_monai.bundling.bioimage.outputs import Output, output_of
from cellseg_monai.bundling.check.configs import load_config
from cellseg_monai.bundling.check.network import WEIGHTS
from cellseg_monai.instances.decoding import Decoding
from cellseg_monai.runtime.finding import inference_files
from cellseg_monai.runtime.options import require_ids
from cellseg_monai.training import load_pretrained
from cellseg_monai.transforms import PercentileStretch, PercentileStretchd


@dataclass(frozen=True)
class Exported:
    """A bundle with its weights.

    Attributes:
        folder: of the bundle.
        metadata: what it says about itself.
        network: with its weights, in evaluation mode, on the CPU.
        output: what the network says.
        stretch: of the intensities.
        channels: of the image.
        side: smallest side of a window, in pixels.
        step: by which a window may be larger; 0 where the network takes this size alone.
        halo: pixels at the edge of a window that see too little of the image.
        decode: logits to cells.
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
    def decoding(self) -> Mapping[str, Any]:
        """Values of the decoding by name."""
        return vars(self.decode)

    def activated(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Probabilities of logits, as the programs of bioimage.io are to give them."""
        values = torch.from_numpy(logits)
        if self.output.activation == "first":
            values = torch.cat([values[:1].sigmoid(), values[1:]])
        else:
            values = values.sigmoid() if self.output.activation == "sigmoid" else values.softmax(dim=0)
        probability: npt.NDArray[np.float32] = values.numpy()
        return probability

    def fitting(self, side: int, largest: int = 512) -> int:
        """The largest side of a window that fits into so many pixels."""
        return (
            self.side + (min(side, largest) - self.side) // self.step * self.step if self.step else self.side
        )


def read_exported(bundle: Path, options: Mapping[str, Any], weights: Path | None = None) -> Exported:
    """Read a bundle, make its network and load its weights.

    Args:
        bundle: its folder.
        options: values of ``inference.json`` by id.
        weights: file, in place of the bundle's own.

    Raises:
        FileNotFoundError: there is no such bundle, or it has no weights.
        ValueError: there is no such id, the weights do not fit, or there is no description of its
            preprocessing or its output.
    """
    config = bundle / "configs/inference.json"
    if not config.is_file():
        raise FileNotFoundError(f"{config}: there is no such bundle")
    weights = bundle / WEIGHTS if weights is None else weights
    if not weights.is_file():
        raise FileNotFoundError(
            f"{weights} is missing; train the bundle before it is packed, or name its weights"
        )
    require_ids(ConfigParser.load_config_files(inference_files(bundle, options)), options, str(config))
    with TemporaryDirectory() as output:
        parser = load_config(bundle, "inference", output, {"weights": str(weights), **options})
        network = load_pretrained(parser.get_parsed_content("network_def"), weights).eval()
        decoding, stretch = (parser.get_parsed_content(part) for part in ("decoding", "preprocessing"))
        patch, window = (parser.get_parsed_content(part) for part in ("patch_size", "window"))
        out_channels, overlap = (
            parser.get_parsed_content(part) for part in ("out_channels", "inferer#overlap")
        )
    metadata = json.loads((bundle / "configs/metadata.json").read_text(encoding="utf-8"))
    step = 0 if isinstance(window, int) else _step(metadata)
    halo = max(1, int(patch * overlap / 2))
    if step:  # tiles that are cut on the grid of the network's pooling fit each other
        halo = -(-halo // step) * step
    side = -(-max(patch, 2 * halo + step) // step) * step if step else window
    return Exported(
        folder=bundle,
        metadata=metadata,
        network=network,
        output=output_of(decoding.decodes, out_channels),
        stretch=_only_stretch(stretch),
        channels=parser.get_parsed_content("in_channels"),
        side=side,
        step=step,
        halo=halo,
        decode=decoding.decode,
    )


def _step(metadata: Mapping[str, Any]) -> int:
    """Sides such as ``"32*n"``."""
    sides = metadata["network_data_format"]["inputs"]["image"]["spatial_shape"]
    steps = [re.fullmatch(r"(\d+)\s*\*\s*n", str(side)) for side in sides]
    if None in steps or len({step[1] for step in steps if step}) > 1:
        raise ValueError(
            f"spatial_shape {sides} in metadata.json says no step of the size; write both sides as '32*n', "
            "or set window to the one size that the network takes"
        )
    return int(steps[0][1]) if steps[0] else 0


def _only_stretch(preprocessing: Any) -> PercentileStretch:
    """The one step that changes intensities; the package describes it by ``scale_range``."""
    found = [step.transform for step in preprocessing.transforms if isinstance(step, PercentileStretchd)]
    if len(found) != 1 or not found[0].clip:
        raise ValueError(
            "a package of bioimage.io is written for a bundle whose preprocessing has one PercentileStretchd "
            f"that clips, and this one has {len(found)}"
        )
    return found[0]
