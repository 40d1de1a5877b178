"""Images in all formats that are read in parts, and a configuration that segments them."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import imagecodecs
import nibabel
import numpy as np
import tifffile
import torch
from monai.data import Dataset
from monai.engines import SupervisedEvaluator
from monai.inferers import Inferer, SimpleInferer
from monai.transforms import Compose, LoadImaged, SaveImaged

from cellseg_monai.data import ImageRegions, MicroscopyReader, list_items
from cellseg_monai.export import TiffWriter, write_ome_zarr, write_tiled
from cellseg_monai.inference import EachImage, LargeImages, TileSegmentation
from cellseg_monai.instances import Componentsd, Probabilityd, Stitcher, tile_grid
from cellseg_monai.transforms import MatchChannelsd, PercentileStretchd


class Blurred(torch.nn.Module):
    """Says cell where an image is bright on average over 5 by 5 pixels."""

    def __init__(self, threshold: float = 0.3137, note: Path | None = None, seconds: float = 0.0) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((1, 1, 5, 5), 1 / 25))
        self.threshold = threshold
        self.note = note
        self.seconds = seconds

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.note is not None:
            with self.note.open("a") as file:
                file.write("seen\n")
        time.sleep(self.seconds)
        return 20 * (torch.nn.functional.conv2d(images, self.weight, padding=2) - self.threshold)


def pixels_of(side: tuple[int, int], dtype: Any = np.uint8, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Rows, columns and channels of bright blobs on noise; no two tiles have the same percentiles."""
    random = np.random.default_rng(seed)
    rows, columns = side
    points = np.zeros(side)
    points[
        random.integers(0, rows, rows * columns // 400), random.integers(0, columns, rows * columns // 400)
    ] = 1
    light = torch.nn.functional.avg_pool2d(torch.as_tensor(points)[None], 9, 1, 4)[0].numpy() * 81
    slope = np.linspace(0.6, 1.4, columns)
    light = (light.clip(0, 1) * 150 + random.normal(20, 4, side)) * slope
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1.0
    colours = np.stack([light * (1 - 0.1 * channel) for channel in range(channels)], axis=-1) / 255
    return (colours.clip(0, 1) * top).astype(dtype)


def write_slide(kind: str, path: Path, pixels: np.ndarray) -> Path:
    """Write rows, columns and channels in one of the formats; the path has no ending yet."""
    plane = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = {"photometric": "rgb" if plane.ndim == 3 else "minisblack"}
    if kind == "tiled TIFF":
        path = path.with_suffix(".tif")
        tifffile.imwrite(path, plane, tile=(64, 64), compression="zlib", **colour)
    elif kind == "pyramid of OME-TIFF":
        path = path.with_suffix(".ome.tif")
        with tifffile.TiffWriter(path, bigtiff=True) as file:
            options = {"tile": (64, 64), "compression": "zlib", **colour}
            file.write(
                np.repeat(np.repeat(plane, 2, 0), 2, 1),
                subifds=1,
                metadata={"axes": "YXS"[: plane.ndim]},
                **options,
            )
            file.write(plane, subfiletype=1, **options)
    elif kind == "OME-Zarr":
        path = path.with_suffix(".ome.zarr")
        rows_last = np.moveaxis(pixels, -1, 0)
        write_ome_zarr(path, rows_last, "CYX", (0.5, 0.5), chunk=64, labels=False)
    elif kind == "NIfTI":
        path = path.with_suffix(".nii")
        channels_last = np.swapaxes(pixels, 0, 1)[:, :, None]
        nibabel.save(
            nibabel.Nifti1Image(
                channels_last.squeeze(-1) if pixels.shape[-1] == 1 else channels_last, np.eye(4)
            ),
            path,
        )
    else:
        path = path.with_suffix(".png")
        imagecodecs.imwrite(str(path), plane)
    return path


def steps() -> list[Callable[[Any], Any]]:
    return [PercentileStretchd("image"), MatchChannelsd("image", 1)]


def large_images(
    folder: Path, level: int = 0, network: torch.nn.Module | None = None, **options: Any
) -> LargeImages:
    """The overlay for large images, with tiles of 48 pixels."""
    decoding = options.pop("decoding", Componentsd("pred", min_size=5))
    segment = TileSegmentation(
        options.pop("preprocessing", steps()),
        network or Blurred(),
        options.pop("inferer", SimpleInferer()),
        decoding,
    )
    if options.pop("save_probability", False):
        options["probability"] = Probabilityd("pred", decoding)
    cut = partial(tile_grid, size=options.pop("tile", 48), halo=options.pop("halo", 32))
    return LargeImages(
        segment, partial(ImageRegions, level=level), cut, Stitcher, write_tiled, folder / "result",
        data_root_dir=folder / "images", **options,
    )  # fmt: skip


def segment_whole(
    paths: Sequence[Path], folder: Path, level: int = 0, inferer: Inferer | None = None
) -> None:
    """The same in memory, by the configuration for images that fit."""
    load = LoadImaged("image", MicroscopyReader(level=level), ensure_channel_first=True)
    save = SaveImaged(
        "pred",
        output_dir=folder / "whole",
        output_postfix="",
        output_ext=".tif",
        output_dtype=np.int32,
        writer=TiffWriter,
        separate_folder=False,
        print_log=False,
    )
    postprocessing = Compose([Componentsd("pred", min_size=5), save])
    dataset = Dataset([{"image": str(path)} for path in paths], Compose([load, *steps()]))
    evaluator = SupervisedEvaluator("cpu", [0], Blurred(), inferer=inferer, postprocessing=postprocessing)
    EachImage(evaluator, dataset, postprocessing, folder / "whole").run()


def same_cells(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two label maps differ in their numbers alone."""
    if one.shape != other.shape:
        return False
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return len(pairs.T) == len(np.unique(one)) == len(np.unique(other)) and (0 in one) == (
        0 in pairs.min(axis=0)
    )


def segment_slowly(folder: str | Path) -> None:
    """Segment what is in `images`, a tenth of a second a tile; `seen` has a line for each."""
    folder = Path(folder)
    network = Blurred(note=folder / "seen", seconds=0.1)
    large_images(folder, network=network, tile=64, halo=16).run(list_items(folder / "images"))
