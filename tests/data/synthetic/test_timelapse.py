import numpy as np
import pytest

from cellseg_monai.data.synthetic import timelapse
from cellseg_monai.label_maps import connected_components


@pytest.fixture(scope="module")
def movie():
    return timelapse(30, (180, 220), seed=3, density=0.2, diameter=20, speed=0.15, division_rate=0.05)


def frames_of(movie):
    """The frames in which each id is seen."""
    seen = {}
    for frame, label in enumerate(movie.labels):
        for number in np.unique(label[label > 0]):
            seen.setdefault(int(number), []).append(frame)
    return seen


def test_types_and_shapes(movie):
    assert movie.images.shape == movie.labels.shape == (30, 180, 220)
    assert movie.images.dtype == np.uint16
    assert movie.labels.dtype == np.int32


def test_the_table_says_exactly_what_the_images_show(movie):
    seen = frames_of(movie)
    assert [track.label for track in movie.tracks] == list(range(1, len(movie.tracks) + 1)) == sorted(seen)
    for track in movie.tracks:
        assert seen[track.label] == list(range(track.begin, track.end + 1))


def test_each_division_has_two_daughters_that_begin_when_the_mother_has_ended(movie):
    by_label = {track.label: track for track in movie.tracks}
    mothers = [track.parent for track in movie.tracks if track.parent]
    assert len(set(mothers)) >= 5
    for mother in set(mothers):
        daughters = [track for track in movie.tracks if track.parent == mother]
        assert len(daughters) == 2
        assert {daughter.begin for daughter in daughters} == {by_label[mother].end + 1}


def test_daughters_lie_where_the_mother_was(movie):
    for track in movie.tracks:
        if track.parent:
            mother = np.argwhere(movie.labels[track.begin - 1] == track.parent).mean(axis=0)
            daughter = np.argwhere(movie.labels[track.begin] == track.label).mean(axis=0)
            assert np.linalg.norm(mother - daughter) < 1.5 * 20


def test_nuclei_enter_and_leave(movie):
    assert any(track.begin > 0 and not track.parent for track in movie.tracks)
    mothers = {track.parent for track in movie.tracks}
    assert any(track.end < 29 and track.label not in mothers for track in movie.tracks)


def test_nuclei_move_but_do_not_jump(movie):
    steps = []
    for frame in range(29):
        before, after = movie.labels[frame], movie.labels[frame + 1]
        for number in np.intersect1d(before[30:-30, 30:-30], after)[1:]:
            path = np.argwhere(after == number).mean(axis=0) - np.argwhere(before == number).mean(axis=0)
            steps.append(np.linalg.norm(path))
    assert 1 < np.median(steps) < 6
    assert max(steps) < 20


def test_each_id_is_one_piece_in_every_frame(movie):
    for label in movie.labels:
        assert connected_components(label, connectivity=1).max() == len(np.unique(label)) - 1


def test_daughters_grow(movie):
    growth = []
    for track in movie.tracks:
        if track.parent and track.end - track.begin >= 8:
            areas = [
                np.count_nonzero(movie.labels[frame] == track.label) for frame in (track.begin, track.end)
            ]
            growth.append(areas[1] / areas[0])
    assert np.median(growth) > 1.3


def test_the_same_seed_gives_the_same_movie_and_shift_leaves_the_truth():
    first, again, shifted = (timelapse(4, (64, 64), seed=9, shift=shift) for shift in (0, 0, 1))
    assert first.images.tobytes() == again.images.tobytes()
    assert first.labels.tobytes() == shifted.labels.tobytes()
    assert first.tracks == again.tracks == shifted.tracks
    assert shifted.images.mean() > 2 * first.images.mean()


def test_no_division_without_a_rate():
    still = timelapse(12, (96, 96), seed=1, division_rate=0)
    assert all(track.parent == 0 for track in still.tracks)


def test_no_speed_leaves_distant_nuclei_where_they_are():
    still = timelapse(3, (96, 96), seed=1, speed=0, division_rate=0, density=0.02)
    areas = [np.count_nonzero(still.labels[frame]) for frame in (0, 2)]
    assert areas[0] == pytest.approx(areas[1], rel=0.5)
    moving = timelapse(3, (96, 96), seed=1, speed=1, division_rate=0, density=0.02)
    assert not np.array_equal(still.labels[2], moving.labels[2])


def test_an_empty_movie():
    empty = timelapse(3, (32, 32), density=0)
    assert empty.tracks == []
    assert empty.labels.max() == 0
    assert empty.images.std() > 0


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"frames": 0}, "frames must be at least 1, not 0"),
        ({"speed": -1}, "speed must be between 0 and 1, not -1"),
        ({"division_rate": 2}, "division_rate must be between 0 and 1, not 2"),
        ({"density": 0.9}, "density must be between 0 and 0.7"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_knobs_out_of_limits_are_refused(knobs, message):
    with pytest.raises(ValueError, match=message):
        timelapse(**knobs)
