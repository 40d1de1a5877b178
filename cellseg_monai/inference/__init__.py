"""From an image of any size to a prediction: windows, tiles, and evaluators that report failures."""

from cellseg_monai.inference.cell_sized import CellSizedInferer
from cellseg_monai.inference.each_image import EachImage
from cellseg_monai.inference.inferer import TiledInferer
from cellseg_monai.inference.streaming import LargeImages
from cellseg_monai.inference.streaming_tile import TileSegmentation
from cellseg_monai.inference.windows import Tiling, fitted_tiling, sliding_tiling

__all__ = [
    "CellSizedInferer",
    "EachImage",
    "LargeImages",
    "TileSegmentation",
    "TiledInferer",
    "Tiling",
    "fitted_tiling",
    "sliding_tiling",
]
