"""Summary of the cells of an image in one row."""

import math

import pandas as pd

from cellseg_monai.analysis.measure.units import PixelSize, scale_of

_NO_QUANTITIES = ("label", "class", "nearest_label", "touches_edge", "pieces", "orientation_rad")


def summarize_cells(
    cells: pd.DataFrame, shape: tuple[int, ...], *, pixel_size: PixelSize = None
) -> pd.DataFrame:
    """Count the cells of an image or stack and average their measurements.

    Args:
        cells: table from :func:`measure_cells` or :func:`measure_stack`.
        shape: rows and columns of the image, or planes, rows and columns of the stack.
        pixel_size: pixel size as in the function that made the table.

    Returns:
        One row: ``cells``; ``cells_at_edge`` and, of an image, ``cells_in_pieces``; area of the image or
            volume
        of the stack, share covered by cells, cells per unit of area or volume; number of cells of each class;
        and mean, median and sample standard deviation of each measurement.

    Example:
        >>> from cellseg_monai.analysis.measure.table import measure_cells
        >>> row = summarize_cells(measure_cells([[1, 0, 2, 2]]), (1, 4)).iloc[0]
        >>> float(row["cells"]), float(row["covered"]), float(row["area_px2_mean"])
        (2.0, 0.75, 1.5)
    """
    scale = scale_of(pixel_size)
    is_stack = len(shape) == 3
    image = math.prod(shape) * scale.x * scale.y * (scale.z if is_stack else 1.0)
    area, power = (f"volume_{scale.unit}3", 3) if is_stack else (f"area_{scale.unit}2", 2)
    if area not in cells:
        raise ValueError(f"the table has no {area}; give the pixel size that the cells were measured with")
    row: dict[str, float] = {
        "cells": len(cells),
        "cells_at_edge": int(cells["touches_edge"].sum()),
        **({} if is_stack else {"cells_in_pieces": int((cells["pieces"] > 1).sum())}),
        f"image_{area}": image,
        "covered": float(cells[area].sum()) / (image or math.nan),
        f"cells_per_{scale.unit}{power}": len(cells) / (image or math.nan),
    }
    if "class" in cells:
        row |= {f"cells_of_class_{number}": len(of_class) for number, of_class in cells.groupby("class")}
    for name in cells.columns:
        if name not in _NO_QUANTITIES and not name.startswith(("bbox_", "centroid_")):
            averages = cells[name].astype(float).agg(["mean", "median", "std"])
            row |= {f"{name}_{kind}": value for kind, value in averages.items()}
    return pd.DataFrame([row])
