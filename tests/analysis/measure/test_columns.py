"""What is not in scikit-image: background, neighbours, density, classes, confidence; and what is refused."""

import numpy as np
import pytest

from cellseg_monai.analysis import measure_cells, neighbour_pairs, summarize_cells
from cellseg_monai.label_maps import touching_pairs
from tests.analysis.measure.cases import MAPS, speckled

THREE = np.zeros((60, 100), np.int32)
THREE[10:20, 10:20] = 1
THREE[10:20, 20:30] = 2  # touches 1
THREE[10:20, 70:80] = 7


def test_micrometres_scale_lengths_and_areas_and_nothing_else() -> None:
    image = np.random.default_rng(0).random(THREE.shape)
    pixels, micrometres = measure_cells(THREE, image), measure_cells(THREE, image, pixel_size=0.5)
    assert set(micrometres) - {"centroid_x_um", "centroid_y_um"} == {
        name if name.startswith(("bbox", "centroid")) else name.replace("_px", "_um") for name in pixels
    }
    for name in pixels:
        if name.startswith(("bbox", "centroid")) or "_px" not in name:
            np.testing.assert_allclose(pixels[name], micrometres[name], err_msg=name)
        else:
            factor = 4 if name.endswith("per_px2") else 0.25 if name.endswith("px2") else 0.5
            np.testing.assert_allclose(
                pixels[name] * factor, micrometres[name.replace("_px", "_um")], err_msg=name
            )


def test_neighbours_by_hand() -> None:
    table = measure_cells(THREE, neighbours=2)
    assert table["touching"].tolist() == [1, 1, 0]
    assert table["nearest_label"].tolist() == [2, 1, 2]
    assert table["nearest_distance_px"].tolist() == [10, 10, 50]
    assert table["neighbour_distance_px"].tolist() == [35, 30, 55]
    assert measure_cells(THREE, neighbours=1)["neighbour_distance_px"].tolist() == [10, 10, 50]
    assert measure_cells(THREE, neighbours=9)["neighbour_distance_px"].tolist() == [35, 30, 55]


def test_pairs_of_neighbours() -> None:
    pairs = neighbour_pairs(THREE, pixel_size=2, neighbours=1)
    assert list(pairs) == ["label", "neighbour", "distance_um", "touching"]
    assert pairs.to_numpy().tolist() == [
        [1, 2, 20, True],
        [2, 1, 20, True],
        [2, 7, 100, False],
        [7, 2, 100, False],
    ]
    random = speckled(2)
    touching = neighbour_pairs(random, neighbours=1).query("touching and label < neighbour")
    assert touching[["label", "neighbour"]].to_numpy().tolist() == touching_pairs(random).tolist()
    assert len(neighbour_pairs(np.zeros((3, 3), int))) == 0
    assert len(neighbour_pairs(np.eye(3, dtype=int))) == 0


def test_cells_with_one_centroid_are_neighbours() -> None:
    rings = np.ones((9, 9), int)
    rings[1:-1, 1:-1], rings[3:-3, 3:-3], rings[4, 4] = 2, 3, 4
    table = measure_cells(rings, neighbours=3)
    assert (table["nearest_distance_px"] == 0).all()
    assert (table["nearest_label"] != table["label"]).all()
    assert (table["neighbour_distance_px"] == 0).all()


def test_one_cell_has_no_neighbour() -> None:
    cell = measure_cells(np.pad([[5]], 9)).iloc[0]
    assert (cell["touching"], cell["nearest_label"], cell["local_density_per_px2"]) == (0, 0, 0)
    assert np.isnan(cell["nearest_distance_px"])
    assert np.isnan(cell["neighbour_distance_px"])


def test_density_is_the_same_in_the_middle_at_the_edge_and_in_a_corner() -> None:
    """One cell in each square of ten: 0.01 a pixel, also where part of the circle lies outside the image."""
    grid = np.zeros((200, 300), np.int32)
    grid[5::10, 5::10] = np.arange(1, 601).reshape(20, 30)
    table = measure_cells(grid, density_radius=38)
    inner = table.query("40 < centroid_x_px < 260 and 40 < centroid_y_px < 160")["local_density_per_px2"]
    assert inner.mean() == pytest.approx(0.01, rel=0.05)
    corner = table.query("centroid_x_px < 10 and centroid_y_px < 10")["local_density_per_px2"]
    assert corner.iloc[0] == pytest.approx(0.01, rel=0.15)
    default = measure_cells(grid)["local_density_per_px2"]
    three_diameters = measure_cells(grid, density_radius=3 * 2 / np.sqrt(np.pi))["local_density_per_px2"]
    np.testing.assert_allclose(default, three_diameters)


def test_background_follows_the_light() -> None:
    light = 100 + np.mgrid[:512, :512][1] / 4
    cells = np.zeros((512, 512), np.int32)
    cells[250:260, 100:110], cells[250:260, 400:410] = 1, 2
    image = light + np.where(cells > 0, 50, 0)
    table = measure_cells(cells, image, background_window=64)
    assert table["corrected_mean_ch0"].to_numpy() == pytest.approx([50, 50], abs=0.5)
    assert table["background_ch0"].to_numpy() == pytest.approx([126, 201], abs=1)
    np.testing.assert_allclose(table["corrected_sum_ch0"], table["corrected_mean_ch0"] * 100)
    flat = measure_cells(cells, image, background_window=None)
    assert flat["background_ch0"].to_numpy() == pytest.approx([np.median(light[cells == 0])] * 2)


def test_background_of_a_crowded_window_is_that_of_the_nearest() -> None:
    cells = np.ones((128, 256), np.int32)
    cells[:, 128:] = 0
    cells[5, 200] = 2
    image = np.where(cells == 1, 900, 30)
    table = measure_cells(cells, image, background_window=64)
    assert table["background_ch0"].tolist() == [30, 30]


