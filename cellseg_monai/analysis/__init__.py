"""Label maps to biology: what each cell measures."""

from cellseg_monai.analysis.measure import measure_cells, neighbour_pairs, summarize_cells

__all__ = ["measure_cells", "neighbour_pairs", "summarize_cells"]
