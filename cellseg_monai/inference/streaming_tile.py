"""One tile of a large image to labels, by the parts of a configuration for whole images."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.data import MetaTensor
from monai.networks.utils import eval_mode
from monai.transforms import Compose
from monai.utils import CommonKeys

Pixels = npt.NDArray[Any]

_OF_THE_WHOLE = {
    "HistogramNormalized",
    "NormalizeIntensityd",
    "ScaleIntensityd",
    "ScaleIntensityRangePercentilesd",
}
"""Transforms of MONAI that would treat each tile by statistics of its own."""


class TileSegmentation:
    """Preprocess, run the network, and decode tiles as if they were images.

    What must be known of the whole image is found before: the first step that has a method ``limits_of`` is
    asked once, and each tile carries the answer in ``meta["intensity_limits"]``.

    Args:
        preprocessing: steps for ``{"image": tensor}`` after the reading, none of which changes the size.
        network: takes a batch of images.
        inferer: runs it over an image of any size.
        decoding: makes labels of ``{"pred": …}``.
        device: of the images that the inferer gets.
        amp: run the network in half precision.
        amp_dtype: which one.

    Raises:
        ValueError: a step treats each tile by statistics of its own, or the decoding makes no cells.

    Example:
        >>> from monai.inferers import SimpleInferer
        >>> decode = lambda data: {"pred": data["pred"] > 0}
        >>> tile = TileSegmentation([], torch.nn.Identity(), SimpleInferer(), decode)
        >>> tile.labels(tile.logits(np.array([[[-1, 2]]]), "slide.tif", None))
        array([[0, 1]], dtype=int32)
    """

    def __init__(
        self,
        preprocessing: Sequence[Callable[[Any], Any]],
        network: torch.nn.Module,
        inferer: Callable[..., Any],
        decoding: Callable[[Any], Any],
        device: torch.device | str = "cpu",
        amp: bool = False,
        amp_dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        self.preprocessing = list(preprocessing)
        self.network = network
        self.inferer = inferer
        self.decoding = decoding
        self.device = torch.device(device)
        self.amp = amp
        self.amp_dtype = amp_dtype
        for name in (type(step).__name__ for step in self.preprocessing):
            if name in _OF_THE_WHOLE:
                raise ValueError(
                    f"{name} would scale each tile by its own pixels, and so each differently; take "
                    "cellseg_monai.transforms.PercentileStretchd, which is given the limits of the whole "
                    "image, or ScaleIntensityRanged with fixed ones"
                )
        if getattr(decoding, "decodes", None) == "classes":
            raise ValueError(
                f"{type(decoding).__name__} makes a map of classes, not of cells, and cells are what is "
                "stitched; run inference.json without the overlay for large images, on parts of them"
            )

    def limits(self, parts: Callable[[], Iterable[Pixels]], name: str) -> npt.NDArray[Any] | None:
        """What the first step that wants to know the whole image learns of it; None if there is none.

        Args:
            parts: reads the image once more, part by part.
            name: of the image.
        """
        for place, step in enumerate(self.preprocessing):
            if find := getattr(step, "limits_of", None):
                return np.asarray(find(partial(self._parts, place, parts, name)))
        return None

    def _parts(self, place: int, parts: Callable[[], Iterable[Pixels]], name: str) -> Iterable[Pixels]:
        """The image as the step at a place would get it."""
        if place == 0:
            return parts()
        before = self.preprocessing[:place]
        return (self._through(before, part, name, None).numpy() for part in parts())

    def logits(self, pixels: Pixels, name: str, limits: npt.NDArray[Any] | None) -> torch.Tensor:
        """What the network says of a tile.

        Args:
            pixels: channels, x, y (, z).
            name: of the image.
            limits: of the whole image.

        Returns:
            Tensor of the tile's size, without batch axis.
        """
        image = self._through(self.preprocessing, pixels, name, limits)
        if image.shape[1:] != pixels.shape[1:]:
            raise ValueError(
                f"preprocessing makes {tuple(image.shape[1:])} of a tile of {pixels.shape[1:]}; tiles keep "
                "their size: leave resampling and padding out"
            )
        half = torch.autocast(self.device.type, self.amp_dtype, self.amp)
        with eval_mode(self.network), half:
            answer = self.inferer(image[None].to(self.device), self.network)
        if not isinstance(answer, torch.Tensor):
            raise TypeError(f"the network gives a {type(answer).__name__} where one tensor can be decoded")
        return answer[0]

    def labels(self, logits: torch.Tensor) -> npt.NDArray[np.int32]:
        """The cells of a tile, numbered by themselves."""
        decoded = torch.as_tensor(self.decoding({CommonKeys.PRED: logits})[CommonKeys.PRED])
        if decoded.shape[0] != 1 or decoded.shape[1:] != logits.shape[1:]:
            raise ValueError(
                f"the decoding makes {tuple(decoded.shape)} of {tuple(logits.shape)}; a label map of one "
                "channel and the same size can be stitched"
            )
        return decoded[0].cpu().numpy().astype(np.int32, copy=False)

    def _through(
        self, steps: Sequence[Callable[[Any], Any]], pixels: Pixels, name: str, limits: Any
    ) -> torch.Tensor:
        meta = {"filename_or_obj": name} | ({} if limits is None else {"intensity_limits": limits})
        image = MetaTensor(torch.as_tensor(pixels.astype(np.float32)), meta=meta)  # as MONAI's LoadImage
        data: Mapping[str, Any] = Compose(steps)({CommonKeys.IMAGE: image})
        prepared: torch.Tensor = data[CommonKeys.IMAGE].as_subclass(torch.Tensor)
        return prepared
