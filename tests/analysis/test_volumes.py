"""Cells of stacks, against scikit-image and worked by hand."""

import numpy as np
import pytest
from skimage.measure import regionprops

from cellseg_monai.analysis import measure_stack, summarize_cells
from tests.instances.volumes import nuclei_volume

SIZE = (0.4, 0.5, 2.0)


@pytest.fixture(scope="module")
def volume() -> np.ndarray:
    return nuclei_volume(3, count=25, side=70, depth=60)


def test_measurements_are_those_of_scikit_image(volume: np.ndarray) -> None:
    image = np.random.default_rng(0).normal(100, 10, (2, *volume.shape))
    table = measure_stack(volume, image.swapaxes(0, 1), pixel_size=SIZE, channel_names=["a", "b"])
    cells = regionprops(volume, image.transpose(1, 2, 3, 0), spacing=SIZE[::-1])
    voxel = np.prod(SIZE)
    expected = {
        "label": [cell.label for cell in cells],
        "volume_um3": [cell.num_pixels * voxel for cell in cells],
        "diameter_um": [np.cbrt(6 * cell.num_pixels * voxel / np.pi) for cell in cells],
        "planes": [cell.bbox[3] - cell.bbox[0] for cell in cells],
        "intensity_mean_b": [cell.image_intensity[cell.image][:, 1].mean() for cell in cells],
        "intensity_std_a": [cell.image_intensity[cell.image][:, 0].std() for cell in cells],
        "intensity_sum_a": [cell.image_intensity[cell.image][:, 0].sum() for cell in cells],
    }
    for place, axis in enumerate("zyx"):
        expected[f"centroid_{axis}_um"] = [cell.centroid[place] for cell in cells]
        expected[f"centroid_{axis}_px"] = [cell.centroid[place] / SIZE[2 - place] for cell in cells]
    for place, (start, stop) in enumerate([("front", "back"), ("top", "bottom"), ("left", "right")]):
        expected[f"bbox_{start}_px"] = [cell.bbox[place] for cell in cells]
        expected[f"bbox_{stop}_px"] = [cell.bbox[place + 3] for cell in cells]
    for name, values in expected.items():
        np.testing.assert_allclose(table[name], values, rtol=1e-9, atol=1e-6, err_msg=name)


def test_axes_of_an_ellipsoid_are_its_own() -> None:
    z, y, x = np.indices((60, 50, 40)) - np.array([30, 25, 20])[:, None, None, None]
    ellipsoid = (x / 8) ** 2 + (y / 16) ** 2 + (z / 24) ** 2 <= 1
    cell = measure_stack(ellipsoid, pixel_size=(1.0, 0.5, 0.25)).iloc[0]
    assert [cell[f"{name}_axis_um"] for name in ("minor", "middle", "major")] == pytest.approx(
        [12, 16, 16], 0.02
    )
    assert cell["volume_um3"] == pytest.approx(4 / 3 * np.pi * 8 * 8 * 6, 0.01)
    assert cell["largest_area_um2"] == pytest.approx(np.pi * 8 * 8, 0.03)


def test_cells_at_an_edge_in_all_three_directions() -> None:
    volume = np.zeros((4, 5, 6), np.int32)
    volume[1:3, 1:4, 1:5] = 3
    volume[0, 2, 2] = 7
    volume[2, 2, 5] = 9
    table = measure_stack(volume)
    assert dict(zip(table["label"], table["touches_edge"], strict=True)) == {3: False, 7: True, 9: True}
    row = summarize_cells(table, volume.shape).iloc[0]
    assert (row["cells"], row["cells_at_edge"], row["image_volume_px3"]) == (3, 2, 120)
    assert row["covered"] == pytest.approx(26 / 120)


def test_an_empty_stack_has_the_columns_of_any_other(volume: np.ndarray) -> None:
    image = np.ones((2, 3, 3))
    empty, full = (measure_stack(np.full((2, 3, 3), fill), image) for fill in (0, 1))
    assert len(empty) == 0
    assert list(empty) == list(full)


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (None, {"pixel_size": (1.0, 2.0)}, r"three lengths, along x, y and z, not \(1.0, 2.0\)"),
        (np.ones((1, 3, 3)), {}, "fewer planes than the label map"),
        (np.ones((3, 3, 3)), {}, "more planes than the label map, which has 2"),
        (np.ones((2, 4, 3)), {}, r"image \(4, 3\) and label map \(3, 3\) differ"),
    ],
)
def test_what_does_not_fit_is_refused(
    image: np.ndarray | None, options: dict[str, tuple[float, float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        measure_stack(np.ones((2, 3, 3)), image, **options)  # type: ignore[arg-type]
