"""Segment one tile of a large image with the parts of a configuration for whole images."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from monai.data import MetaTensor
from monai.networks.utils import eval_mode
from monai.transforms import Compose
from monai.utils import CommonKeys

from cellseg_monai.cell_size import CELL_DIAMETER

Pixels = npt.NDArray[Any]

_PER_IMAGE = {
    "HistogramNormalized",
    "NormalizeIntensityd",
    "ScaleIntensityd",
    "ScaleIntensityRangePercentilesd",
}
"""MONAI transforms that use statistics of their image, and so would use those of each tile."""


_ENOUGH = 5
"""Number of tiles with cells after which their size is known."""


class WholeImage(NamedTuple):
    """What is found in the whole image, so that its tiles are treated alike.

    Attributes:
        limits: intensity limits.
        diameter: diameter of the cells; 0 if no cell was seen, None if it does not matter.

    Example:
        >>> WholeImage(limits=np.array([0.0, 255.0])).diameter is None
        True
    """

    limits: npt.NDArray[Any] | None = None
    diameter: npt.NDArray[Any] | None = None

    @property
    def meta(self) -> dict[str, Any]:
        """Metadata of a tile."""
        known = {"intensity_limits": self.limits, CELL_DIAMETER: self.diameter}
        return {name: value for name, value in known.items() if value is not None}


@dataclass(eq=False)
class TileSegmentation:
    """Preprocess tiles, run the network on them, and decode them, as if they were images.

    Statistics of the whole image are computed in advance: the first step with a method ``limits_of`` is
    called once, and every tile has its result in ``meta["intensity_limits"]``. An inferer with a method
    ``diameter_of`` is asked once for the size of the cells, which is in ``meta["cell_diameter"]``.

    Args:
        preprocessing: steps for ``{"image": tensor}`` after reading; none of them may change the size.
        network: network that takes a batch of images.
        inferer: inferer that runs the network over an image of any size.
        decoding: transform that makes labels from ``{"pred": …}``.
        device: device of the images that the inferer gets.
        amp: run the network in half precision.
        amp_dtype: half precision to use.

    Raises:
        ValueError: a step uses the statistics of each tile, the inferer resizes whole images, or the decoding
            does not make cells.

    Example:
        >>> from monai.inferers import SimpleInferer
        >>> decode = lambda data: {"pred": data["pred"] > 0}
        >>> tile = TileSegmentation([], torch.nn.Identity(), SimpleInferer(), decode)
        >>> tile.labels(tile.logits(np.array([[[-1, 2]]]), "slide.tif", WholeImage()))
        array([[0, 1]], dtype=int32)
    """

    preprocessing: Sequence[Callable[[Any], Any]]
    network: torch.nn.Module
    inferer: Callable[..., Any]
    decoding: Callable[[Any], Any]
    _: KW_ONLY
    device: torch.device | str = "cpu"
    amp: bool = False
    amp_dtype: torch.dtype = torch.bfloat16

    def __post_init__(self) -> None:
        for name in (type(step).__name__ for step in self.preprocessing):
            if name in _PER_IMAGE:
                raise ValueError(
                    f"{name} would scale each tile by its own pixels, and so differently; use "
                    "cellseg_monai.transforms.PercentileStretchd, which gets the limits of the whole image, "
                    "or ScaleIntensityRanged with fixed limits"
                )
        if (sides := getattr(self.inferer, "resize", None)) is not None:
            raise ValueError(
                f"resize={list(sides)} is the size of a whole image, but here each tile would be resized; "
                "run inference.json without the overlay for large images, or train with scale, not resize"
            )
        if getattr(self.decoding, "decodes", None) == "classes":
            raise ValueError(
                f"{type(self.decoding).__name__} makes a map of classes, but only cells can be stitched; for "
                "parts of the image, run inference.json without the overlay for large images"
            )

    def limits(self, parts: Callable[[], Iterable[Pixels]], name: str) -> npt.NDArray[Any] | None:
        """Return what the first step with ``limits_of`` computes from the whole image, or None.

        Args:
            parts: function that reads the image once more, in parts.
            name: name of the image.
        """
        places = [place for place, step in enumerate(self.preprocessing) if hasattr(step, "limits_of")]
        if not places:
            return None
        before = self.preprocessing[: places[0]]
        step: Any = self.preprocessing[places[0]]

        def prepared() -> Iterable[Pixels]:
            """Return the image as the step gets it."""
            return (_prepared(before, part, name, WholeImage()).numpy() for part in parts())

        return np.asarray(step.limits_of(prepared if before else parts))

    def diameter(
        self, tiles: Iterable[Pixels], name: str, limits: npt.NDArray[Any] | None
    ) -> npt.NDArray[Any] | None:
        """Return the diameter of the cells, 0 if none is seen; None if the inferer does not look for it.

        Args:
            tiles: tiles from all over the image.
            name: name of the image.
            limits: intensity limits of the whole image.
        """
        if not hasattr(self.inferer, "diameter_of"):
            return None
        found: list[float] = []
        for pixels in tiles:
            tile = _prepared(self.preprocessing, pixels, name, WholeImage(limits))[None]
            with eval_mode(self.network):
                seen = self.inferer.diameter_of(tile.to(torch.device(self.device)), self.network)
            found += [] if seen is None else [seen]
            if len(found) == _ENOUGH:
                break
        return np.asarray(np.median(found) if found else 0.0)

    def logits(self, pixels: Pixels, name: str, whole: WholeImage) -> torch.Tensor:
        """Return the output of the network for a tile.

        Args:
            pixels: tile with axes channels, x, y (, z).
            name: name of the image.
            whole: what is found in the whole image.

        Returns:
            Tensor of the size of the tile, without batch axis.
        """
        image = _prepared(self.preprocessing, pixels, name, whole)
        if image.shape[1:] != pixels.shape[1:]:
            raise ValueError(
                f"preprocessing turns a tile of {pixels.shape[1:]} into {tuple(image.shape[1:])}, but tiles "
                "must keep their size; remove resampling and padding"
            )
        device = torch.device(self.device)
        half = torch.autocast(device.type, self.amp_dtype, self.amp)
        with eval_mode(self.network), half:
            known = image if hasattr(self.inferer, "diameter_of") else image.as_subclass(torch.Tensor)
            output = self.inferer(known[None].to(device), self.network)
        if not isinstance(output, torch.Tensor):
            raise TypeError(f"the network returned a {type(output).__name__}, but decoding needs one tensor")
        return output[0]

    def labels(self, logits: torch.Tensor) -> npt.NDArray[np.int32]:
        """Return the label map of a tile, numbered independently of other tiles."""
        decoded = torch.as_tensor(self.decoding({CommonKeys.PRED: logits})[CommonKeys.PRED])
        if decoded.shape[0] != 1 or decoded.shape[1:] != logits.shape[1:]:
            raise ValueError(
                f"the decoding turns {tuple(logits.shape)} into {tuple(decoded.shape)}, but stitching needs "
                "a label map with one channel and the same size"
            )
        return decoded[0].cpu().numpy().astype(np.int32, copy=False)


def _prepared(
    steps: Sequence[Callable[[Any], Any]], pixels: Pixels, name: str, whole: WholeImage
) -> torch.Tensor:
    meta = {"filename_or_obj": name} | whole.meta
    image = MetaTensor(
        torch.as_tensor(pixels.astype(np.float32)), meta=meta
    )  # float32 as in MONAI's LoadImage
    data: Mapping[str, Any] = Compose(steps)({CommonKeys.IMAGE: image})
    prepared: torch.Tensor = data[CommonKeys.IMAGE]
    return prepared
