"""Outlines and the way that cells came, drawn on the frames of a movie."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image, ImageDraw

from cellseg_monai.label_maps import boundaries

# Okabe and Ito's palette without black, as in the outlines of the export.
_PALETTE = np.array(
    [[230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [0, 114, 178], [213, 94, 0],
     [204, 121, 167]],
    np.uint8,
)  # fmt: skip


def draw_trails(
    labels: Sequence[npt.NDArray[np.int32]],
    points: pd.DataFrame,
    cells: pd.DataFrame,
    images: Sequence[npt.NDArray[Any] | None],
    *,
    trail: int = 10,
    enlarge: int = 1,
) -> Iterator[npt.NDArray[np.uint8]]:
    """Draw every frame; the tracks of a family share a colour.

    Args:
        labels: tracked label maps.
        points: as :func:`track_cells` gives them.
        cells: table of tracks with their ``founder``, as :func:`summarize_tracks` gives it.
        images: rows and columns, scaled to [0, 1]; None for a black frame.
        trail: how many frames back the way is drawn.
        enlarge: pixels of the picture to a pixel of the image.

    Yields:
        Rows, columns, red-green-blue.

    Example:
        >>> points = pd.DataFrame({"label": [1], "frame": [0], "x": [1.0], "y": [1.0], "area": [1]})
        >>> cells = pd.DataFrame({"label": [1], "founder": [1], "parent": [0]})
        >>> picture = next(draw_trails([np.eye(3, dtype=np.int32)], points, cells, [None], enlarge=2))
        >>> picture.shape
        (6, 6, 3)
    """
    if trail < 0 or enlarge < 1:
        raise ValueError(f"trail is 0 or more and enlarge at least 1, not {trail} and {enlarge}")
    founder = dict(zip(cells["label"].tolist(), cells["founder"].tolist(), strict=True))
    parent = dict(zip(cells["label"].tolist(), cells["parent"].tolist(), strict=True))
    colours = _PALETTE[(np.array([0, *founder.values()]) - 1) % len(_PALETTE)]
    place_of = np.zeros(max(founder, default=0) + 1, np.int64)
    place_of[list(founder)] = np.arange(1, len(founder) + 1)
    ways = dict(_ways(points))
    for frame, (label_map, image) in enumerate(zip(labels, images, strict=True)):
        large = np.kron(label_map, np.ones((enlarge, enlarge), np.int32)) if enlarge > 1 else label_map
        grey = np.zeros(label_map.shape) if image is None else np.clip(image, 0, 1)
        grey = np.kron(grey, np.ones((enlarge, enlarge))) if enlarge > 1 else grey
        picture = np.repeat((grey * 255).astype(np.uint8)[..., None], 3, axis=-1)
        edge = boundaries(large)
        picture[edge] = colours[place_of[large[edge]]]
        drawing = Image.fromarray(picture)
        pen = ImageDraw.Draw(drawing)
        for label in np.unique(label_map[label_map > 0]).tolist():
            line = [
                ((x + 0.5) * enlarge, (y + 0.5) * enlarge) for x, y in _way(label, frame, trail, ways, parent)
            ]
            if len(line) > 1:
                pen.line(line, fill=tuple(colours[place_of[label]].tolist()), width=max(1, enlarge // 2))
        yield np.asarray(drawing)


def _ways(points: pd.DataFrame) -> Iterator[tuple[int, dict[int, list[float]]]]:
    """Where each track is in its frames; points are sorted by track."""
    labels, first = np.unique(points["label"].to_numpy(), return_index=True)
    ways = np.split(points[["frame", "x", "y"]].to_numpy(np.float64), first[1:])
    for number, way in zip(labels.tolist(), ways, strict=False):
        yield number, {int(frame): [x, y] for frame, x, y in way.tolist()}


def _way(
    label: int,
    frame: int,
    trail: int,
    ways: dict[int, dict[int, list[float]]],
    parent: dict[int, int],
) -> list[list[float]]:
    """Where a cell was, back through its mother."""
    found = []
    for earlier in range(frame, max(frame - trail, 0) - 1, -1):
        while label and earlier < min(ways[label]):
            label = parent[label]
        if not label:
            break
        if earlier in ways[label]:
            found.append(ways[label][earlier])
    return found
