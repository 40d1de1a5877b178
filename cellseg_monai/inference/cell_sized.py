"""Bring every image to the scale at which the network knows its cells."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.utils import CommonKeys, ensure_tuple

from cellseg_monai.cell_size import NETWORK_SCALE, known_diameter
from cellseg_monai.inference.inferer import TiledInferer
from cellseg_monai.inference.size_look import look_for_diameter, resized, to_shape
from cellseg_monai.label_maps import LabelMap

logger = logging.getLogger(__name__)

_UNCHANGED = 1.1
"""Factor up to which an image keeps its size."""

_LARGEST_SIDE = 16384


@dataclass(eq=False)
class CellSizedInferer(TiledInferer):
    """Find the size of the cells, resize the image so that the network knows them, and resize the result.

    The result has the scale in its metadata, where the decoding finds it.

    Args:
        decoding: dictionary transform that makes cells from the output of the network, ``"pred"``.
        diameter: diameter of the cells that the network knows best, in pixels.
        cell_diameter: diameter of the cells of the images; by default the one that the metadata name, or else
            the one that a few quick looks find.

    Example:
        >>> from cellseg_monai.instances import WatershedFromDistanced
        >>> network = torch.nn.Conv2d(1, 2, kernel_size=3, padding=1)
        >>> inferer = CellSizedInferer(decoding=WatershedFromDistanced("pred"), cell_diameter=56.0)
        >>> inferer(torch.rand(1, 1, 100, 80), network).shape
        torch.Size([1, 2, 100, 80])
    """

    _: KW_ONLY
    decoding: Callable[[Mapping[str, Any]], Any]
    diameter: float = 28.0
    cell_diameter: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("diameter", "cell_diameter"):
            if (value := getattr(self, name)) is not None and value <= 0:
                raise ValueError(f"{name}={value} must be above 0 pixels")
        self._looking = TiledInferer(
            window="fit",
            patch_size=self.patch_size,
            amp=self.amp,
            channels_last=self.channels_last,
            progress=False,
        )

    def __call__(self, inputs: torch.Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run the network over each image of a batch, at a scale of its own."""
        results, scales = [], []
        for image in inputs.tensor_split(len(inputs)):
            scale = self.scale_of(image, network)
            plain = image.as_tensor() if isinstance(image, MetaTensor) else image
            output = super().__call__(resized(plain, scale), network, *args, **kwargs)
            assert isinstance(output, torch.Tensor)  # the decoding needs one
            results.append(to_shape(output, list(image.shape[2:])))
            scales.append(scale)
        joined = torch.cat(results)
        if not isinstance(inputs, MetaTensor):
            return joined
        found = MetaTensor(joined).copy_meta_from(inputs, copy_attr=False)
        found.meta[NETWORK_SCALE] = torch.tensor(scales)
        return found

    def scale_of(self, image: torch.Tensor, network: Callable[..., Any]) -> float:
        """Scale of one image for the network."""
        found = self.diameter_of(image, network)
        scale = min(self.diameter / found, _LARGEST_SIDE / max(image.shape[2:])) if found else 1.0
        return 1.0 if 1 / _UNCHANGED < scale < _UNCHANGED else scale

    def diameter_of(self, image: torch.Tensor, network: Callable[..., Any]) -> float | None:
        """Diameter of the cells of one image, as it is known or found; None if no cell is seen."""
        known = self.cell_diameter or known_diameter(image)
        return known if known is not None else self._look(image, network)

    def _look(self, image: torch.Tensor, network: Callable[..., Any]) -> float | None:
        def segment(part: torch.Tensor) -> LabelMap:
            output = self._looking(part, network)[0]
            cells: LabelMap = np.asarray(self.decoding({CommonKeys.PRED: output})[CommonKeys.PRED][0])
            return cells

        plain = image.as_tensor() if isinstance(image, MetaTensor) else image
        found = look_for_diameter(plain, segment, self.diameter)
        name = image.meta.get("filename_or_obj", "") if isinstance(image, MetaTensor) else ""
        where = f"{ensure_tuple(name)[0]}: " if name else ""
        if found is None:
            logger.warning("%sno cell was seen, so its scale is unknown; the image keeps its size", where)
        else:
            logger.info("%sthe typical cell has a diameter of %.0f pixels", where, found)
        return found
