import csv
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import tifffile
import torch
import zarr
from monai.transforms import ScaleIntensityd

from cellseg_monai.data import read_picture
from cellseg_monai.inference import TiledInferer, TileSegmentation
from cellseg_monai.instances import ClassMapd
from cellseg_monai.transforms import PercentileStretchd
from tests.inference.slides import (
    Blurred,
    large_images,
    pixels_of,
    same_cells,
    segment_slowly,
    segment_whole,
    write_slide,
)

REPOSITORY = Path(__file__).resolve().parents[2]
KINDS = ("tiled TIFF", "pyramid of OME-TIFF", "OME-Zarr", "NIfTI")


def rows(table: Path) -> list[list[str]]:
    with table.open(newline="") as file:
        return list(csv.reader(file))[1:]


def items(*paths: Path) -> list[dict[str, str]]:
    return [{"image": str(path)} for path in paths]


@pytest.mark.parametrize(
    ("dtype", "channels"), [(np.uint8, 1), (np.uint16, 1), (np.uint8, 3), (np.uint16, 3)],
    ids=["8 bits", "16 bits", "colour", "colour of 16 bits"],
)  # fmt: skip
@pytest.mark.parametrize("kind", KINDS)
def test_cells_are_those_of_the_image_in_memory(kind: str, dtype: Any, channels: int, tmp_path: Path) -> None:
    level = int(kind.startswith("pyramid"))
    path = write_slide(kind, tmp_path / "images/plate/slide", pixels_of((150, 210), dtype, channels))
    large_images(tmp_path, level).run(items(path))
    segment_whole([path], tmp_path, level)
    (whole,) = map(tifffile.imread, (tmp_path / "whole").rglob("*.tif"))
    tiled = tifffile.imread(tmp_path / "result/labels/plate/slide.tif")
    assert tiled.dtype == np.int32
    assert whole.max() > 30
    assert same_cells(tiled, whole)
    assert sorted(np.unique(tiled)) == list(range(whole.max() + 1))


def test_in_windows_that_lie_elsewhere_cells_differ_by_a_few_pixels(tmp_path: Path) -> None:
    """The windows of a tile are not those of the image, and at its edge each sees zeros."""
    path = write_slide("tiled TIFF", tmp_path / "images/slide", pixels_of((300, 400)))
    large_images(tmp_path, tile=128, inferer=TiledInferer(window=64)).run(items(path))
    segment_whole([path], tmp_path, inferer=TiledInferer(window=64))
    whole, tiled = (tifffile.imread(tmp_path / place / "slide.tif") for place in ("whole", "result/labels"))
    assert whole.max() > 100
    assert abs(int(tiled.max()) - int(whole.max())) <= 1
    assert ((whole > 0) != (tiled > 0)).mean() < 0.002


def test_other_limits_for_each_tile_would_give_other_cells(tmp_path: Path) -> None:
    """So the test above can tell whether the limits are those of the whole."""
    path = write_slide("tiled TIFF", tmp_path / "images/slide", pixels_of((150, 210)))
    images = large_images(tmp_path)
    images.segment.limits = lambda parts, name: None  # type: ignore[method-assign]
    images.run(items(path))
    segment_whole([path], tmp_path)
    whole, tiled = (tifffile.imread(tmp_path / place / "slide.tif") for place in ("whole", "result/labels"))
    assert not same_cells(tiled, whole)


@pytest.mark.parametrize("ending", [".tif", ".ome.zarr"])
def test_results_are_read_back_in_full(ending: str, tmp_path: Path) -> None:
    path = write_slide("OME-Zarr", tmp_path / "images/slide", pixels_of((70, 90)))
    large_images(tmp_path, output_ext=ending, save_probability=True).run(items(path))
    labels = read_picture(tmp_path / f"result/labels/slide{ending}", "label")
    assert labels.size == (90, 70)
    assert labels.pixel_size == (0.5, 0.5)
    probability = read_picture(tmp_path / f"result/probability/slide{ending}").rows_columns()
    assert probability.dtype == np.float32
    assert ((probability >= 0.5) >= (labels.rows_columns() > 0)).all()
    assert (labels.rows_columns()[probability > 0.5] > 0).mean() > 0.9  # but for what is too small


