"""Probability map to label map, one decoding a file, each for the target that the network was trained for.

The functions take probabilities. The transforms take the raw output of a network (``logits=True``) and apply
the activation of their target themselves, so that nothing stands between network and decoding in a bundle.
Each names its target in ``decodes``.
"""

from cellseg_monai.instances.classes import ClassMap, ClassMapd, ClassVotes, class_map, class_votes
from cellseg_monai.instances.connected import Components, Componentsd, components
from cellseg_monai.instances.decoding import Probabilityd
from cellseg_monai.instances.hills import basins
from cellseg_monai.instances.interiors import RegrownInteriors, RegrownInteriorsd, regrown_interiors
from cellseg_monai.instances.morphology import drop_small, fill_holes, foreground_mask
from cellseg_monai.instances.scored import Cellsd, Foregroundd
from cellseg_monai.instances.seams import same_cells
from cellseg_monai.instances.stitcher import Stitcher, stitch
from cellseg_monai.instances.tiles import Tile, tile_grid
from cellseg_monai.instances.voted import VotedComponents, VotedComponentsd, voted_components
from cellseg_monai.instances.watershed import (
    WatershedFromDistance,
    WatershedFromDistanced,
    watershed_from_distance,
)

__all__ = [
    "Cellsd",
    "ClassMap",
    "ClassMapd",
    "ClassVotes",
    "Components",
    "Componentsd",
    "Foregroundd",
    "Probabilityd",
    "RegrownInteriors",
    "RegrownInteriorsd",
    "Stitcher",
    "Tile",
    "VotedComponents",
    "VotedComponentsd",
    "WatershedFromDistance",
    "WatershedFromDistanced",
    "basins",
    "class_map",
    "class_votes",
    "components",
    "drop_small",
    "fill_holes",
    "foreground_mask",
    "regrown_interiors",
    "same_cells",
    "stitch",
    "tile_grid",
    "voted_components",
    "watershed_from_distance",
]
