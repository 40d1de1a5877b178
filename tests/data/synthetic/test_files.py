import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellseg_monai.data.synthetic import (
    KINDS,
    files,
    timelapse,
    write_synthetic_dataset,
    write_synthetic_timelapse,
)


def touch(path: Path, *_: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


DTYPES = {"nuclei": "uint16", "phase": "uint8", "filaments": "uint16", "tissue": "uint8"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_item_is_readable_with_the_right_type(tmp_path, kind):
    datalist = write_synthetic_dataset(kind, tmp_path / "set", count=3, size=(64, 80), seed=1)
    assert datalist == tmp_path / "set" / "dataset.json"
    content = json.loads(datalist.read_text())
    assert kind in content["name"]
    assert len(content["training"]) == 3
    for index, item in enumerate(content["training"]):
        image, label = (tifffile.imread(datalist.parent / item[key]) for key in ("image", "label"))
        assert item["image"] == f"images/{kind}_{index:03d}.tif"
        assert item["label"] == f"labels/{kind}_{index:03d}.tif"
        assert item["modality"] == kind
        assert image.dtype == DTYPES[kind]
        assert image.shape == (64, 80) + (3,) * (kind == "tissue")
        assert label.dtype == np.int32
        assert label.max() >= 1


def test_tissue_has_class_maps_and_their_names(tmp_path):
    datalist = write_synthetic_dataset("tissue", tmp_path, count=1, size=(128, 128))
    content = json.loads(datalist.read_text())
    assert content["classes"] == {"1": "epithelial", "2": "inflammatory", "3": "connective"}
    item = content["training"][0]
    classes = tifffile.imread(tmp_path / item["class_map"])
    np.testing.assert_array_equal(classes > 0, tifffile.imread(tmp_path / item["label"]) > 0)
    assert classes.dtype == np.uint8
    assert classes.max() <= 3


def test_pixel_size_stands_in_the_metadata(tmp_path):
    write_synthetic_dataset("nuclei", tmp_path, count=1, size=(32, 32))
    for folder in ("images", "labels"):
        with tifffile.TiffFile(tmp_path / folder / "nuclei_000.tif") as file:
            tags = file.pages[0].tags
            numerator, denominator = tags["XResolution"].value
            assert tags["ResolutionUnit"].value == tifffile.RESUNIT.CENTIMETER
            assert 18 / 32 <= 1e4 * denominator / numerator <= 18 / 24


def test_one_microscope_took_all_images_of_a_set(tmp_path):
    write_synthetic_dataset("phase", tmp_path, count=5, size=(32, 32))
    resolutions = set()
    for path in (tmp_path / "images").iterdir():
        with tifffile.TiffFile(path) as file:
            resolutions.add(file.pages[0].tags["XResolution"].value)
    assert len(resolutions) == 1


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    for folder in ("first", "again"):
        write_synthetic_dataset("phase", tmp_path / folder, count=2, size=(48, 48), seed=4)
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("[!.]*.*"))
    assert len(files) == 1 + 5  # with the journal of what was written
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_images_of_a_set_differ_and_groups_are_dishes(tmp_path):
    items = json.loads(write_synthetic_dataset("nuclei", tmp_path, count=6, size=(160, 160)).read_text())[
        "training"
    ]
    assert [item["group"] for item in items] == [f"dish_{dish:02d}" for dish in (0, 0, 1, 1, 2, 2)]
    covered = [(tifffile.imread(tmp_path / item["label"]) > 0).mean() for item in items]
    assert max(covered) > 1.5 * min(covered)


def test_shift_changes_the_images_and_not_the_labels(tmp_path):
    for name, shift in (("one", 0.0), ("two", 1.0)):
        write_synthetic_dataset("nuclei", tmp_path / name, count=1, size=(64, 64), shift=shift)
    images, labels = (
        [tifffile.imread(tmp_path / name / folder / "nuclei_000.tif") for name in ("one", "two")]
        for folder in ("images", "labels")
    )
    np.testing.assert_array_equal(*labels)
    assert images[1].mean() > 2 * images[0].mean()


def test_an_existing_set_is_not_overwritten(tmp_path):
    datalist = write_synthetic_dataset("nuclei", tmp_path, count=1, size=(32, 32))
    before = datalist.read_bytes()
    with pytest.raises(FileExistsError, match=r"dataset.json already exists; delete it or choose another"):
        write_synthetic_dataset("nuclei", tmp_path, count=2, size=(32, 32))
    assert datalist.read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "count", "message"),
    [("yeast", 1, "no synthetic kind 'yeast'"), ("nuclei", 0, "count must be at least 1, not 0")],
)
def test_wrong_arguments_leave_no_folder_behind(tmp_path, kind, count, message):
    with pytest.raises(ValueError, match=message):
        write_synthetic_dataset(kind, tmp_path / "set", count=count)
    assert not (tmp_path / "set").exists()


def test_a_movie_lies_in_challenge_layout(tmp_path):
    movie = timelapse(5, (80, 96), seed=3, division_rate=0.2)
    assert write_synthetic_timelapse(movie, tmp_path) == tmp_path / "01"
    for frame in range(5):
        mask = tifffile.imread(tmp_path / "01_GT" / "TRA" / f"man_track{frame:03d}.tif")
        np.testing.assert_array_equal(
            tifffile.imread(tmp_path / "01" / f"t{frame:03d}.tif"), movie.images[frame]
        )
        np.testing.assert_array_equal(mask, movie.labels[frame])
        np.testing.assert_array_equal(
            tifffile.imread(tmp_path / "01_GT" / "SEG" / f"man_seg{frame:03d}.tif"), mask
        )
        assert mask.dtype == np.uint16
    table = np.loadtxt(tmp_path / "01_GT" / "TRA" / "man_track.txt", int, ndmin=2)
    np.testing.assert_array_equal(table, np.array(movie.tracks))
    assert len(list(tmp_path.rglob("[!.]*.*"))) == 3 * 5 + 1


def test_an_existing_movie_is_not_overwritten_and_another_lies_beside_it(tmp_path):
    movie = timelapse(1, (32, 32))
    write_synthetic_timelapse(movie, tmp_path)
    with pytest.raises(FileExistsError, match="01 already exists"):
        write_synthetic_timelapse(movie, tmp_path)
    assert write_synthetic_timelapse(movie, tmp_path, sequence="02") == tmp_path / "02"


def test_more_than_a_thousand_frames_get_four_digits(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_write_tiff", touch)
    empty = timelapse(1, (2, 2), density=0)
    long = replace(empty, images=np.repeat(empty.images, 1001, 0), labels=np.repeat(empty.labels, 1001, 0))
    frames = write_synthetic_timelapse(long, tmp_path)
    assert (frames / "t1000.tif").exists()
    assert (frames / "t0000.tif").exists()


def test_too_many_tracks_for_uint16_are_refused_before_anything_is_written(tmp_path):
    movie = timelapse(1, (8, 8))
    crowded = replace(movie, labels=np.full((1, 8, 8), 70_000, np.int32))
    with pytest.raises(ValueError, match="id 70000 does not fit into uint16"):
        write_synthetic_timelapse(crowded, tmp_path)
    assert not any(tmp_path.iterdir())