def test_formats_that_are_held_whole_are_segmented_as_well(tmp_path: Path) -> None:
    pixels = pixels_of((150, 210))
    paths = [write_slide(kind, tmp_path / "images" / kind[:3], pixels) for kind in ("PNG", "tiled TIFF")]
    large_images(tmp_path).run(items(*paths))
    one, other = (tifffile.imread(path) for path in sorted((tmp_path / "result/labels").glob("*.tif")))
    assert same_cells(one, other)


def test_volumes(tmp_path: Path) -> None:
    volume = np.zeros((30, 20, 6), np.uint8)
    volume[3:9, 3:9, 1:3] = volume[8:25, 12:16, 2:5] = 200
    (tmp_path / "images").mkdir()
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / "images/volume.nii")
    bright = torch.nn.Threshold(0.5, -9.0)
    images = large_images(tmp_path, network=bright, preprocessing=[], tile=[8, 8, 4], halo=2)
    images.run(items(tmp_path / "images/volume.nii"))
    labels = tifffile.imread(tmp_path / "result/labels/volume.tif")
    assert same_cells(labels, np.where(volume > 0, np.where(np.indices(volume.shape)[1] > 10, 1, 2), 0).T)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
def test_killed_and_started_again_it_goes_on_where_it_was(tmp_path: Path) -> None:
    path = write_slide("tiled TIFF", tmp_path / "images/slide", pixels_of((256, 320)))
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path]),
    }
    program = "import sys; from tests.inference import slides; slides.segment_slowly(sys.argv[1])"
    run = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], env=environment, stderr=subprocess.DEVNULL
    )
    unfinished = tmp_path / "result/unfinished"
    while len(list(unfinished.glob("slide-*/tiles/[!.]*.npy"))) < 5:
        assert run.poll() is None, "it ended before it was killed"
        time.sleep(0.01)
    run.kill()
    run.wait()
    done = len(list(unfinished.glob("slide-*/tiles/[!.]*.npy")))
    assert 5 <= done < 20
    assert not (tmp_path / "result/labels").exists()
    (tmp_path / "seen").unlink()
    segment_slowly(tmp_path)
    assert len((tmp_path / "seen").read_text().splitlines()) == 20 - done
    assert [path.suffix for path in unfinished.iterdir()] == [".json"]
    segment_whole([path], tmp_path)
    result, whole = (tifffile.imread(tmp_path / place / "slide.tif") for place in ("result/labels", "whole"))
    assert same_cells(result, whole)


class Counting(Blurred):
    """Counts its calls and may break at one of them."""

    def __init__(self, breaks_at: int = -1, threshold: float = 0.3137) -> None:
        super().__init__(threshold)
        self._calls = [breaks_at]  # no setting

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self._calls.append(0)
        if len(self._calls) == self._calls[0]:
            raise RuntimeError("no more")
        return super().forward(images)


def counted(folder: Path, path: Path, breaks_at: int = -1, **options: Any) -> int:
    network = Counting(breaks_at)
    images = large_images(folder, network=network, **options)
    try:
        images.run(items(path))
    except RuntimeError as error:
        assert "1 of 1 images failed" in str(error)  # noqa: PT017
    return len(network._calls) - 1


