"""Tables, plots and pictures in one HTML file that works offline.

Nothing here knows what a score means: arrays and names in, text out.
"""

from cellseg_monai.export.report.axes import SERIES
from cellseg_monai.export.report.drawing import drawing
from cellseg_monai.export.report.figure import Layer, layered_figure, legend
from cellseg_monai.export.report.html import Cell, Section, definitions, note, page, table, tiles
from cellseg_monai.export.report.interval_plot import Interval, interval_plot
from cellseg_monai.export.report.layers import base_picture, heat_picture, mask_layer, object_layer
from cellseg_monai.export.report.line_plot import Line, line_plot
from cellseg_monai.export.report.strip_plot import strip_plot

__all__ = [
    "SERIES",
    "Cell",
    "Interval",
    "Layer",
    "Line",
    "Section",
    "base_picture",
    "definitions",
    "drawing",
    "heat_picture",
    "interval_plot",
    "layered_figure",
    "legend",
    "line_plot",
    "mask_layer",
    "note",
    "object_layer",
    "page",
    "strip_plot",
    "table",
    "tiles",
]
