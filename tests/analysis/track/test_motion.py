"""Motion, growth, families and pictures, by hand."""

import numpy as np
import pandas as pd
import pytest

from cellseg_monai.analysis import (
    draw_trails,
    lineage_trees,
    square_displacements,
    summarize_tracks,
    track_lines,
)

# 1 divides into 2 and 3; 2 is lost for a frame and goes on as 4, which divides into 5 and 6.
TRACKS = pd.DataFrame(
    [[1, 0, 1, 0], [2, 2, 3, 1], [3, 2, 5, 1], [4, 5, 6, 2], [5, 7, 7, 4], [6, 7, 7, 4]],
    columns=["label", "begin", "end", "parent"],
)


def points_of(tracks: pd.DataFrame) -> pd.DataFrame:
    """Each track goes 3 to the right and 4 down a frame, and doubles its area."""
    rows = [
        [label, frame, 3 * (frame - begin), 4 * (frame - begin), 10 * 2 ** (frame - begin)]
        for label, begin, end, _ in tracks.to_numpy().tolist()
        for frame in range(begin, end + 1)
    ]
    return pd.DataFrame(rows, columns=["label", "frame", "x", "y", "area"])


def test_families() -> None:
    table = summarize_tracks(points_of(TRACKS), TRACKS)
    assert table["cell"].tolist() == [1, 2, 3, 2, 5, 6]
    assert table["founder"].tolist() == [1] * 6
    assert table["generation"].tolist() == [0, 1, 1, 1, 2, 2]
    assert table["daughters"].tolist() == ["2 3", "", "", "5 6", "", ""]
    # from frame 2 to frame 7
    assert np.nan_to_num(table["division_time_frame"]).tolist() == [0, 0, 0, 5, 0, 0]
    assert lineage_trees(TRACKS)[0]["daughters"][0]["daughters"][0]["label"] == 4
    assert track_lines(TRACKS).splitlines()[3] == "4 5 6 2"


def test_motion_and_growth() -> None:
    table = summarize_tracks(points_of(TRACKS), TRACKS).set_index("label")
    assert table.loc[3, "duration_frame"] == 4
    assert table.loc[3, ["total_distance_px", "net_displacement_px"]].tolist() == [15, 15]
    assert table.loc[3, ["speed_px_per_frame", "directionality"]].tolist() == [5, 1]
    assert table.loc[3, ["area_first_px2", "area_last_px2"]].tolist() == [10, 80]
    assert table.loc[3, "growth_per_frame"] == pytest.approx(np.log(2))
    unknown = table.loc[5, ["speed_px_per_frame", "directionality", "growth_per_frame"]]
    assert unknown.isna().all()


def test_units() -> None:
    table = summarize_tracks(points_of(TRACKS), TRACKS, pixel_size=0.5, frame_interval=10).set_index("label")
    assert table.loc[3, "duration_min"] == 40
    assert table.loc[3, "speed_um_per_min"] == pytest.approx(0.25)
    assert table.loc[3, "area_last_um2"] == 20
    assert table.loc[3, "growth_per_min"] == pytest.approx(np.log(2) / 10)
    assert table.loc[4, "division_time_min"] == 50
    oblong = summarize_tracks(points_of(TRACKS), TRACKS, pixel_size=(1.0, 2.0)).set_index("label")
    assert oblong.loc[1, "total_distance_um"] == pytest.approx(np.hypot(3, 8))


def test_square_displacements() -> None:
    table = square_displacements(points_of(TRACKS), max_lag=3)
    of_three = table[table["label"] == 3]
    assert of_three["msd_px2"].tolist() == [25, 100, 225]
    assert of_three["pairs"].tolist() == [3, 2, 1]
    assert not (table["label"] == 5).any()
    assert square_displacements(points_of(TRACKS))["lag_frame"].max() == 2
    scaled = square_displacements(points_of(TRACKS), pixel_size=2, frame_interval=5, max_lag=1)
    assert list(scaled) == ["label", "lag_min", "msd_um2", "pairs"]
    assert (scaled["lag_min"].iloc[0], scaled["msd_um2"].iloc[0]) == (5, 100)


@pytest.mark.parametrize("number", [0, 1], ids=["no track", "one point"])
def test_little_to_tell(number: int) -> None:
    tracks = TRACKS.iloc[:number].assign(end=0)
    points = points_of(tracks)
    table = summarize_tracks(points, tracks)
    assert len(table) == number
    assert list(table) == list(summarize_tracks(points_of(TRACKS), TRACKS))
    assert len(square_displacements(points)) == 0
    assert lineage_trees(tracks) == ([{"label": 1, "begin": 0, "end": 0, "daughters": []}] if number else [])


@pytest.mark.parametrize("minutes", [0, -1, float("nan")])
def test_an_interval_that_is_none(minutes: float) -> None:
    with pytest.raises(ValueError, match="frame_interval must be a positive number of minutes"):
        summarize_tracks(points_of(TRACKS), TRACKS, frame_interval=minutes)


def frames_of(trail: int, enlarge: int = 1) -> list[np.ndarray]:
    tracks = TRACKS.iloc[:3]
    points = pd.DataFrame(
        [[1, 0, 2, 9, 1], [1, 1, 8, 9, 1], [2, 2, 14, 4, 1], [3, 2, 14, 14, 1]],
        columns=["label", "frame", "x", "y", "area"],
    )
    labels = [np.zeros((20, 20), np.int32) for _ in range(3)]
    for label, frame, x, y, _ in points.to_numpy().tolist():
        labels[frame][y - 1 : y + 2, x - 1 : x + 2] = label
    table = summarize_tracks(points, tracks)
    return list(draw_trails(labels, points, table, [None] * 3, trail=trail, enlarge=enlarge))


def test_trails_lead_back_through_the_mother() -> None:
    last = frames_of(trail=10)[2]
    assert last[9, 5].any()  # between the mother's first place and her last
    assert last[9, 2].any()
    assert (last[last.any(axis=-1)] == last[9, 5]).all()  # one family, one colour
    assert not frames_of(trail=1)[2][9, 5].any()
    assert not frames_of(trail=0)[2][9, 8].any()


def test_enlarged() -> None:
    assert frames_of(trail=3, enlarge=3)[0].shape == (60, 60, 3)
    with pytest.raises(ValueError, match="trail must be at least 0 and enlarge at least 1"):
        frames_of(trail=-1)
