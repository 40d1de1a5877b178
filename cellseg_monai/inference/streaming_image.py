"""Segment one large image: tiles to cells, and cells to a file."""

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.utils import CommonKeys

from cellseg_monai.inference.one_image import STAGES
from cellseg_monai.inference.progress_bar import with_progress
from cellseg_monai.inference.read_ahead import read_ahead
from cellseg_monai.inference.streaming_files import Box, CoreFiles, RowsColumns, Unfinished, within
from cellseg_monai.inference.streaming_tile import TileSegmentation, WholeImage

logger = logging.getLogger(__name__)

_SAMPLE = 16
"""Number of tiles in which the size of the cells is looked for."""


@dataclass(eq=False)
class LargeImage:
    """An image on its way from tiles to cells.

    Args:
        name: name of the image, for messages.
        regions: image with a shape whose parts are read by indexing: channels, x, y (, z).
        tiles: tiles with ``core`` and ``window``.
        stitcher: stitcher of these tiles, which remembers them across runs, with the ``missing`` ones,
            ``add(number, labels)``, ``join()`` and ``region(box)``; with ``flat_tiles`` if its tiles are
            planes without a third axis.
        unfinished: files that are kept between runs.
        probability: transform that makes probabilities from ``{"pred": …}``, to write them too.
        own_limits: whether each tile is stretched by its own intensities, as it is a frame of a movie.

    Example:
        See :class:`~cellseg_monai.inference.LargeImages`.
    """

    name: str
    regions: Any
    tiles: Sequence[Any]
    stitcher: Any
    unfinished: Unfinished
    probability: Callable[[Any], Any] | None = None
    own_limits: bool = False

    def __post_init__(self) -> None:
        self._is_flat = getattr(self.stitcher, "flat_tiles", False)
        if self.probability is not None:
            folder = self.unfinished.folder / "probability"
            self._probabilities = CoreFiles(folder, [tile.core for tile in self.tiles])

    def segment(self, segmentation: TileSegmentation, progress: bool) -> None:
        """Make the labels of all missing tiles.

        Args:
            segmentation: steps that segment a tile.
            progress: show the progress.
        """
        whole = WholeImage()
        if not self.own_limits:
            with self._timed("read"):
                limits = self.unfinished.once("limits", lambda: segmentation.limits(self._parts, self.name))
            with self._timed("network"):
                diameter = self.unfinished.once(
                    "diameter", lambda: segmentation.diameter(self._sample(), self.name, limits)
                )
            whole = WholeImage(limits, diameter)
        missing = self.stitcher.missing
        if done := len(self.tiles) - len(missing):
            logger.info("%s: %d of %d tiles are already done", self.name, done, len(self.tiles))
        readings = zip(missing, read_ahead(self._read, missing), strict=True)
        tiles = (self._segment(number, reading, segmentation, whole) for number, reading in readings)
        for _ in with_progress(tiles, len(missing), shown=progress, unit="tile", size=lambda _: 1):
            pass

    def _segment(self, number: int, reading: Any, segmentation: TileSegmentation, whole: WholeImage) -> int:
        pixels, seconds = reading.result()
        self.unfinished.add_seconds({"read": seconds})
        with self._timed("network"):
            logits = segmentation.logits(pixels, self.name, whole)
            if logits.is_cuda:
                torch.cuda.synchronize(logits.device)
        with self._timed("postprocessing"):
            self._keep_probability(number, logits)
            self.stitcher.add(number, segmentation.labels(logits))  # last, since then the tile counts as done
        return number

    def write(self, write: Callable[..., None], places: Mapping[str, Path], ending: str) -> dict[str, Any]:
        """Stitch the tiles, and move the results to their final paths.

        Args:
            write: function of path, pixels, axes, pixel size, and affine if the image has one, that writes a
                file.
            places: final paths of "labels" and, with a probability, of "probability".
            ending: ending of the file names.

        Returns:
            Number of cells, and seconds of each stage over all runs.
        """
        with self._timed("postprocessing"):
            cells = self.stitcher.join()
        sides = self.regions.shape[1:]
        axes = f"{getattr(self.regions, 'axes', 'CXYZ')[3 : len(sides) + 1]}YX"
        space = {"pixel_size": getattr(self.regions, "pixel_size", None)}
        if (affine := getattr(self.regions, "affine", None)) is not None:
            space["affine"] = affine
        results = {"labels": (RowsColumns(self.stitcher.region, sides, np.int32), axes)}
        if self.probability is not None:
            first, read = self._probabilities.core(0), self._probabilities.region
            pixels = RowsColumns(read, (len(first), *sides), first.dtype, channels=True)
            results["probability"] = (pixels, f"C{axes}")
        written = {place: self.unfinished.folder / f"{kind}{ending}" for kind, place in places.items()}
        with self._timed("write"):
            for kind, (pixels, order) in results.items():
                path = written[places[kind]]
                if path.is_dir():  # from a run that was killed while it wrote
                    shutil.rmtree(path)
                write(path, pixels, axes=order, **space)
        note = {"cells": cells, "seconds": self.unfinished.seconds(STAGES)}
        self.unfinished.finish(written, note)
        return note

    def _parts(self) -> Iterator[npt.NDArray[Any]]:
        """Yield the whole image, each pixel once."""
        return (self._pixels(tile.core) for tile in self.tiles)

    def _sample(self) -> Iterator[npt.NDArray[Any]]:
        """Yield tiles from all over the image."""
        numbers = np.linspace(0, len(self.tiles) - 1, min(_SAMPLE, len(self.tiles))).round().astype(int)
        return (self._read(number) for number in numbers)

    def _read(self, number: int) -> npt.NDArray[Any]:
        return self._pixels(self.tiles[number].window)

    def _pixels(self, box: Box) -> npt.NDArray[Any]:
        pixels = np.asarray(self.regions[(slice(None), *box)])
        return pixels[..., 0] if self._is_flat and pixels.ndim == 4 else pixels

    def _keep_probability(self, number: int, logits: torch.Tensor) -> None:
        if self.probability is not None:
            probability = torch.as_tensor(self.probability({CommonKeys.PRED: logits})[CommonKeys.PRED])
            core, window = self.tiles[number]
            if probability.ndim == len(core):
                probability = probability[..., None]
            pixels = probability[(slice(None), *within(core, window))]
            self._probabilities.keep(number, pixels.cpu().numpy())

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.unfinished.add_seconds({stage: time.perf_counter() - began})
