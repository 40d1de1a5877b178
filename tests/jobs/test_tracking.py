"""``cellseg track``: the files of a movie read, tracked and written."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from cellseg_monai.cli import main
from cellseg_monai.data import timelapse, write_synthetic_timelapse
from cellseg_monai.export.movie import write_movie
from cellseg_monai.jobs.tracking import track
from cellseg_monai.metrics import tracking_scores

pytest.importorskip("laptrack", reason="an optional part: pip install 'cellseg-monai[tracking]'")


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("movie")
    write_synthetic_timelapse(timelapse(11, (96, 112), seed=5, division_rate=0.08), folder)
    return folder


def test_all_files(movie: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    folders = [str(movie / "01_GT/SEG"), "--images", str(movie / "01"), "--out", str(out)]
    assert main(["track", *folders, "--frame-interval", "5"]) == 0
    assert f"in 11 frames; see {out / 'report.html'}" in capsys.readouterr().out
    tracks = np.loadtxt(out / "res_track.txt", np.int64, ndmin=2)
    masks = [tifffile.imread(out / f"mask{frame:03}.tif") for frame in range(11)]
    assert masks[0].dtype == np.uint16
    truth = [tifffile.imread(movie / f"01_GT/TRA/man_track{frame:03}.tif") for frame in range(11)]
    true_tracks = np.loadtxt(movie / "01_GT/TRA/man_track.txt", np.int64, ndmin=2)
    assert tracking_scores(masks, truth, tracks, true_tracks).tra > 0.98
    table = pd.read_csv(out / "tracks.csv", keep_default_na=False)
    assert table[["label", "begin", "end", "parent"]].to_numpy().tolist() == tracks.tolist()
    assert "speed_um_per_min" in table
    assert list(pd.read_csv(out / "msd.csv")) == ["label", "lag_min", "msd_um2", "pairs"]
    assert len(pd.read_csv(out / "points.csv")) == sum(len(np.unique(mask)) - 1 for mask in masks)
    assert len(json.loads((out / "lineage.json").read_text())) == (tracks[:, 3] == 0).sum()
    report = (out / "report.html").read_text()
    assert all(words in report for words in ("Mean square displacement", "Cells in each frame", "Lineage"))
    with Image.open(out / "movie.gif") as gif:
        assert (gif.n_frames, gif.size) == (11, (448, 384))
    assert not (out / "failures.csv").exists()


def save(folder: Path, frames: dict[str, np.ndarray]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        tifffile.imwrite(folder / name, frame)
    return folder


def cell(column: int) -> np.ndarray:
    frame = np.zeros((20, 60), np.uint8)
    frame[8:14, column : column + 6] = 1
    return frame


def test_frames_go_by_their_numbers(tmp_path: Path) -> None:
    folder = save(tmp_path / "labels", {f"t{frame}.tif": cell(frame) for frame in range(12)})
    tracks = track(folder, tmp_path / "out", max_distance=3).tracks
    assert tracks["total_distance_px"].tolist() == [11]


def test_distance_is_in_micrometres_if_their_size_is_known(tmp_path: Path) -> None:
    folder = save(tmp_path / "labels", {"a.tif": cell(0), "b.tif": cell(8)})
    assert len(track(folder, tmp_path / "out", pixel_size=0.5, max_distance=5).tracks) == 1
    assert len(track(folder, tmp_path / "out", max_distance=5).tracks) == 2


def test_a_bad_frame_is_empty_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = save(tmp_path / "labels", {f"{frame}.tif": cell(frame) for frame in range(4)})
    (folder / "2.tif").write_bytes(b"no image")
    options = ["--out", str(tmp_path / "out"), "--max-distance", "5"]
    assert main(["track", str(folder), *options]) == 1
    assert "1 frame could not be read (treated as empty); see" in capsys.readouterr().out
    assert pd.read_csv(tmp_path / "out/failures.csv")["frame"].tolist() == ["2.tif"]
    assert np.loadtxt(tmp_path / "out/res_track.txt").tolist() == [[1, 0, 1, 0], [2, 3, 3, 1]]
    assert main(["track", str(folder), *options, "--max-gap", "0"]) == 1
    assert np.loadtxt(tmp_path / "out/res_track.txt")[:, 3].tolist() == [0, 0]


def test_an_empty_movie(tmp_path: Path) -> None:
    folder = save(tmp_path / "labels", {"a.tif": cell(0) * 0, "b.tif": cell(0) * 0})
    assert len(track(folder, tmp_path / "out").tracks) == 0
    assert (tmp_path / "out/res_track.txt").read_text() == ""
    assert "No cell divided" in (tmp_path / "out/report.html").read_text()


def test_options_of_the_movie(movie: Path, tmp_path: Path) -> None:
    labels = movie / "01_GT/SEG"
    options = ["--fps", "10", "--trail", "0", "--no-divisions"]
    assert main(["track", str(labels), "--out", str(tmp_path), *options]) == 0
    with Image.open(tmp_path / "movie.gif") as gif:
        assert gif.info["duration"] == 100
    parents = np.loadtxt(tmp_path / "res_track.txt", np.int64)[:, 3]
    assert np.bincount(parents)[1:].max(initial=0) <= 1


def test_the_movie_is_where_it_was_asked_for_and_numbers_its_frames(tmp_path: Path) -> None:
    folder = save(tmp_path / "labels", {f"t{frame}.tif": cell(9) for frame in range(2)})
    film = tmp_path / "films/tracks.gif"
    assert (
        main(["track", str(folder), "--out", str(tmp_path / "out"), "--movie", str(film), "--trail", "0"])
        == 0
    )
    assert not (tmp_path / "out/movie.gif").exists()
    with Image.open(film) as gif:
        first = np.asarray(gif.convert("RGB")).astype(int)
        gif.seek(1)
        second = np.asarray(gif.convert("RGB")).astype(int)
    differing = np.argwhere(np.abs(first - second).max(axis=-1) > 100)
    assert len(differing)  # 0 and 1; nothing else moves
    assert differing.max() < 30


def test_mp4_has_every_frame_in_even_sides(tmp_path: Path) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="optional: pip install 'cellseg-monai[movie]'")
    shades = [np.full((61, 83, 3), shade, np.uint8) for shade in (10, 120, 230)]
    write_movie(tmp_path / "shades.mp4", shades, 5)
    reader = ffmpeg.read_frames(str(tmp_path / "shades.mp4"))
    assert next(reader)["size"] == (84, 62)
    found = [np.frombuffer(frame, np.uint8).reshape(62, 84, 3)[40:, 40:].mean() for frame in reader]
    np.testing.assert_allclose(found, [10, 120, 230], atol=4)


def test_mp4_without_its_package_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(RuntimeError, match=r"MP4 needs imageio-ffmpeg: pip install 'cellseg-monai\[movie\]'"):
        track(tmp_path / "nowhere", tmp_path / "out", movie=tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["nowhere"], "nowhere: there is no such file or folder"),
        (["labels", "--images", "one"], "one has 1 image but labels has 2 label maps; each frame needs both"),
        (["labels", "--images", "small"], r"are (20, 60) (rows, columns); give images of the same size"),
        (["labels", "--fps", "0"], "frames_per_second must be above 0, not 0"),
        (["labels", "--movie", "film.avi"], "film.avi: a movie must be .gif or .mp4"),
        (["bad"], "no frame can be read"),
    ],
    ids=["nowhere", "too few images", "sizes", "fps", "format of the movie", "no frame"],
)
def test_errors_are_one_sentence(
    options: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "labels", {"a.tif": cell(0), "b.tif": cell(1)})
    save(tmp_path / "one", {"a.tif": cell(0)})
    save(tmp_path / "small", {"a.tif": cell(0)[1:], "b.tif": cell(0)[1:]})
    save(tmp_path / "bad", {})
    (tmp_path / "bad/a.tif").write_bytes(b"")
    assert main(["track", *options, "--out", "out"]) == 1
    assert message in capsys.readouterr().err


def results(folder: Path) -> dict[str, bytes]:
    """All that tracking writes, but the record of its run."""
    files = [
        path
        for path in folder.iterdir()
        if path.is_file() and path.name != "run.json" and not path.name.startswith((".", "cellseg"))
    ]
    return {path.name: path.read_bytes() for path in files}


@pytest.mark.parametrize("axes", ["named", "declared"])
def test_a_movie_of_90_frames_in_one_file_is_tracked_as_the_folder_is(axes: str, tmp_path: Path) -> None:
    movie = timelapse(90, (64, 80), seed=2, division_rate=0.01)
    write_synthetic_timelapse(movie, tmp_path)
    labels, images = (np.stack(frames) for frames in (movie.labels, movie.images))
    for name, pixels in {"labels": labels.astype(np.uint16), "images": images}.items():
        options = {"metadata": {"axes": "TYX"}, "imagej": True, "resolution": (2, 2)}
        plain = {"metadata": None, "photometric": "minisblack", "resolution": (2e4, 2e4), "resolutionunit": 3}
        tifffile.imwrite(tmp_path / f"{name}.tif", pixels, **(options if axes == "named" else plain))
    said = ["--axes", "TYX"] if axes == "declared" else []
    said += ["--pixel-size", "0.5"]
    files = [str(tmp_path / "labels.tif"), "--images", str(tmp_path / "images.tif")]
    folders = [str(tmp_path / "01_GT/SEG"), "--images", str(tmp_path / "01")]
    for name, given in {"one": files, "many": folders}.items():
        assert main(["track", *given, *said, "--out", str(tmp_path / name)]) == 0
    one, many = results(tmp_path / "one"), results(tmp_path / "many")
    assert len(one) > 90
    assert one == many


def test_a_stack_is_no_movie(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 9, 9), np.uint8), metadata={"axes": "ZYX"})
    assert main(["track", str(tmp_path / "a.tif"), "--out", str(tmp_path / "out")]) == 1
    assert (
        "has planes of a stack, and no frames; if they are frames, add --axes TYX" in capsys.readouterr().err
    )
