"""Summary of the cells of an image in one row."""

import pandas as pd

from cellseg_monai.analysis.measure.units import PixelSize, scale_of

_NO_QUANTITIES = ("label", "class", "nearest_label", "touches_edge", "pieces", "orientation_rad")


def summarize_cells(
    cells: pd.DataFrame, shape: tuple[int, int], *, pixel_size: PixelSize = None
) -> pd.DataFrame:
    """Count the cells of an image and average their measurements.

    Args:
        cells: table from :func:`measure_cells`.
        shape: rows and columns of the image.
        pixel_size: pixel size as in :func:`measure_cells`.

    Returns:
        One row: ``cells``; ``cells_at_edge`` and ``cells_in_pieces``; area of the image, share covered by
        cells, cells per unit of area; number of cells of each class; and mean, median and sample standard
        deviation of each measurement.

    Example:
        >>> from cellseg_monai.analysis.measure.table import measure_cells
        >>> row = summarize_cells(measure_cells([[1, 0, 2, 2]]), (1, 4)).iloc[0]
        >>> float(row["cells"]), float(row["covered"]), float(row["area_px2_mean"])
        (2.0, 0.75, 1.5)
    """
    scale = scale_of(pixel_size)
    image = shape[0] * shape[1] * scale.x * scale.y or float("nan")
    area = f"area_{scale.unit}2"
    if area not in cells:
        raise ValueError(f"the table has no {area}; give the pixel size that the cells were measured with")
    row: dict[str, float] = {
        "cells": len(cells),
        "cells_at_edge": int(cells["touches_edge"].sum()),
        "cells_in_pieces": int((cells["pieces"] > 1).sum()),
        f"image_{area}": shape[0] * shape[1] * scale.x * scale.y,
        "covered": float(cells[area].sum()) / image,
        f"cells_per_{scale.unit}2": len(cells) / image,
    }
    if "class" in cells:
        row |= {f"cells_of_class_{number}": len(of_class) for number, of_class in cells.groupby("class")}
    for name in cells.columns:
        if name not in _NO_QUANTITIES and not name.startswith(("bbox_", "centroid_")):
            averages = cells[name].astype(float).agg(["mean", "median", "std"])
            row |= {f"{name}_{kind}": value for kind, value in averages.items()}
    return pd.DataFrame([row])
