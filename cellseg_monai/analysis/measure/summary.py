"""The cells of an image in one row."""

import numpy as np
import pandas as pd

from cellseg_monai.analysis.measure.units import PixelSize, scale_of

_NO_QUANTITIES = ("label", "class", "nearest_label", "touches_edge", "pieces", "orientation_rad")


def summarize_cells(
    cells: pd.DataFrame, shape: tuple[int, int], *, pixel_size: PixelSize = None
) -> pd.DataFrame:
    """Count the cells of an image and average what was measured of them.

    Args:
        cells: as :func:`measure_cells` gives it.
        shape: rows and columns of the image.
        pixel_size: as in :func:`measure_cells`.

    Returns:
        One row: ``cells``; ``cells_at_edge`` and ``cells_in_pieces``; area of the image, the share that cells
        cover, cells a unit of area; cells of each class; and mean, median and standard deviation (dividing
        by the cells less one) of each quantity.

    Example:
        >>> from cellseg_monai.analysis.measure.table import measure_cells
        >>> row = summarize_cells(measure_cells([[1, 0, 2, 2]]), (1, 4)).iloc[0]
        >>> float(row["cells"]), float(row["covered"]), float(row["area_px2_mean"])
        (2.0, 0.75, 1.5)
    """
    scale = scale_of(pixel_size)
    image = shape[0] * shape[1] * scale.x * scale.y
    area = f"area_{scale.unit}2"
    if area not in cells:
        raise ValueError(f"the table has no {area}; give the pixel size with which it was measured")
    row: dict[str, float] = {
        "cells": len(cells),
        "cells_at_edge": int(cells["touches_edge"].sum()),
        "cells_in_pieces": int((cells["pieces"] > 1).sum()),
        f"image_{area}": image,
        "covered": float(cells[area].sum()) / image if image else float("nan"),
        f"cells_per_{scale.unit}2": len(cells) / image if image else float("nan"),
    }
    if "class" in cells:
        row |= {f"cells_of_class_{number}": int(count) for number, count in _counts(cells["class"])}
    for name in cells.columns:
        if name not in _NO_QUANTITIES and not name.startswith(("bbox_", "centroid_")):
            values = cells[name].dropna().to_numpy(np.float64)
            row[f"{name}_mean"] = float(values.mean()) if len(values) else float("nan")
            row[f"{name}_median"] = float(np.median(values)) if len(values) else float("nan")
            row[f"{name}_std"] = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return pd.DataFrame([row])


def _counts(classes: "pd.Series[int]") -> list[tuple[int, int]]:
    numbers, counts = np.unique(classes.to_numpy(), return_counts=True)
    return list(zip(numbers.tolist(), counts.tolist(), strict=True))
