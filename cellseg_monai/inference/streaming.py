"""Segment images larger than memory, one after another, tile by tile; interrupted runs continue."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property, partial
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

from monai.utils import CommonKeys, ensure_tuple

from cellseg_monai.inference.configuration_hash import configuration_hash
from cellseg_monai.inference.failure_table import report_each
from cellseg_monai.inference.one_image import OneImage, Perform, Segmented, in_turn, stamp_of
from cellseg_monai.inference.streaming_files import Unfinished
from cellseg_monai.inference.streaming_image import LargeImage
from cellseg_monai.inference.streaming_tile import TileSegmentation
from cellseg_monai.outputs.origin import Origin

logger = logging.getLogger(__name__)

_KEPT = {
    (".zarr",): ".ome.zarr",
    (".nii", ".nii.gz"): ".nii.gz",
    (".nrrd", ".nhdr", ".mha", ".mhd"): ".nrrd",
}
"""Endings of results in the format of their image."""


@dataclass(eq=False)
class LargeImages:
    """Segment images of any size in the memory of a tile, and continue where a killed run stopped.

    An image is cut into overlapping tiles. Each tile goes through preprocessing, network and decoding as if
    it were an image, and the cells of all tiles are stitched. The intensity limits are those of the whole
    image, to the last digit: it is read once in advance, so a damaged file is found before the network has
    worked for hours. Otherwise the edge of a tile has the same effect as the edge of a window.

    A stack of planes is cut into tiles of planes if `cut` does so. The frames of a movie are images of their
    own: each is one tile with limits of its own, and `stitch` must not link them.

    Memory holds two tiles, the current one and the next one, and some numbers for each cell. Until the result
    is complete, the disk holds the labels of the tiles, 1 to 4 bytes per pixel.

    `<output_dir>/unfinished` holds the finished parts of each image. If a run is killed and started again, it
    skips tiles and images that are done, as long as the file, the network and all options are the same. A
    result appears at its path only when it is complete. The tables `failures.csv`, `timing.csv` and
    `counts.csv` are those of :class:`~cellseg_monai.inference.EachImage`; times are sums over all runs.

    Args:
        segment: steps that segment a tile.
        open_image: function that opens an image from the path or paths of an item, to be indexed by channels,
            x, y (, z).
        cut: function that returns the tiles for the shape of an image, each with a ``core`` and a ``window``,
            such as :func:`cellseg_monai.instances.tile_grid` with given sizes; for movies it must take a
            `size`, like :func:`cellseg_monai.instances.plane_grid`.
        stitch: function that returns a stitcher for tiles and a folder, such as
            :class:`cellseg_monai.instances.Stitcher`; for movies it must take ``link=False``, like
            :class:`cellseg_monai.instances.PlaneStitcher`.
        write: function of path, pixels, axes, pixel size and affine that writes a file, such as
            :func:`cellseg_monai.export.write_tiled`.
        output_dir: folder of the results, with a folder `labels` that has the subfolders of the images.
        data_root_dir: folder of the images; results of images elsewhere have no subfolder.
        output_ext: ending of the results; None for the format of the image, or TIFF if it is another one than
            OME-Zarr, NIfTI, NRRD and MetaImage (written as NRRD).
        probability: transform that makes probabilities from ``{"pred": …}``, which are written to the folder
            `probability`.
        progress: show a bar on a terminal if an image takes long; elsewhere, log a line every minute.
        origin: bundle and weights, for ``run.json``.

    Raises:
        ValueError: ``output_ext`` does not begin with a dot.

    Example:
        >>> import tempfile, tifffile, torch
        >>> import numpy as np
        >>> from functools import cached_property, partial
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

    segment: TileSegmentation
    open_image: Callable[[Any], Any]
    cut: Callable[..., Sequence[Any]]
    stitch: Callable[..., Any]
    write: Callable[..., None]
    output_dir: str | PathLike[str]
    _: KW_ONLY
    data_root_dir: str | PathLike[str] = ""
    output_ext: str | None = ".tif"
    probability: Callable[[Any], Any] | None = None
    progress: bool = True
    origin: Origin | None = None

    def __post_init__(self) -> None:
        if self.output_ext is not None and not self.output_ext.startswith("."):
            raise ValueError(
                f"output_ext must begin with a dot, like .tif or .ome.zarr, not {self.output_ext!r}"
            )

    def run(self, items: Sequence[Mapping[str, Any]], perform: Perform = in_turn) -> None:
        """Segment every image.

        Args:
            items: items with the path of their ``image``.
            perform: way to work through the images; by default one after another.

        Raises:
            RuntimeError: at the end, if an image failed.
            ValueError: two results would have the same name.
        """
        images = [item[CommonKeys.IMAGE] for item in items]
        names = [self._name(image) for image in images]
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            files = [str(image) for image, name in zip(images, names, strict=True) if name == twice[0]]
            raise ValueError(
                f"the results of {' and '.join(files)} would have the same name; rename one image"
            )
        jobs = [
            OneImage(image, list(self._places(image).values()), partial(self.segment_image, image))
            for image in images
        ]
        report_each(jobs, Path(self.output_dir), self._settings, perform, origin=self.origin)

    @cached_property
    def _settings(self) -> str:
        """Hash of all that a result depends on besides its image."""
        return configuration_hash(
            version("cellseg_monai"),
            vars(self.segment),
            self.open_image,
            self.cut,
            self.stitch,
            self.probability,
        )

    def path_of(self, image: Any) -> Path:
        """Path of the label map of an image.

        Args:
            image: file of the image, or files of its channels.
        """
        return self._places(image)["labels"]

    def _places(self, image: Any) -> dict[str, Path]:
        """Return the final paths of the results of an image, by their kind."""
        kinds = ["labels", "probability"] if self.probability else ["labels"]
        name, ending = self._name(image), self._ending(image)
        return {kind: Path(self.output_dir, kind, f"{name}{ending}") for kind in kinds}

    def _ending(self, image: Any) -> str:
        if self.output_ext is not None:
            return self.output_ext
        name = Path(ensure_tuple(image)[0]).name.lower()
        return next((ending for suffixes, ending in _KEPT.items() if name.endswith(suffixes)), ".tif")

    def _name(self, image: Any) -> str:
        """Return the path of the result in its folder, without ending."""
        path = Path(ensure_tuple(image)[0])
        name = Path(path.name.removesuffix(".gz")).stem.removesuffix(".ome")
        folder, root = path.parent.resolve(), Path(self.data_root_dir).resolve()
        return (folder.relative_to(root) / name).as_posix() if folder.is_relative_to(root) else name

    def segment_image(self, image: Any) -> Segmented:
        """Segment the unfinished part of a single image, and write its results.

        Args:
            image: file of the image, or files of its channels.
        """
        settings = self._settings  # before anything runs, because objects change while they work
        regions = self.open_image(image)
        digest = configuration_hash(settings, regions.shape, stamp_of(image))
        unfinished = Unfinished(Path(self.output_dir, "unfinished"), self._name(image), digest)
        places = self._places(image)
        note = unfinished.note(list(places.values()))
        if note is None:
            unfinished.begin()
            shape, is_movie = regions.shape[1:], getattr(regions, "axes", "").endswith("T")
            tiles = self.cut(shape, size=max(shape[:2])) if is_movie else self.cut(shape)
            alone = {"link": False} if is_movie else {}
            stitcher = self.stitch(tiles, unfinished.folder / "tiles", **alone)
            large = LargeImage(str(image), regions, tiles, stitcher, unfinished, self.probability, is_movie)
            large.segment(self.segment, self.progress)
            note = large.write(self.write, places, self._ending(image))
        else:
            logger.info("%s: already done", image)
        return Segmented(note["seconds"], note["cells"])
