"""Tracks of movies whose truth is known, scored by py-ctcmetrics, and what links do by hand."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from ctc_metrics.metrics import lnk, tra
from ctc_metrics.scripts.evaluate import match_computed_to_reference_masks
from ctc_metrics.utils.representations import count_acyclic_graph_correction_operations

from cellseg_monai.analysis import Tracking, track_cells
from cellseg_monai.analysis.track.drift import expected_steps
from cellseg_monai.analysis.track.tracks import name_tracks
from cellseg_monai.data import read_label_map, timelapse
from cellseg_monai.metrics import tracking_scores

pytest.importorskip("laptrack", reason="an optional part: pip install 'cellseg-monai[tracking]'")


def ctc_scores(
    found: Tracking, truth: list[np.ndarray], tracks: np.ndarray, folder: Path
) -> tuple[float, float]:
    """TRA and LNK of the independent implementation."""
    paths = []
    for name, frames in (("truth", truth), ("found", found.labels)):
        paths.append([str(folder / f"{name}{frame:03}.tif") for frame in range(len(frames))])
        for path, frame in zip(paths[-1], frames, strict=True):
            tifffile.imwrite(path, frame.astype(np.uint16))
    matched = match_computed_to_reference_masks(*paths, threads=1)
    matched.pop("ious")
    operations = count_acyclic_graph_correction_operations(tracks, found.tracks.to_numpy(), **matched)
    return tra(**operations)[0], lnk(**operations)


def shuffled(frames: np.ndarray, seed: int = 0) -> list[np.ndarray]:
    """The same cells under ids that say nothing."""
    random = np.random.default_rng(seed)
    return [np.append(0, random.permutation(int(frames.max())) + 1)[frame] for frame in frames]


@pytest.mark.parametrize("seed", range(3))
def test_synthetic_movies_with_divisions(seed: int, tmp_path: Path) -> None:
    movie = timelapse(20, (192, 192), seed=seed, division_rate=0.04)
    assert any(track.parent for track in movie.tracks)
    found = track_cells(shuffled(movie.labels))
    of_tra, of_lnk = ctc_scores(found, list(movie.labels), np.array(movie.tracks), tmp_path)
    assert of_tra >= 0.99
    assert of_lnk >= 0.93
    ours = tracking_scores(found.labels, movie.labels, found.tracks.to_numpy(), movie.tracks)
    assert (ours.tra, ours.lnk) == pytest.approx((of_tra, of_lnk))


def test_real_movie(real_data: Path, tmp_path: Path) -> None:
    """Twelve frames, cropped, of the manual tracks."""
    folder = real_data / "timelapse/nuclei_tracks/ctc_full_1024_86frames_gt_only/02_GT/TRA"
    frames = [read_label_map(folder / f"man_track{number:03}.tif") for number in range(40, 52)]
    table = np.loadtxt(folder / "man_track.txt", np.int64)
    table = table[(table[:, 1] <= 51) & (table[:, 2] >= 40)]
    table[:, 1:3] = np.clip(table[:, 1:3] - 40, 0, 11)
    table[~np.isin(table[:, 3], table[:, 0]), 3] = 0
    of_tra, of_lnk = ctc_scores(track_cells(frames), frames, table, tmp_path)
    assert of_tra >= 0.999
    assert of_lnk >= 0.99


def movie(*places: list[tuple[int, int, int]]) -> list[np.ndarray]:
    """Frames with squares of a side at a row and column."""
    frames = []
    for cells in places:
        frame = np.zeros((40, 80), np.int32)
        for number, (row, column, side) in enumerate(cells, start=1):
            frame[row : row + side, column : column + side] = number
        frames.append(frame)
    return frames


STILL = [(2, 4, 6), (2, 70, 6), (30, 4, 6)]


def test_division_by_hand() -> None:
    """A mother of 8 x 8 becomes two of 6 x 6, above and below of where she was."""
    before = [*STILL, (16, 40, 8)]
    after = [*STILL, (12, 41, 6), (22, 41, 6)]
    found = track_cells(movie(before, before, after, after), max_distance=12)
    families = found.tracks[found.tracks["parent"] > 0]
    assert families[["begin", "end", "parent"]].to_numpy().tolist() == [[2, 3, 4], [2, 3, 4]]
    assert found.tracks.iloc[3].tolist() == [4, 0, 1, 0]
    alone = track_cells(movie(before, before, after, after), max_distance=12, divisions=False)
    assert (alone.tracks["parent"] == 0).all()


def test_a_newcomer_is_no_daughter() -> None:
    """It appears beside a cell that stays where it is."""
    before = [*STILL, (16, 40, 8)]
    found = track_cells(movie(before, before, [*before, (16, 52, 8)]), max_distance=14)
    assert (found.tracks["parent"] == 0).all()
    assert len(found.tracks) == 5


@pytest.mark.parametrize(("gap", "tracks"), [(0, 2), (1, 2), (2, 2)], ids=["none", "one", "two"])
def test_gap_by_hand(gap: int, tracks: int) -> None:
    cell = [(16, 40, 8)]
    found = track_cells(movie(cell, [], cell), max_distance=10, max_gap=gap)
    assert len(found.tracks) == tracks
    assert found.tracks["parent"].tolist() == ([0, 1] if gap else [0, 0])


def test_max_distance_is_a_limit() -> None:
    frames = movie([(10, 10, 6)], [(10, 22, 6)])
    assert len(track_cells(frames, max_distance=13).tracks) == 1
    assert len(track_cells(frames, max_distance=11).tracks) == 2


def test_a_field_that_moves_as_a_whole_is_followed() -> None:
    """By more than half of the distance of the cells."""
    random = np.random.default_rng(1)
    places = random.permutation(np.stack(np.meshgrid(np.arange(5), np.arange(5)), -1).reshape(-1, 2))[:18]
    places = places * 20 + random.integers(0, 8, places.shape)
    frames = []
    for frame in range(3):
        labels = np.zeros((140, 170), np.int32)
        for number, (row, column) in enumerate(places, start=1):
            labels[row + 2 : row + 8, column + 13 * frame : column + 13 * frame + 6] = number
        frames.append(labels)
    found = track_cells(frames)
    assert len(found.tracks) == 18
    assert np.diff(found.points.groupby("label")["x"].agg(["min", "max"]), axis=1) == pytest.approx(26)


def test_expected_steps_of_few_cells_are_none() -> None:
    assert (expected_steps(np.zeros((3, 2)), np.ones((3, 2)), 9) == 0).all()
    assert expected_steps(np.zeros((0, 2)), np.ones((3, 2)), 9).shape == (0, 2)
    assert (expected_steps(np.random.default_rng(0).random((9, 2)), np.ones((3, 2)) * 99, 9) == 0).all()


def test_empty_frames_and_movies() -> None:
    nothing = track_cells([np.zeros((5, 6), int)] * 3)
    assert (len(nothing.tracks), len(nothing.points), len(nothing.labels)) == (0, 0, 3)
    single = track_cells([np.eye(3, dtype=int)])
    assert single.tracks.to_numpy().tolist() == [[1, 0, 0, 0]]
    cell, nothing = np.eye(3, dtype=int), np.zeros((3, 3), int)
    holes = track_cells([cell, nothing, nothing, cell])
    assert holes.tracks["parent"].tolist() == [0, 0]


def test_ids_beyond_16_bits_and_a_split_id() -> None:
    labels = np.zeros((6, 9), np.int64)
    labels[0, 0], labels[0, 3], labels[4, 5] = 2_000_000_000, 2_000_000_000, 7
    found = track_cells([labels, labels])
    assert found.tracks["label"].tolist() == [1, 2]
    assert (found.labels[1][0, 0], found.labels[1][0, 3]) == (2, 2)
    assert found.points["area"].tolist() == [1, 1, 2, 2]


def test_names_by_hand() -> None:
    """A track, a gap in it, then a division of which one daughter is seen a frame later."""
    links = [((0, 0), (2, 0)), ((2, 0), (3, 0)), ((3, 0), (4, 0)), ((3, 0), (4, 1))]
    names, tracks = name_tracks([1, 0, 1, 1, 2], links)
    assert [name.tolist() for name in names] == [[1], [], [2], [2], [3, 4]]
    assert tracks.to_numpy().tolist() == [[1, 0, 0, 0], [2, 2, 3, 1], [3, 4, 4, 2], [4, 4, 4, 2]]


@pytest.mark.parametrize(
    ("frames", "options", "message"),
    [
        ([], {}, "label_maps is empty; give at least one frame"),
        ([np.eye(3), np.eye(4)], {}, r"frame 1 is \(4, 4\) and frame 0 is \(3, 3\)"),
        ([np.zeros((2, 3, 4))], {}, "measured in one plane"),
        ([np.eye(3)], {"max_distance": 0}, "max_distance must be a positive number of pixels, not 0"),
        ([np.eye(3)], {"max_gap": -1}, "max_gap must be at least 0 frames, not -1"),
    ],
    ids=["no frame", "sizes", "volume", "distance", "gap"],
)
def test_refused(frames: list[np.ndarray], options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        track_cells(frames, **options)


def test_without_laptrack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "laptrack", None)
    with pytest.raises(RuntimeError, match=r"not installed: pip install 'cellseg-monai\[tracking\]'"):
        track_cells([np.eye(3), np.eye(3)])
