"""Everything that scikit-image measures as well, to 1e-6."""

import numpy as np
import pytest
import skimage
from packaging.version import Version
from skimage.measure import regionprops_table

from cellseg_monai.analysis import measure_cells
from tests.analysis.measure.cases import MAPS

THEIRS = {
    "area_px2": "area",
    "centroid_x_px": "centroid-1",
    "centroid_y_px": "centroid-0",
    "bbox_left_px": "bbox-1",
    "bbox_top_px": "bbox-0",
    "bbox_right_px": "bbox-3",
    "bbox_bottom_px": "bbox-2",
    "perimeter_px": "perimeter",
    "perimeter_crofton_px": "perimeter_crofton",
    "major_axis_px": "axis_major_length",
    "minor_axis_px": "axis_minor_length",
    "eccentricity": "eccentricity",
    "solidity": "solidity",
    "feret_max_px": "feret_diameter_max",
    "intensity_mean_ch0": "intensity_mean",
    "intensity_median_ch0": "intensity_median",
    "intensity_std_ch0": "intensity_std",
}
if Version(skimage.__version__) < Version("0.26"):
    del THEIRS["intensity_median_ch0"]  # is not measured there
PROPERTIES = sorted({name.split("-")[0] for name in THEIRS.values()} | {"label", "orientation"})


def angle_between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of two lines."""
    away = np.abs(one - other) % np.pi
    return np.minimum(away, np.pi - away)


@pytest.mark.parametrize("label_map", MAPS.values(), ids=MAPS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pixels(label_map: np.ndarray, dtype: type) -> None:
    image = (np.random.default_rng(0).gamma(2, 30, label_map.shape) % 256).astype(dtype)
    theirs = regionprops_table(label_map, image, properties=PROPERTIES)
    ours = measure_cells(label_map, image)
    np.testing.assert_array_equal(ours["label"], theirs["label"])
    for column, name in THEIRS.items():
        np.testing.assert_allclose(ours[column], theirs[name], rtol=1e-6, atol=1e-6, err_msg=column)
    lengthy = ours["eccentricity"] > 1e-3
    assert np.all(angle_between(ours["orientation_rad"], theirs["orientation"])[lengthy] < 1e-6)


@pytest.mark.parametrize("label_map", MAPS.values(), ids=MAPS)
def test_pixels_that_are_not_square(label_map: np.ndarray) -> None:
    shared = set(PROPERTIES) - {
        "perimeter",
        "perimeter_crofton",
        "intensity_mean",
        "intensity_median",
        "intensity_std",
    }
    theirs = regionprops_table(label_map, properties=sorted(shared), spacing=(0.5, 0.2))
    ours = measure_cells(label_map, pixel_size=(0.2, 0.5))
    for column, name in THEIRS.items():
        if name.split("-")[0] in shared and "centroid" not in name:
            micrometres = column if "bbox" in column else column.replace("px", "um")
            np.testing.assert_allclose(ours[micrometres], theirs[name], rtol=1e-6, atol=1e-6, err_msg=column)
    np.testing.assert_allclose(ours["centroid_x_um"], theirs["centroid-1"], rtol=1e-9)
    lengthy = ours["eccentricity"] > 1e-3
    assert np.all(angle_between(ours["orientation_rad"], theirs["orientation"])[lengthy] < 1e-6)
    assert ours[["perimeter_um", "perimeter_crofton_um"]].isna().to_numpy().all()
    assert ours["circularity"].isna().all()


def test_large_ids_and_many_cells() -> None:
    """More cells than 65,535, ids near the end of int32, and all strips and bunches that there are."""
    random = np.random.default_rng(3)
    ids = np.sort(random.choice(2**31 - 2, 70_000, replace=False) + 1).astype(np.int32)
    label_map = np.zeros((2 * 200, 3 * 350), np.int32)
    label_map[::2, ::3] = label_map[::2, 1::3] = ids.reshape(200, 350)
    image = random.integers(0, 60_000, label_map.shape).astype(np.uint16)
    ours = measure_cells(label_map, image)
    assert len(ours) == 70_000
    np.testing.assert_array_equal(ours["label"], ids)
    np.testing.assert_array_equal(ours["area_px2"], 2)
    few = np.where(np.isin(label_map, ids[-300:]), label_map, 0)
    dense = np.searchsorted(ids, few).astype(np.int32)  # theirs needs as many places as the greatest id
    dense[few == 0] = 0
    theirs = regionprops_table(dense, image, properties=PROPERTIES)
    for column, name in THEIRS.items():
        np.testing.assert_allclose(ours[column][-300:], theirs[name], rtol=1e-6, atol=1e-6, err_msg=column)


def test_quantiles_are_those_of_numpy() -> None:
    label_map = MAPS["speckled 1"]
    image = np.random.default_rng(0).normal(size=label_map.shape)
    table = measure_cells(label_map, image, quantiles=(0, 0.1, 0.333, 1))
    assert list(table.filter(like="intensity_q")) == [
        "intensity_q0_ch0", "intensity_q10_ch0", "intensity_q33.3_ch0", "intensity_q100_ch0"
    ]  # fmt: skip
    for _, row in table.iterrows():
        expected = np.quantile(image[label_map == row["label"]], [0, 0.1, 0.333, 1])
        np.testing.assert_allclose(row.filter(like="intensity_q").to_numpy(float), expected)
    assert table["intensity_sum_ch0"].sum() == pytest.approx(image[label_map > 0].sum())
