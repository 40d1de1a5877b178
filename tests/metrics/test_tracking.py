"""SEG, DET, LNK and TRA against py-ctcmetrics, and by hand."""

import numpy as np
import pytest
import tifffile
from ctc_metrics.metrics import det, lnk, seg, tra
from ctc_metrics.scripts.evaluate import match_computed_to_reference_masks
from ctc_metrics.utils.representations import count_acyclic_graph_correction_operations

from cellseg_monai.metrics import segmentation_score, tracking_scores

FRAMES, SLOTS, SIDE = 6, 5, 4


def random_sequence(random):
    """Cells in slots of their own, which come, go, divide, break and sometimes reach into the next slot."""
    frames = np.zeros((FRAMES, SIDE + 1, SLOTS * SIDE), np.uint16)
    tracks, number = [], 0
    for slot in range(SLOTS):
        begin, mother = random.integers(0, 3), 0
        while begin < FRAMES:
            number += 1
            end = min(begin + random.integers(0, 4), FRAMES - 1)
            tracks.append([number, begin, end, mother])
            for frame in range(begin, end + 1):
                width = (
                    random.integers(2, SIDE + 1) if random.random() < 0.8 or slot == SLOTS - 1 else 2 * SIDE
                )
                top = random.integers(0, 2)
                area = frames[frame, top : top + 3, slot * SIDE : slot * SIDE + width]
                area[area == 0] = number
                frames[frame, SIDE, slot * SIDE] = number  # so that no cell is covered wholly
            earlier = [track[0] for track in tracks if track[2] < end + 1]
            mother = int(random.choice([0, number, random.choice(earlier)]))
            begin = end + 1 + random.integers(0, 2)
    return frames, np.array(tracks)


def of_ctc_metrics(pred, truth, pred_tracks, truth_tracks, folder):
    paths = []
    for name, frames in (("truth", truth), ("pred", pred)):
        paths.append([str(folder / f"{name}{frame}.tif") for frame in range(len(frames))])
        for path, image in zip(paths[-1], frames, strict=True):
            tifffile.imwrite(path, image.astype(np.uint16))
    found = match_computed_to_reference_masks(*paths, threads=1)
    ious = found.pop("ious")
    operations = count_acyclic_graph_correction_operations(truth_tracks, pred_tracks, **found)
    score = seg(found["labels_ref"], ious)
    return score, det(**operations), lnk(**operations), tra(**operations)[0], operations


@pytest.mark.parametrize("seed", range(200))
def test_py_ctcmetrics(seed, tmp_path):
    random = np.random.default_rng(seed)
    truth, truth_tracks = random_sequence(random)
    pred, pred_tracks = random_sequence(random)
    if seed % 3 == 0:  # nearly right: some cells lost at the end of their tracks
        pred, pred_tracks = truth.copy(), truth_tracks.copy()
        for track in pred_tracks:
            if track[2] > track[1] and random.random() < 0.3 and track[0] not in pred_tracks[:, 3]:
                pred[track[2]][pred[track[2]] == track[0]] = 0
                track[2] -= 1
    expected = of_ctc_metrics(pred, truth, pred_tracks, truth_tracks, tmp_path)
    scores = tracking_scores(pred, truth, pred_tracks, truth_tracks)
    assert [scores.seg, scores.det, scores.lnk, scores.tra] == pytest.approx(expected[:4])
    errors = [scores.splits, scores.misses, scores.alarms, scores.redundant, scores.missing, scores.wrong]
    assert errors == [expected[4][name] for name in ("NS", "FN", "FP", "ED", "EA", "EC")]
    assert segmentation_score(pred, truth) == pytest.approx(expected[0])


CELL, NOTHING = [[1, 1, 0, 0]], [[0, 0, 0, 0]]
TWO = [[2, 2, 3, 3]]


def test_division_taken_for_one_cell_by_hand():
    """Truth: a mother in two frames, then two daughters. Prediction: the mother lives on over both daughters.

    NS = 1. No edge leads to the prediction that covers two, so of 1 + 2 true edges those to the daughters are
    missing.
    """
    scores = tracking_scores(
        [CELL, CELL, [[1, 1, 1, 1]]],
        [CELL, CELL, TWO],
        [[1, 0, 2, 0]],
        [[1, 0, 1, 0], [2, 2, 2, 1], [3, 2, 2, 1]],
    )
    assert (scores.splits, scores.misses, scores.alarms) == (1, 0, 0)
    assert (scores.redundant, scores.missing, scores.wrong) == (0, 2, 0)
    assert scores.det == 1 - 5 / 40
    assert scores.lnk == pytest.approx(1 - 3 / 4.5)
    assert scores.tra == pytest.approx(1 - 8 / 44.5)
    assert scores.seg == (1 + 1 + 0.5 + 0.5) / 4


def test_daughter_taken_for_the_mother_is_an_edge_of_the_wrong_kind():
    tracks = [[1, 0, 0, 0], [2, 1, 1, 1]]
    scores = tracking_scores([CELL, CELL], [CELL, [[2, 2, 0, 0]]], [[1, 0, 1, 0]], tracks)
    assert (scores.redundant, scores.missing, scores.wrong) == (0, 0, 1)
    assert scores.lnk == pytest.approx(1 - 1 / 1.5)


def test_exactly_half_is_no_match():
    assert segmentation_score([[[1, 0]]], [[[1, 1]]]) == 0


@pytest.mark.parametrize("empty", [1.0, 0.0])
def test_nothing_to_track(empty):
    scores = tracking_scores([NOTHING], [NOTHING], [], [], empty=empty)
    assert (scores.seg, scores.det, scores.lnk, scores.tra) == (empty,) * 4
    assert segmentation_score([NOTHING], [NOTHING], empty=empty) == empty
    scores = tracking_scores([CELL], [NOTHING], [[1, 0, 0, 0]], [], empty=empty)
    assert (scores.det, scores.lnk, scores.tra) == (0, empty, 0)
    scores = tracking_scores([NOTHING], [CELL], [], [[1, 0, 0, 0]], empty=empty)
    assert (scores.seg, scores.det, scores.lnk, scores.tra) == (0, 0, empty, 0)


@pytest.mark.parametrize(
    ("frames", "tracks", "message"),
    [
        ([CELL], [], "cell 1 is in frame 0, but no track 1 in pred_tracks covers it"),
        ([CELL, CELL], [[1, 0, 0, 0]], "cell 1 is in frame 1, but no track 1 in pred_tracks"),
        (
            [CELL, NOTHING, CELL],
            [[1, 0, 2, 0]],
            "lists cell 1 in frame 1, but the label map does not",
        ),
        ([CELL], [[1, 0, 0, 9]], "track 1 begins in frame 0, but its mother 9 does not end before"),
        ([CELL], [[1, 0, 0, 0], [1, 0, 0, 0]], "pred_tracks lists track 1 more than once"),
        ([CELL], [[1, 0, 0]], r"pred_tracks needs rows of id, .*, mother, not shape \(1, 3\)"),
    ],
    ids=["no track", "too short", "gap", "mother", "twice", "columns"],
)
def test_frames_and_tracks_that_contradict_each_other(frames, tracks, message):
    truth = [CELL] * len(frames)
    with pytest.raises(ValueError, match=message):
        tracking_scores(frames, truth, tracks, [[1, 0, len(frames) - 1, 0]])


def test_frames_of_unequal_number():
    with pytest.raises(ValueError, match="zip"):
        tracking_scores([CELL], [CELL, CELL], [[1, 0, 0, 0]], [[1, 0, 1, 0]])