class TestWhatIsDoneAgain:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return write_slide("tiled TIFF", tmp_path / "images/slide", pixels_of((100, 140)))

    def test_only_tiles_that_are_missing(self, path: Path, tmp_path: Path) -> None:
        assert counted(tmp_path, path, breaks_at=6) == 5
        assert counted(tmp_path, path) == 9 - 4

    def test_nothing_of_a_finished_image(self, path: Path, tmp_path: Path) -> None:
        assert counted(tmp_path, path) == 9
        timing = rows(tmp_path / "result/timing.csv")
        assert counted(tmp_path, path) == 0
        assert rows(tmp_path / "result/timing.csv") == timing

    @pytest.mark.parametrize(
        "options",
        [{"halo": 24}, {"save_probability": True}, {"output_ext": ".ome.zarr"}],
        ids=lambda options: next(iter(options)),
    )
    def test_everything_with_another_option(
        self, options: dict[str, Any], path: Path, tmp_path: Path
    ) -> None:
        counted(tmp_path, path)
        assert counted(tmp_path, path, **options) == 9

    def test_everything_of_a_file_that_was_replaced(self, path: Path, tmp_path: Path) -> None:
        counted(tmp_path, path)
        write_slide("tiled TIFF", tmp_path / "images/slide", pixels_of((100, 140), seed=1))
        assert counted(tmp_path, path) == 9

    def test_everything_when_options_come_back(self, path: Path, tmp_path: Path) -> None:
        for halo in (32, 24, 32):
            assert counted(tmp_path, path, halo=halo) == 9

    def test_what_other_options_have_left_is_told(
        self, path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        counted(tmp_path, path, breaks_at=6)
        counted(tmp_path, path, halo=24)
        assert "left by an unfinished run" in caplog.text


def test_a_damaged_tile_fails_its_image_alone_and_before_the_network_runs(tmp_path: Path) -> None:
    paths = [write_slide("tiled TIFF", tmp_path / f"images/{name}", pixels_of((150, 210))) for name in "abc"]
    with tifffile.TiffFile(paths[1]) as file:
        place, size = file.pages.first.dataoffsets[5], file.pages.first.databytecounts[5]
    with paths[1].open("r+b") as stored:
        stored.seek(place)
        stored.write(b"\xff" * size)
    network = Counting()
    with pytest.raises(RuntimeError, match=r"1 of 3 images failed; see .*failures\.csv for the reasons"):
        large_images(tmp_path, network=network).run(items(*paths))
    ((image, reason),) = rows(tmp_path / "result/failures.csv")
    assert image == str(paths[1])
    assert "b.tif: cannot be read" in reason
    assert {path.name for path in (tmp_path / "result/labels").iterdir()} == {"a.tif", "c.tif"}
    assert [Path(row[0]).name for row in rows(tmp_path / "result/timing.csv")] == ["a.tif", "c.tif"]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
def test_memory_is_bounded_by_the_tile(tmp_path: Path) -> None:
    def peak_over_resident(side: int) -> float:
        path = tmp_path / f"images/{side}.tif"
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, np.tile(pixels_of((256, 256))[..., 0], (side // 256,) * 2), tile=(256, 256))
        images = large_images(tmp_path, tile=512)
        Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text().split()
        images.run(items(path))
        after = Path("/proc/self/status").read_text().split()
        return (int(after[after.index("VmHWM:") + 1]) - int(status[status.index("VmRSS:") + 1])) / 1024

    peak_over_resident(512)
    small, large = peak_over_resident(1024), peak_over_resident(4096)
    assert large < small + 30, "the labels alone have 64 MiB"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: large_images(folder, output_ext="tif"), r"output_ext must begin with a dot"),
        (
            lambda folder: large_images(folder, preprocessing=[ScaleIntensityd("image")]),
            r"ScaleIntensityd would scale each tile by its own pixels",
        ),
        (lambda folder: large_images(folder, decoding=ClassMapd("pred")), r"makes a map of classes"),
        (
            lambda folder: large_images(folder).run(items(Path("/x/a.tif"), Path("/y/a.png"))),
            r"the results of /x/a.tif and /y/a.png would have the same name",
        ),
    ],
    ids=["ending", "statistics of a tile", "classes", "names"],
)
def test_what_cannot_work_is_refused(make: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        make(tmp_path)


def test_preprocessing_must_keep_the_size(tmp_path: Path) -> None:
    def shrink(data: dict[str, Any]) -> dict[str, Any]:
        return {"image": data["image"][:, ::2]}

    path = write_slide("tiled TIFF", tmp_path / "images/slide", pixels_of((50, 50)))
    with pytest.raises(RuntimeError):
        large_images(tmp_path, preprocessing=[shrink]).run(items(path))
    assert "tiles must keep their size" in rows(tmp_path / "result/failures.csv")[0][1]


def test_steps_before_the_stretch_are_part_of_what_the_limits_are_of() -> None:
    def twice(data: dict[str, Any]) -> dict[str, Any]:
        return {"image": data["image"] * 2}

    segment = TileSegmentation([twice, PercentileStretchd("image", 0, 100)], Blurred(), None, None)  # type: ignore[arg-type]
    found = segment.limits(lambda: [np.array([[[1, 5]]]), np.array([[[9, 2]]])], "slide")
    np.testing.assert_array_equal(found, [[2, 18]])


def test_zarr_of_labels_says_that_they_are(tmp_path: Path) -> None:
    path = write_slide("tiled TIFF", tmp_path / "images/slide", pixels_of((600, 50)))
    large_images(tmp_path, output_ext=".ome.zarr", tile=300).run(items(path))
    group = zarr.open_group(str(tmp_path / "result/labels/slide.ome.zarr"), mode="r")
    assert dict(group.attrs)["image-label"] == {"version": "0.4"}
    assert [group[name].shape for name in "01"] == [(600, 50), (300, 25)]
