"""Images larger than memory, one after the other, tile by tile, through interruptions."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

from monai.utils import CommonKeys, ensure_tuple

from cellseg_monai.inference.fingerprint import fingerprint
from cellseg_monai.inference.reports import OneImage, report_each
from cellseg_monai.inference.streaming_files import Unfinished
from cellseg_monai.inference.streaming_image import LargeImage, Regions, Stitching
from cellseg_monai.inference.streaming_tile import TileSegmentation

logger = logging.getLogger(__name__)


class LargeImages:
    """Segment images of any size in the memory of a tile, and go on where a run was killed.

    An image is cut into tiles that overlap. Each goes through preprocessing, network and decoding as if it
    were an image, and the cells of all are stitched. Limits of intensity are those of the whole image, to the
    last digit: it is read once before, so that a damaged file is known before the network has worked for
    hours. What else a network says differently at the edge of a window, it says so at the edge of a tile.

    Memory holds two tiles, the one at work and the next one to be read, and some numbers for each cell. The
    disk holds the labels of the tiles, 1 to 4 bytes a pixel, until the result is complete.

    `<output_dir>/unfinished` holds what is done of each image. Killed at any moment and started again, a run
    leaves out tiles and images that are done, as long as the file, the network and all options are the same.
    A result is in its place only when it is complete. The tables `failures.csv` and `timing.csv` are those of
    :class:`~cellseg_monai.inference.EachImage`; the times are those of all runs together.

    Args:
        segment: a tile to labels.
        open_image: gives an image, from the path or paths of an item, to be indexed by channels, x, y (, z).
        cut: tiles for the shape of an image, each with a ``core`` and a ``window``, as
            :func:`cellseg_monai.instances.tile_grid`; the sizes are given to it beforehand.
        stitch: a stitcher for tiles and a folder, as :class:`cellseg_monai.instances.Stitcher`.
        write: called with path, pixels, axes and pixel size, as :func:`cellseg_monai.export.write_tiled`.
        output_dir: gets the folder `labels`, in it the sub-folders of the images.
        data_root_dir: folder of the images; what lies elsewhere is written without sub-folder.
        output_ext: of the results.
        probability: makes probabilities of ``{"pred": …}``, which are then written to `probability`.
        progress: show a bar on a terminal when an image takes long; elsewhere log a line each minute.

    Example:
        >>> import tempfile, tifffile, torch
        >>> import numpy as np
        >>> from functools import partial
        >>> from cellseg_monai.data import ImageRegions
        >>> from cellseg_monai.export import write_tiled
        >>> from cellseg_monai.instances import Componentsd, Stitcher, tile_grid
        >>> folder = Path(tempfile.mkdtemp())
        >>> tifffile.imwrite(folder / "slide.tif", np.eye(60, 90, dtype=np.uint8))
        >>> network = torch.nn.Threshold(0.5, -9.0)
        >>> segment = TileSegmentation([], network, lambda image, run: run(image), Componentsd("pred"))
        >>> cut = partial(tile_grid, size=32, halo=8)
        >>> large = LargeImages(segment, ImageRegions, cut, Stitcher, write_tiled, folder / "result")
        >>> large.run([{"image": folder / "slide.tif"}])
        >>> int(tifffile.imread(folder / "result/labels/slide.tif").max())
        1
    """

    def __init__(
        self,
        segment: TileSegmentation,
        open_image: Callable[[Any], Regions],
        cut: Callable[[Sequence[int]], Sequence[Any]],
        stitch: Callable[[Sequence[Any], Path], Stitching],
        write: Callable[..., None],
        output_dir: str | PathLike[str],
        data_root_dir: str | PathLike[str] = "",
        output_ext: str = ".tif",
        probability: Callable[[Any], Any] | None = None,
        progress: bool = True,
    ) -> None:
        if not output_ext.startswith("."):
            raise ValueError(f"output_ext begins with a dot, as .tif or .ome.zarr do, not {output_ext!r}")
        self.segment = segment
        self.open_image = open_image
        self.cut = cut
        self.stitch = stitch
        self.write = write
        self.output_dir = Path(output_dir)
        self.data_root_dir = Path(data_root_dir)
        self.output_ext = output_ext
        self.probability = probability
        self.progress = progress

    def run(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Segment every image.

        Args:
            items: each with the path of its ``image``.

        Raises:
            RuntimeError: at the end, if an image failed.
            ValueError: two results would have one name.
        """
        images = [item[CommonKeys.IMAGE] for item in items]
        names = [self._name(image) for image in images]
        if twice := [name for name in names if names.count(name) > 1]:
            files = [str(image) for image, name in zip(images, names, strict=True) if name == twice[0]]
            raise ValueError(f"the results of {' and '.join(files)} would have one name; rename one")
        # Before anything has run: objects change as they work.
        settings = fingerprint(
            version("cellseg_monai"), vars(self.segment), self.open_image, self.cut, self.probability
        )
        report_each(
            [
                OneImage(
                    image, list(self._places(name).values()), partial(self._image, image, name, settings)
                )
                for image, name in zip(images, names, strict=True)
            ],
            self.output_dir,
        )

    def _places(self, name: str) -> dict[str, Path]:
        """Where the results of an image belong, by their kind."""
        kinds = ["labels", "probability"] if self.probability else ["labels"]
        return {kind: self.output_dir / kind / f"{name}{self.output_ext}" for kind in kinds}

    def _name(self, image: Any) -> str:
        """Where the result lies in its folder, without ending."""
        path = Path(ensure_tuple(image)[0])
        name = Path(path.name.removesuffix(".gz")).stem.removesuffix(".ome")
        root = self.data_root_dir.resolve()
        parents = path.parent.resolve()
        return (
            parents.relative_to(root) / name if root in (parents, *parents.parents) else Path(name)
        ).as_posix()

    def _image(self, image: Any, name: str, settings: str) -> dict[str, float]:
        """Segment one image, or what is left of it to do; seconds of each stage."""
        regions = self.open_image(image)
        digest = fingerprint(settings, regions.shape, _stamp(image))
        unfinished = Unfinished(self.output_dir / "unfinished", name, digest)
        places = self._places(name)
        note = unfinished.note(list(places.values()))
        if note is None:
            unfinished.begin()
            tiles = self.cut(regions.shape[1:])
            large = LargeImage(
                str(image), regions, tiles, self.stitch(tiles, unfinished.folder / "tiles"), unfinished
            )
            large.segment(self.segment, self.probability, self.progress)
            note = large.write(self.write, places, self.output_ext)
            logger.info("%s: %d cells", image, note["cells"])
        else:
            logger.info("%s: is done already, %d cells", image, note["cells"])
        return dict(note["seconds"])


def _stamp(image: Any) -> list[tuple[int, int]]:
    """Size and time of the files, by which a changed one is known; of OME-Zarr those of the metadata."""
    files: list[Path] = []
    for path in map(Path, ensure_tuple(image)):
        files += sorted(path.glob(".z*")) + sorted(path.glob("zarr.json")) if path.is_dir() else [path]
    return [(stat.st_size, stat.st_mtime_ns) for stat in (file.stat() for file in files if file.exists())]