def test_no_background_at_all() -> None:
    table = measure_cells(MAPS["all one cell"], np.ones((5, 6)))
    assert table[["background_ch0", "corrected_mean_ch0", "corrected_sum_ch0"]].isna().to_numpy().all()
    assert table["intensity_mean_ch0"].tolist() == [1]


def test_channels_have_names_of_their_own() -> None:
    image = np.stack([np.full(THREE.shape, 3, np.uint16), THREE.astype(np.uint16)])
    named = measure_cells(THREE, image, channel_names=["DAPI", "GFP"])
    assert named["intensity_mean_DAPI"].tolist() == [3, 3, 3]
    assert named["intensity_mean_GFP"].tolist() == [1, 2, 7]
    assert "intensity_mean_ch1" in measure_cells(THREE, image)


def test_class_by_vote_and_by_probability() -> None:
    classes = np.zeros_like(THREE)
    classes[10:20, 10:20] = 3
    classes[10:13, 20:30], classes[13:20, 20:30] = 3, 5
    table = measure_cells(THREE, classes=classes)
    assert table["class"].tolist() == [3, 5, 0]
    assert table["class_probability"].tolist() == [1, 0.7, 0]
    probabilities = np.zeros((3, *THREE.shape))
    probabilities[1], probabilities[2] = 0.4, 0.1
    probabilities[2][THREE == 7] = 0.5
    table = measure_cells(THREE, classes=probabilities)
    assert table["class"].tolist() == [1, 1, 2]
    assert table["class_probability"].to_numpy() == pytest.approx([0.4, 0.4, 0.5])


def test_confidence_is_the_mean_probability() -> None:
    probability = np.random.default_rng(0).random(THREE.shape).astype(np.float32)
    table = measure_cells(THREE, probability=probability)
    expected = [probability[THREE == number].mean() for number in (1, 2, 7)]
    assert table["confidence"].to_numpy() == pytest.approx(expected)


def test_summary_by_hand() -> None:
    image = THREE.astype(float)
    classes = np.where(THREE == 7, 2, 1)
    table = measure_cells(THREE, image, pixel_size=0.5, classes=classes)
    row = summarize_cells(table, THREE.shape, pixel_size=0.5).iloc[0]
    assert (row["cells"], row["cells_at_edge"], row["cells_in_pieces"]) == (3, 0, 0)
    assert row["image_area_um2"] == 1500
    assert row["covered"] == pytest.approx(75 / 1500)
    assert row["cells_per_um2"] == pytest.approx(3 / 1500)
    assert (row["cells_of_class_1"], row["cells_of_class_2"]) == (2, 1)
    assert row["intensity_mean_ch0_mean"] == pytest.approx(10 / 3)
    assert row["intensity_mean_ch0_median"] == 2
    assert row["intensity_mean_ch0_std"] == pytest.approx(np.std([1, 2, 7], ddof=1))
    assert not any(name.startswith(("bbox", "centroid", "label", "nearest_label")) for name in row.index)


def test_summary_of_nothing() -> None:
    row = summarize_cells(measure_cells(np.zeros((4, 5), int)), (4, 5)).iloc[0]
    assert (row["cells"], row["covered"]) == (0, 0)
    assert np.isnan(row["area_px2_mean"])
    with pytest.raises(ValueError, match="the table has no area_um2; give the pixel size"):
        summarize_cells(measure_cells(THREE), THREE.shape, pixel_size=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image": np.zeros((3, 3))}, r"image \(3, 3\) and label map \(60, 100\) differ"),
        ({"image": np.zeros(3)}, r"image must be \(rows, columns\)"),
        ({"image": np.full(THREE.shape, np.nan)}, "3 cells have NaN or infinite pixels, such as 1;"),
        ({"image": np.where(THREE == 2, np.inf, 0)}, "1 cells have NaN or infinite pixels, such as 2;"),
        ({"image": np.where(THREE == 0, np.nan, 0)}, "NaN or infinite pixels outside the cells"),
        ({"image": np.full(THREE.shape, "a")}, "an image must hold numbers"),
        ({"image": np.zeros((2, *THREE.shape)), "channel_names": ["a"]}, "channel_names must be 2 different"),
        ({"image": np.zeros((2, *THREE.shape)), "channel_names": ["a", "a"]}, "must be 2 different"),
        ({"channel_names": ["a"]}, "were given without an image"),
        ({"pixel_size": 0}, "pixel_size must be one to three positive lengths in micrometres, not 0"),
        ({"pixel_size": (1.0, float("nan"))}, "pixel_size must be"),
        ({"pixel_size": (1.0, 1.0, 1.0, 1.0)}, "pixel_size must be"),
        ({"image": THREE, "quantiles": [5]}, r"quantiles must be between 0 and 1, not \[0.5, 5\]"),
        ({"image": THREE, "background_window": 0}, "background_window must be a positive number of pixels"),
        ({"neighbours": 0}, "neighbours must be at least 1, not 0"),
        ({"density_radius": 0}, "density_radius must be above 0"),
        ({"classes": np.zeros((2, 2), int)}, r"classes \(2, 2\) and label map"),
        ({"classes": np.zeros((1, *THREE.shape))}, "classes need at least 2 channels"),
        ({"probability": np.zeros((2, 2))}, r"image \(2, 2\) and label map"),
    ],
    ids=lambda value: str(value)[:25] if isinstance(value, str) else None,
)  # fmt: skip
def test_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure_cells(THREE, **options)


def test_a_volume_is_refused() -> None:
    with pytest.raises(ValueError, match=r"measured in one plane, but the label map has shape \(2, 3, 4\)"):
        measure_cells(np.zeros((2, 3, 4), int))
