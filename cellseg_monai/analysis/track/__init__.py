"""Label maps of a time-lapse to tracks, and tracks to motion, growth and lineage."""

from cellseg_monai.analysis.track.lineage import lineage_trees, track_lines
from cellseg_monai.analysis.track.motion import square_displacements, summarize_tracks
from cellseg_monai.analysis.track.overlay import draw_trails
from cellseg_monai.analysis.track.tracks import Tracking, track_cells

__all__ = [
    "Tracking",
    "draw_trails",
    "lineage_trees",
    "square_displacements",
    "summarize_tracks",
    "track_cells",
    "track_lines",
]
