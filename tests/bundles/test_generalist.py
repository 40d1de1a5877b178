"""The weights of the generalist: the same cells, whatever the size and the polarity of the image."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from cellseg_monai.data import list_items, read_label_map, read_pixels, write_synthetic_dataset
from cellseg_monai.jobs import predict
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics import instance_counts, instance_scores


@pytest.fixture(scope="module")
def nuclei(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, LabelMap]:
    folder = write_synthetic_dataset(
        "nuclei", tmp_path_factory.mktemp("nuclei") / "set", count=1, size=(192, 192)
    )
    (item,) = list_items(folder)
    return read_pixels(item["image"]), read_label_map(item["label"])


def f1_of(pixels: np.ndarray, truth: LabelMap, folder: Path, **options: float) -> float:
    image = folder / "image.tif"
    tifffile.imwrite(image, pixels)
    (found,) = predict("generalist_nuclei", [image], folder / "out", **options)  # type: ignore[arg-type]
    return float(instance_scores(instance_counts(tifffile.imread(found), truth, 0.5)).f1[0])


@pytest.mark.parametrize("factor", [0.5, 1, 2, 4])
def test_the_size_of_an_image_does_not_matter(
    nuclei: tuple[np.ndarray, LabelMap], factor: float, tmp_path: Path
) -> None:
    pixels, truth = nuclei
    sized = ndimage.zoom(pixels, factor, order=1)
    assert f1_of(sized, ndimage.zoom(truth, factor, order=0), tmp_path) > 0.8


def test_dark_cells_on_a_bright_ground_are_found_too(
    nuclei: tuple[np.ndarray, LabelMap], tmp_path: Path
) -> None:
    pixels, truth = nuclei
    assert f1_of(pixels.max() - pixels, truth, tmp_path) > 0.8


def test_a_wrong_diameter_is_used_as_given(nuclei: tuple[np.ndarray, LabelMap], tmp_path: Path) -> None:
    pixels, truth = nuclei
    assert f1_of(pixels, truth, tmp_path, diameter=200) < 0.5
