"""A picture of one validation image while a training runs: what is annotated beside what is predicted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ignite.engine import Engine, Events
from monai.utils import CommonKeys, ImageMetaKey
from PIL import Image, ImageDraw, ImageFont

from cellseg_monai.colours import Colours
from cellseg_monai.export.overlay import outline
from cellseg_monai.outputs import StrPath, written_whole

WIDEST, HIGHEST = 1500, 1000
"""Largest size of a picture in pixels, without its titles."""

_GAP, _LINE, _FONT, _TITLE = 4, 2, 18, 28


@dataclass(eq=False)
class ValidationPicture:
    """Write a PNG of one validation image after each validation, with the outlines of its objects or classes.

    On the left are those of the mask, on the right those of the prediction. The image is the first whose mask
    is not empty. Each class has its own colour; neighbouring cells mostly have different ones. MONAI's
    ``TensorBoardImageHandler`` writes plain label maps, which only TensorBoard shows.

    Attach it to the evaluator, whose outputs are items with the keys image, label and pred.

    Args:
        path: PNG file, replaced after each validation.

    Example:
        >>> import tempfile, torch
        >>> path = f"{tempfile.mkdtemp()}/validation.png"
        >>> cell = torch.tensor([[[0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]]])
        >>> evaluator = Engine(lambda engine, batch: [{"image": 0.5 * cell, "label": cell, "pred": cell}])
        >>> ValidationPicture(path).attach(evaluator)
        >>> _ = evaluator.run([0])
        >>> Image.open(path).size  # each pixel of the image has 187 × 187 pixels
        (1500, 589)
    """

    path: StrPath

    def __post_init__(self) -> None:
        self._item: Mapping[str, Any] | None = None

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.choose)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.write)

    def choose(self, engine: Any) -> None:
        """Keep the first item, or the first whose mask is not empty."""
        for item in engine.state.output:
            if self._item is None or _is_annotated(item) > _is_annotated(self._item):
                self._item = item

    def write(self, engine: Any) -> None:
        """Draw the item that was kept."""
        item, self._item = self._item, None
        if item is None:
            return
        image, truth, found = (
            _rows(item[key]) for key in (CommonKeys.IMAGE, CommonKeys.LABEL, CommonKeys.PRED)
        )
        name = Path(
            str(getattr(item[CommonKeys.IMAGE], "meta", {}).get(ImageMetaKey.FILENAME_OR_OBJ, ""))
        ).name
        metric = getattr(engine.state, "key_metric_name", None)
        score = f", {metric} {float(engine.state.metrics[metric]):.3f}" if metric else ""
        titles = f"annotated  {name}", f"predicted  epoch {engine.state.epoch}{score}"
        picture = compare(image, truth[..., 0], found[..., 0], titles)
        with written_whole(self.path) as part:
            picture.save(part, compress_level=1)


def compare(
    image: npt.NDArray[Any], truth: npt.NDArray[Any], found: npt.NDArray[Any], titles: tuple[str, str]
) -> Image.Image:
    """Draw two maps of an image side by side.

    Args:
        image: image with the channel last, scaled to [0, 1]; up to three channels are red, green and blue.
        truth: map on the left, of objects or of classes; negative values are not drawn.
        found: map on the right.
        titles: text above each.

    Example:
        >>> cell = np.ones((40, 3000), np.int32)
        >>> compare(cell[..., None] / 2, cell, cell, ("annotated", "predicted")).size
        (1500, 38)
    """
    rows, columns = truth.shape
    factor = min((WIDEST - _GAP) / 2 / columns, HIGHEST / rows)
    factor = factor if factor < 1 else int(factor)  # whole pixels are enlarged alike
    size = max(1, round(columns * factor)), max(1, round(rows * factor))
    pixels = (
        _resized((np.clip(_drawable(image), 0, 1) * 255).round().astype(np.uint8), size, smooth=True) / 255
    )
    panels = [
        outline(pixels, _resized(np.maximum(labels, 0).astype(np.int32), size), _LINE)
        for labels in (truth, found)
    ]
    sheet = Image.new("RGB", (2 * size[0] + _GAP, size[1] + _TITLE), "white")
    for number, (panel, title) in enumerate(zip(panels, titles, strict=True)):
        sheet.paste(_titled(panel, title), (number * (size[0] + _GAP), 0))
    return sheet


def _titled(panel: Colours, title: str) -> Image.Image:
    rows, columns = panel.shape[:2]
    sheet = Image.new("RGB", (columns, rows + _TITLE), "white")
    font = ImageFont.load_default(_FONT)
    ImageDraw.Draw(sheet).text((4, _TITLE // 2), title, "black", font, anchor="lm")
    sheet.paste(Image.fromarray(panel), (0, _TITLE))
    return sheet


def _drawable(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One channel as grey, otherwise three; a second one alone is green."""
    channels = image.shape[-1]
    if channels == 1:
        return image[..., 0]
    return np.pad(image[..., :3], ((0, 0), (0, 0), (0, max(0, 3 - channels))))


def _resized(array: npt.NDArray[Any], size: tuple[int, int], smooth: bool = False) -> npt.NDArray[Any]:
    shrinks = size[0] < array.shape[1]
    method = Image.Resampling.BILINEAR if smooth and shrinks else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(array).resize(size, method))


def _rows(tensor: Any) -> npt.NDArray[Any]:
    """From channel, x, y to rows, columns, channel."""
    return np.asarray(tensor.detach().cpu()).T


def _is_annotated(item: Mapping[str, Any]) -> bool:
    return bool((item[CommonKeys.LABEL] > 0).any())
