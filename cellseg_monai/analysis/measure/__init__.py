"""A label map to a table: what can be measured of each cell."""

from cellseg_monai.analysis.measure.summary import summarize_cells
from cellseg_monai.analysis.measure.table import measure_cells, neighbour_pairs

__all__ = ["measure_cells", "neighbour_pairs", "summarize_cells"]
