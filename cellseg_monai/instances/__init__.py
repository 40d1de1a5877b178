"""Probability maps to label maps: one decoding per file, each for one training target.

The functions take probabilities. The transforms take the raw output of a network (``logits=True``) and apply
the activation themselves, so a bundle needs nothing between network and decoding. Each transform names its
training target in ``decodes``.
"""

from cellseg_monai.instances.classes import ClassMap, ClassMapd, ClassVotes, class_map, class_votes
from cellseg_monai.instances.connected import Components, Componentsd, components
from cellseg_monai.instances.decoding import Decoding, Decodingd
from cellseg_monai.instances.hills import basins
from cellseg_monai.instances.interiors import RegrownInteriors, RegrownInteriorsd, regrown_interiors
from cellseg_monai.instances.linking import Linking, link_planes
from cellseg_monai.instances.planes import PlaneStitcher, plane_grid
from cellseg_monai.instances.scored import Cellsd, Foregroundd, Probabilityd
from cellseg_monai.instances.seams import same_cells
from cellseg_monai.instances.stitcher import Stitcher, stitch
from cellseg_monai.instances.tidying import Tidying, drop_small, fill_holes, foreground_mask
from cellseg_monai.instances.tiles import Tile, tile_grid
from cellseg_monai.instances.watershed import (
    WatershedFromDistance,
    WatershedFromDistanced,
    watershed_from_distance,
)

__all__ = [
    "Cellsd", "ClassMap", "ClassMapd", "ClassVotes", "Components", "Componentsd", "Decoding",
    "Decodingd", "Foregroundd", "Linking", "PlaneStitcher", "Probabilityd", "RegrownInteriors",
    "RegrownInteriorsd", "Stitcher",
    "Tidying", "Tile", "WatershedFromDistance", "WatershedFromDistanced", "basins", "class_map",
    "class_votes", "components", "drop_small", "fill_holes", "foreground_mask", "link_planes", "plane_grid",
    "regrown_interiors", "same_cells", "stitch", "tile_grid", "watershed_from_distance",
]  # fmt: skip
