"""Crops of a few images, and their cells by a model."""

import time
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor

from cellseg_monai.data import read_label_map, read_pixels
from cellseg_monai.data.datalist import Item, as_list
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.runtime.finding import find_inference
from cellseg_monai.runtime.overrides import literal_options
from cellseg_monai.training import load_pretrained

CROPS = 3
SIDE = 384
"""Number of crops, and their largest side in pixels of the image."""

Region = tuple[slice, slice]


class Crop(NamedTuple):
    """Region of an image.

    Attributes:
        image: file or files of the image.
        region: rows and columns.
    """

    image: Any
    region: Region


class CellsOfCrops(NamedTuple):
    """Cells in crops.

    Attributes:
        cells: label map of each crop.
        seconds: seconds for a megapixel of the image.
    """

    cells: list[LabelMap]
    seconds: float


def labelled_crops(items: Sequence[Item]) -> list[tuple[Crop, LabelMap]]:
    """Of a few images, the region whose share of foreground is closest to that of the whole image."""
    found = []
    for item in _some(items):
        labels = read_label_map(item["label"])
        shares = [(labels[region] > 0).mean() for region in _regions(labels.shape)]
        best = np.argmin(np.abs(np.array(shares) - (labels > 0).mean()))
        region = _regions(labels.shape)[best]
        found.append((Crop(item["image"], region), labels[region]))
    return found


def contrasting_crops(items: Sequence[Item]) -> list[Crop]:
    """Of a few images, the region with the largest spread of intensities: there are cells in it."""
    found = []
    for item in _some(items):
        pixels = read_pixels(as_list(item["image"])[0])
        regions = _regions(pixels.shape[:2])
        spreads = [pixels[region].std() for region in regions]
        found.append(Crop(item["image"], regions[np.argmax(spreads)]))
    return found


def _some(items: Sequence[Item]) -> list[Item]:
    places = np.linspace(0, len(items) - 1, CROPS).round().astype(int)
    return [items[index] for index in np.unique(places)]


def _regions(shape: Sequence[int]) -> list[Region]:
    """Regions in the corners, at the edges, and in the middle."""
    starts = [sorted({0, (side - min(SIDE, side)) // 2, side - min(SIDE, side)}) for side in shape]
    rows, columns = ([slice(start, start + SIDE) for start in each] for each in starts)
    return list(product(rows, columns))


def segment(
    folder: Path, options: Mapping[str, Any], crops: Sequence[Crop], flip: bool = False
) -> CellsOfCrops:
    """Segment crops with a model.

    Args:
        folder: folder of a bundle.
        options: values of ``inference.json`` by id.
        crops: crops to segment.
        flip: whether the model sees the mirror image; the cells are mirrored back.
    """
    read, network, inferer, decode = _parts(folder, options)
    maps, pixels, seconds = [], 0, 0.0
    for crop in crops:
        image = read({"image": crop.image})["image"].as_tensor()
        rows, columns = crop.region
        part = image[:, columns, rows].contiguous()  # MONAI's order of axes is x, y
        began = time.monotonic()
        with torch.inference_mode():
            logits = inferer(MetaTensor(part.flip(-1) if flip else part)[None], network)[0]
        cells = np.asarray(decode({"pred": MetaTensor(logits)})["pred"][0]).T.astype(np.int32)
        seconds += time.monotonic() - began
        pixels += cells.size
        maps.append(cells[::-1] if flip else cells)
    return CellsOfCrops(maps, 1e6 * seconds / pixels)


def _parts(folder: Path, options: Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
    """Preprocessing, network with its weights, inferer and decoding of a bundle."""
    inference = find_inference(folder, options)
    parser = ConfigParser(ConfigParser.load_config_files(inference.files))
    given = {"bundle_root": str(inference.bundle), "settings#given": list(inference.options)}
    for name, value in literal_options(given | inference.options).items():
        parser[name] = value
    parts = (parser.get_parsed_content(name) for name in ("preprocessing", "network", "inferer", "decoding"))
    read, network, inferer, decoding = parts
    load_pretrained(network, str(parser.get_parsed_content("weights")))
    return read, network.eval(), inferer, decoding
