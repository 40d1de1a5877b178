"""One large image: tile after tile to cells, and the cells to a file."""

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from monai.utils import CommonKeys

from cellseg_monai.inference.progress import WindowProgress
from cellseg_monai.inference.reports import STAGES
from cellseg_monai.inference.streaming_files import Box, CoreFiles, RowsColumns, Unfinished
from cellseg_monai.inference.streaming_tile import TileSegmentation

logger = logging.getLogger(__name__)


class Regions(Protocol):
    """An image whose parts are read when it is indexed: channels, x, y (, z)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels first."""

    def __getitem__(self, box: Box) -> npt.NDArray[Any]:
        """The pixels of a part."""


class Stitching(Protocol):
    """What makes labels of the whole image from those of tiles, and remembers tiles across runs."""

    tiles: Sequence[Any]

    @property
    def missing(self) -> list[int]:
        """Numbers of the tiles that are still to be added."""

    def add(self, number: int, labels: npt.ArrayLike) -> None:
        """Take the labels of a tile's window."""

    def join(self) -> int:
        """Number the cells of the whole; how many there are."""

    def region(self, box: Box) -> npt.NDArray[Any]:
        """The final labels of a part of the image."""


class LargeImage:
    """An image on its way from tiles to cells.

    Args:
        name: of the image, for messages.
        regions: the image.
        tiles: with ``core`` and ``window``.
        stitcher: of these tiles.
        unfinished: what is kept between runs.

    Example:
        See :class:`~cellseg_monai.inference.LargeImages`.
    """

    def __init__(
        self, name: str, regions: Regions, tiles: Sequence[Any], stitcher: Stitching, unfinished: Unfinished
    ) -> None:
        self.name = name
        self.regions = regions
        self.tiles = tiles
        self.stitcher = stitcher
        self.unfinished = unfinished
        self._probability: CoreFiles | None = None

    def segment(
        self, tile: TileSegmentation, probability: Callable[[Any], Any] | None, progress: bool
    ) -> None:
        """Make the labels of all tiles that are missing.

        Args:
            tile: how.
            probability: makes probabilities of ``{"pred": …}``, to be kept as well.
            progress: show it.
        """
        if probability is not None:
            folder = self.unfinished.folder / "probability"
            self._probability = CoreFiles(folder, [tile.core for tile in self.tiles])
        with self._timed("read"):
            limits = self.unfinished.limits(lambda: tile.limits(self._parts, self.name))
        missing = self.stitcher.missing
        if len(missing) < len(self.tiles):
            done = len(self.tiles) - len(missing)
            logger.info("%s: %d of %d tiles are done already", self.name, done, len(self.tiles))
        with WindowProgress(len(missing), progress, "tile") as bar:
            for number, pixels, seconds in self._read_ahead(missing):
                self.unfinished.add_seconds({"read": seconds})
                with self._timed("network"):
                    logits = tile.logits(pixels, self.name, limits)
                    if logits.is_cuda:
                        torch.cuda.synchronize(logits.device)
                with self._timed("postprocessing"):
                    if probability is not None:
                        self._keep(number, probability({CommonKeys.PRED: logits})[CommonKeys.PRED])
                    self.stitcher.add(number, tile.labels(logits))  # last, for then the tile counts as done
                bar.advance(1)

    def write(self, write: Callable[..., None], places: Mapping[str, Path], ending: str) -> dict[str, Any]:
        """Stitch, and put the results in their places.

        Args:
            write: called with path, pixels, axes and size of a pixel.
            places: of "labels" and, if it was kept, "probability".
            ending: of the names.

        Returns:
            The number of cells, and the seconds of each stage over all runs.
        """
        with self._timed("postprocessing"):
            cells = self.stitcher.join()
        sides = self.regions.shape[1:]
        results = {"labels": RowsColumns(self.stitcher.region, sides, np.int32)}
        if self._probability is not None:
            first = self._probability.first
            shape = (len(first), *sides)
            results["probability"] = RowsColumns(self._probability.region, shape, first.dtype, channels=True)
        written = {place: self.unfinished.folder / f"{kind}{ending}" for kind, place in places.items()}
        with self._timed("write"):
            for kind, pixels in results.items():
                path = written[places[kind]]
                if path.is_dir():  # of a run that was killed while it wrote
                    shutil.rmtree(path)
                axes = "ZYX"[-len(sides) :] if kind == "labels" else "C" + "ZYX"[-len(sides) :]
                write(path, pixels, axes=axes, pixel_size=getattr(self.regions, "pixel_size", None))
        note = {"cells": cells, "seconds": self.unfinished.seconds(STAGES)}
        self.unfinished.finish(written, note)
        return note

    def _parts(self) -> Iterator[npt.NDArray[Any]]:
        """The whole image, each pixel once."""
        return (self.regions[(slice(None), *tile.core)] for tile in self.tiles)

    def _read_ahead(self, missing: Sequence[int]) -> Iterator[tuple[int, npt.NDArray[Any], float]]:
        """The windows of tiles and the seconds of reading, each read while the one before is worked on."""
        with ThreadPoolExecutor(1) as reader:
            waiting: list[Future[tuple[npt.NDArray[Any], float]]] = []
            for place, number in enumerate(missing):
                reading = waiting.pop() if waiting else reader.submit(self._read, number)
                pixels, seconds = reading.result()
                del reading  # which holds the pixels
                if place + 1 < len(missing):
                    waiting.append(reader.submit(self._read, missing[place + 1]))
                yield number, pixels, seconds

    def _read(self, number: int) -> tuple[npt.NDArray[Any], float]:
        began = time.perf_counter()
        pixels = np.asarray(self.regions[(slice(None), *self.tiles[number].window)])
        return pixels, time.perf_counter() - began

    def _keep(self, number: int, probability: Any) -> None:
        assert self._probability is not None
        core, window = self.tiles[number]
        inside = (
            slice(part.start - around.start, part.stop - around.start)
            for part, around in zip(core, window, strict=True)
        )
        pixels = torch.as_tensor(probability)[(slice(None), *inside)]
        self._probability.keep(number, pixels.cpu().numpy())

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.unfinished.add_seconds({stage: time.perf_counter() - began})
