"""One picture of the first doubts: the image with the annotated and the predicted outlines."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from cellseg_monai.export import captioned_sheet, magnified
from cellseg_monai.export.details import Layer
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics import Doubt
from cellseg_monai.outputs import written_whole

ANNOTATED, PREDICTED = (230, 159, 0), (86, 180, 233)  # orange and sky blue of Okabe and Ito

_LEGEND = (
    ("annotated (thin lines: neighbours)", ANNOTATED),
    ("predicted", PREDICTED),
)
_SMALLEST, _AROUND = 48, 1.8


class Seen(NamedTuple):
    """An image with doubts.

    Attributes:
        picture: image to draw on, from 0 to 1.
        pred: predicted label map.
        truth: annotated label map.
    """

    picture: npt.NDArray[Any]
    pred: LabelMap
    truth: LabelMap


def draw_doubts(path: Path, doubts: Sequence[tuple[str, Doubt]], see: Callable[[str], Seen]) -> None:
    """Draw doubts in their order, each with its rank, kind, confidence and image.

    Args:
        path: PNG file to write.
        doubts: name of the image, and doubt.
        see: function that returns an image by its name; it is called once for each image.
    """
    pictures: dict[int, Any] = {}
    for name in dict.fromkeys(name for name, _ in doubts):
        seen = see(name)
        for rank, (of, doubt) in enumerate(doubts, start=1):
            if of == name:
                pictures[rank] = _picture(doubt, seen)
    captions = [
        f"{rank}  {doubt.kind}  {doubt.confidence:.2f}\n{name}"
        for rank, (name, doubt) in enumerate(doubts, start=1)
    ]
    sheet = captioned_sheet([pictures[rank] for rank in sorted(pictures)], captions, _LEGEND)
    with written_whole(path) as part:
        Image.fromarray(sheet).save(part)


def _picture(doubt: Doubt, seen: Seen) -> Any:
    x, y, width, height = doubt.box
    size = max(_SMALLEST, round(_AROUND * max(width, height)))
    layers = [
        Layer(seen.truth, ANNOTATED, 4, doubt.truth_ids),
        Layer(seen.pred, PREDICTED, 2, doubt.pred_ids),
    ]
    picture = np.sqrt(seen.picture) if seen.picture.ndim == 2 else seen.picture  # dim cells become visible
    return magnified(picture, (x + (width - 1) / 2, y + (height - 1) / 2), size, layers)
