"""Label maps to biology: what each cell measures, and how cells move, grow and divide."""

from cellseg_monai.analysis.measure import measure_cells, neighbour_pairs, summarize_cells
from cellseg_monai.analysis.track import (
    Tracking,
    draw_trails,
    lineage_trees,
    square_displacements,
    summarize_tracks,
    track_cells,
    track_lines,
)

__all__ = [
    "Tracking",
    "draw_trails",
    "lineage_trees",
    "measure_cells",
    "neighbour_pairs",
    "square_displacements",
    "summarize_cells",
    "summarize_tracks",
    "track_cells",
    "track_lines",
]
