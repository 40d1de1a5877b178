"""``cellseg measure``: files found, read and measured; one bad file does not stop the others."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from cellseg_monai.analysis import measure_cells, measure_stack
from cellseg_monai.cli import main
from cellseg_monai.data import Reading, read_label_map, read_picture, write_synthetic_dataset
from cellseg_monai.export import write_tiled
from cellseg_monai.jobs.measurement import measure
from tests.instances.volumes import nuclei_volume

CELLS = np.zeros((20, 30), np.uint16)
CELLS[2:6, 2:8], CELLS[10:15, 20:30] = 1, 300


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_synthetic_dataset("nuclei", tmp_path / "data", count=2, size=(96, 128), seed=4).parent


def save(folder: Path, files: dict[str, np.ndarray]) -> Path:
    for name, pixels in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        axes = {"metadata": {"axes": "CYX"}, "photometric": "minisblack"} if pixels.ndim == 3 else {}
        tifffile.imwrite(folder / name, pixels, **axes)
    return folder


def test_a_dataset(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", str(dataset), "--out", str(tmp_path / "out"), "--pairs"]) == 0
    table, summary = (pd.read_csv(tmp_path / f"out/{name}.csv") for name in ("cells", "summary"))
    assert capsys.readouterr().out == f"{len(table)} cells in 2 images; tables in {tmp_path / 'out'}\n"
    image = read_picture(dataset / "images/nuclei_001.tif")
    alone = measure_cells(
        read_label_map(dataset / "labels/nuclei_001.tif"), image.rows_columns(), pixel_size=image.pixel_size
    )
    of_file = table[table.pop("image") == "nuclei_001"].reset_index(drop=True)
    pd.testing.assert_frame_equal(of_file, alone, check_dtype=False, rtol=1e-7)
    assert summary["image"].tolist() == ["nuclei_000", "nuclei_001"]
    assert summary["cells"].sum() == len(table)
    pairs = pd.read_csv(tmp_path / "out/neighbours.csv")
    assert list(pairs) == ["image", "label", "neighbour", "distance_um", "touching"]
    assert not (tmp_path / "out/failures.csv").exists()


def test_folders_apart_and_all_options(tmp_path: Path) -> None:
    colours = np.stack([CELLS, CELLS * 2, CELLS * 0], axis=-1)
    probability = np.stack([np.full(CELLS.shape, 0.2), np.full(CELLS.shape, 0.9)]).astype(np.float32)
    save(
        tmp_path,
        {
            "labels/day/a.tif": CELLS,
            "probability/a.tif": probability,
            "classes/a.tif": (CELLS > 9) + np.uint8(1),
        },
    )
    (tmp_path / "images").mkdir()
    Image.fromarray(colours.astype(np.uint8)).save(tmp_path / "images/a.png")
    folders = [f"--{name}={tmp_path / name}" for name in ("images", "classes", "probability", "out")]
    options = ["--probability-channel=1", "--pixel-size", "0.5", "0.5", "--quantiles", "0.5"]
    options += ["--background-window=0", "--neighbours=1", "--density-radius=4"]
    assert main(["measure", str(tmp_path / "labels"), *folders, *options]) == 0
    table = pd.read_csv(tmp_path / "out/cells.csv")
    assert table["image"].tolist() == ["day/a", "day/a"]
    assert table["label"].tolist() == [1, 300]
    assert table["class"].tolist() == [1, 2]
    assert table["confidence"].to_numpy() == pytest.approx([0.9, 0.9])
    assert table["area_um2"].tolist() == [6, 12.5]
    assert table["intensity_mean_green"].tolist() == [2, 600 % 256]
    assert next(name for name in table if name.startswith("intensity_q")) == "intensity_q50_red"
    assert table["local_density_per_um2"].tolist() == [0, 0]


def test_one_label_map_and_one_image_belong_together_whatever_their_names(tmp_path: Path) -> None:
    folder = save(tmp_path, {"cells.tif": CELLS, "raw.tif": CELLS.astype(np.uint8)})
    words = ["--images", str(folder / "raw.tif"), "--out", str(tmp_path / "out")]
    assert main(["measure", str(folder / "cells.tif"), *words]) == 0
    table = pd.read_csv(tmp_path / "out/cells.csv")
    assert table[["image", "label"]].to_numpy().tolist() == [["cells", 1], ["cells", 300]]
    assert table["intensity_mean_ch0"].tolist() == [1, 300 % 256]


def test_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    save(tmp_path / "labels", {"a.tif": CELLS})
    options = ["measure", str(tmp_path / "labels"), "--out", str(tmp_path / "out")]
    assert main(options) == 0
    assert (tmp_path / "out/cells.csv").exists()
    assert main([*options, "--format", "parquet"]) == 0
    table = pd.read_parquet(tmp_path / "out/cells.parquet")
    assert table["label"].tolist() == [1, 300]
    assert not (tmp_path / "out/cells.csv").exists()


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    save(tmp_path, {"a.tif": CELLS})
    with pytest.raises(RuntimeError, match=r"pip install 'cellseg-monai\[parquet\]', or write CSV"):
        measure(tmp_path, tmp_path / "out", file_format="parquet")


def test_a_bad_file_is_told_and_the_others_are_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(
        tmp_path,
        {
            "labels/a.tif": CELLS,
            "labels/b.tif": CELLS,
            "labels/c.tif": CELLS / np.float32(2.5),
            "labels/d.tif": CELLS,
            "images/a.tif": CELLS,
            "images/b.tif": CELLS[:-1],
            "images/c.tif": CELLS,
        },
    )
    folders = [f"--{name}={tmp_path / name}" for name in ("images", "out")]
    assert main(["measure", str(tmp_path / "labels"), *folders]) == 1
    out = capsys.readouterr().out
    assert "2 cells in 1 image" in out
    assert f"3 images failed; see {tmp_path / 'out/failures.csv'} for the reasons" in out
    failures = pd.read_csv(tmp_path / "out/failures.csv").set_index("image")["error"]
    assert "image (19, 30) and label map (20, 30) differ" in failures["b"]
    assert "is not an object id: the mask was interpolated" in failures["c"]
    assert "there is no image named d; there are 3, such as" in failures["d"]


def test_label_maps_may_be_given_by_a_pattern(tmp_path: Path) -> None:
    save(tmp_path, {"day1/a.tif": CELLS, "day2/b.tif": CELLS, "day2/c.png.tif": CELLS})
    found = measure(f"{tmp_path}/day?/[ab].tif", tmp_path / "out")
    assert found.summary["image"].tolist() == ["a", "b"]


def test_an_empty_frame_has_a_row_in_the_summary(tmp_path: Path) -> None:
    save(tmp_path, {"a.tif": CELLS, "b.tif": CELLS * 0})
    result = measure(tmp_path, tmp_path / "out")
    assert result.cells["image"].tolist() == ["a", "a"]
    assert result.summary["cells"].tolist() == [2, 0]
    only_empty = measure(tmp_path / "b.tif", tmp_path / "of b")
    assert list(only_empty.cells) == list(result.cells)


def test_pixel_size_is_that_of_the_file_unless_given(dataset: Path, tmp_path: Path) -> None:
    of_file = read_picture(dataset / "labels/nuclei_000.tif").pixel_size
    assert of_file is not None
    by_label = measure(dataset / "labels", tmp_path / "out").cells
    by_hand = measure(dataset / "labels", tmp_path / "out", pixel_size=1.0).cells
    np.testing.assert_allclose(by_label["area_um2"], by_hand["area_um2"] * of_file[0] * of_file[1])


def test_a_binary_mask_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(tmp_path, {"a.tif": np.where(CELLS > 0, 255, 0).astype(np.uint8)})
    with caplog.at_level(logging.WARNING):
        assert len(measure(tmp_path, tmp_path / "out").cells) == 1
    assert "a.tif contains only one value and is measured as one cell; use pieces=True" in caplog.text
    assert len(measure(tmp_path, tmp_path / "out", pieces=True).cells) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["nowhere"], "nowhere: there is no such file or folder"),
        (["empty"], "empty: there is no label map here"),
        (["labels", "--images", "empty"], "empty: there is no image here"),
        (["labels", "--pixel-size", "1", "1", "1", "1"], "--pixel-size takes one to three"),
    ],
    ids=["nowhere", "empty", "no images", "four sizes"],
)
def test_errors_are_one_sentence(
    options: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    save(tmp_path / "labels", {"a.tif": CELLS})
    assert main(["measure", *options, "--out", "out"]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_volume_and_a_missing_channel_are_failures(tmp_path: Path) -> None:
    save(tmp_path, {"labels/a.tif": CELLS, "probability/a.tif": np.zeros((2, 20, 30), np.float32)})
    tifffile.imwrite(tmp_path / "volume.tif", np.zeros((4, 20, 30), np.uint16), metadata={"axes": "ZYX"})
    (tmp_path / "images").mkdir()
    (tmp_path / "volume.tif").rename(tmp_path / "images/a.tif")
    with pytest.raises(RuntimeError, match=r"no image could be measured; .*: 4 planes, but an image"):
        measure(tmp_path / "labels", tmp_path / "out", images=tmp_path / "images")
    assert pd.read_csv(tmp_path / "out/failures.csv")["image"].tolist() == ["a"]
    options = {"probabilities": tmp_path / "probability", "probability_channel": 2}
    with pytest.raises(RuntimeError, match="the probability map has no channel 2; choose one of 0 to 1"):
        measure(tmp_path / "labels/a.tif", tmp_path / "other", **options)


def test_real_nuclei(real_images: Path, tmp_path: Path) -> None:
    folder = real_images / "nuclei/train"
    result = measure(folder, tmp_path / "out")
    assert len(result.failures) == 0
    assert len(result.summary) == 5
    assert (result.cells["solidity"] > 0.85).mean() > 0.95
    assert (result.cells["corrected_mean_ch0"] > 0).mean() > 0.99


@pytest.mark.parametrize("ending", [".tif", ".ome.zarr", ".nii.gz", ".nrrd"])
def test_a_stack_is_measured_in_cubic_micrometres(ending: str, tmp_path: Path) -> None:
    labels = nuclei_volume(4, count=12, side=60, depth=60)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 999, (2, *labels.shape)).astype(np.uint16)
    (tmp_path / "labels").mkdir()
    write_tiled(tmp_path / f"labels/a{ending}", labels, "ZYX", (0.5, 0.5, 2.0))
    tifffile.imwrite(tmp_path / "a.ome.tif", image, metadata={"axes": "CZYX"})
    result = measure(tmp_path / "labels", tmp_path / "out", images=tmp_path / "a.ome.tif")
    expected = measure_stack(labels, image.swapaxes(0, 1), pixel_size=(0.5, 0.5, 2.0))
    pd.testing.assert_frame_equal(result.cells.drop(columns="image"), expected)
    assert result.summary["cells"].tolist() == [12]
    assert result.summary["image_volume_um3"].tolist() == [labels.size * 0.5]
    plane = measure(
        tmp_path / "labels",
        tmp_path / "plane",
        images=tmp_path / "a.ome.tif",
        reading=Reading(z=7, channels=1),
    )
    own = measure_cells(labels[7], image[1, 7], pixel_size=(0.5, 0.5))
    pd.testing.assert_frame_equal(plane.cells.drop(columns="image"), own)


def test_a_stack_whose_image_is_another_one_is_a_failure(tmp_path: Path) -> None:
    write_tiled(tmp_path / "a.tif", np.ones((3, 8, 8), np.int32), "ZYX")
    write_tiled(tmp_path / "b.tif", np.ones((4, 8, 8), np.uint8), "ZYX")
    with pytest.raises(RuntimeError, match=r"b\.tif is 8 × 8 × 4, but the label map .* is 8 × 8 × 3"):
        measure(tmp_path / "a.tif", tmp_path / "out", images=tmp_path / "b.tif")
    with pytest.raises(RuntimeError, match="is a stack, of which no class map is measured"):
        measure(tmp_path / "a.tif", tmp_path / "out", classes=tmp_path / "b.tif")
    for option in ("pieces", "pairs"):
        with pytest.raises(RuntimeError, match=f"is a stack; leave out --{option}"):
            measure(tmp_path / "a.tif", tmp_path / "out", **{option: True})


def test_a_stack_of_images_is_no_stack_of_label_maps(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 999, (3, 40, 40)).astype(np.uint16)
    write_tiled(tmp_path / "a.tif", image, "ZYX")
    with pytest.raises(RuntimeError, match=r"a\.tif: looks like a microscope image"):
        measure(tmp_path / "a.tif", tmp_path / "out")
    assert len(measure(tmp_path / "a.tif", tmp_path / "forced", force=True).cells) > 0
