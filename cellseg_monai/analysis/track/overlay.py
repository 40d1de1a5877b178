"""Outlines and trails of cells, drawn on the frames of a movie."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image, ImageDraw

from cellseg_monai.colours import colours_of
from cellseg_monai.label_maps import boundaries


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
        points: points from :func:`track_cells`.
        cells: table of tracks with their ``founder``, from :func:`summarize_tracks`.
        images: grey images, scaled to [0, 1]; None for a black frame.
        trail: length of a trail in frames.
        enlarge: pixels of the picture per pixel of the image.

    Yields:
        Picture of each frame as 8-bit RGB.

    Example:
        >>> points = pd.DataFrame({"label": [1], "frame": [0], "x": [1.0], "y": [1.0], "area": [1]})
        >>> cells = pd.DataFrame({"label": [1], "founder": [1], "parent": [0]})
        >>> picture = next(draw_trails([np.eye(3, dtype=np.int32)], points, cells, [None], enlarge=2))
        >>> picture.shape
        (6, 6, 3)
    """
    if trail < 0 or enlarge < 1:
        raise ValueError(f"trail must be at least 0 and enlarge at least 1, not {trail} and {enlarge}")
    colours = np.zeros((cells["label"].max() + 1 if len(cells) else 1, 3), np.uint8)
    colours[cells["label"]] = colours_of(cells["founder"])
    parent = dict(zip(cells["label"].tolist(), cells["parent"].tolist(), strict=True))
    begin = points.groupby("label")["frame"].min().to_dict()
    places = points.set_index(["label", "frame"])[["x", "y"]]
    corners = dict(zip(places.index, ((places.to_numpy() + 0.5) * enlarge).tolist(), strict=True))
    larger = np.ones((enlarge, enlarge), np.int32)
    for frame, (label_map, image) in enumerate(zip(labels, images, strict=True)):
        grey = np.zeros(label_map.shape) if image is None else np.clip(image, 0, 1)
        picture = np.repeat((np.kron(grey, larger) * 255).astype(np.uint8)[..., None], 3, axis=-1)
        enlarged = np.kron(label_map, larger)
        edge = boundaries(enlarged)
        picture[edge] = colours[enlarged[edge]]
        drawing = Image.fromarray(picture)
        pen = ImageDraw.Draw(drawing)
        for label in np.unique(label_map[label_map > 0]).tolist():
            line, ancestor = [], label
            for earlier in range(frame, max(frame - trail, 0) - 1, -1):
                while ancestor and earlier < begin[ancestor]:
                    ancestor = parent[ancestor]
                if (ancestor, earlier) in corners:
                    line.append(tuple(corners[ancestor, earlier]))
            if len(line) > 1:
                pen.line(line, fill=tuple(colours[label].tolist()), width=max(1, enlarge // 2))
        yield np.asarray(drawing)
