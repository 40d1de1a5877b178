"""Label maps to biology: measurements of each cell, and how cells move, grow and divide."""

from cellseg_monai.analysis.measure.summary import summarize_cells
from cellseg_monai.analysis.measure.table import measure_cells, neighbour_pairs
from cellseg_monai.analysis.measure.volumes import measure_stack
from cellseg_monai.analysis.track.lineage import lineage_trees, track_lines
from cellseg_monai.analysis.track.motion import square_displacements, summarize_tracks
from cellseg_monai.analysis.track.overlay import draw_trails
from cellseg_monai.analysis.track.tracks import Tracking, track_cells

__all__ = [
    "Tracking",
    "draw_trails",
    "lineage_trees",
    "measure_cells",
    "measure_stack",
    "neighbour_pairs",
    "square_displacements",
    "summarize_cells",
    "summarize_tracks",
    "track_cells",
    "track_lines",
]
