"""Which of the tried models is the start."""

from pathlib import Path

import pytest

from cellseg_monai.planning.preparation import good_start
from cellseg_monai.planning.starts import Trial, safest_first


def trials(*scales_and_scores):
    return [Trial(Path("bundle"), scale, score, 1.0) for scale, score in scales_and_scores]


@pytest.mark.parametrize(("tried", "scale"), [
    ([(0.33, 0.914), (0.47, 0.906), (0.66, 0.901), (0.3, 0.8)], 0.66),
    ([(0.33, 0.914), (0.66, 0.89)], 0.33),
    ([(1.0, 0.9), (0.7, 0.89)], 1.0),
], ids=["as good", "worse", "the best is the finest"])  # fmt: skip
def test_of_models_as_good_the_one_at_the_largest_scale_is_first(tried, scale):
    found = safest_first(trials(*tried))
    assert found[0].scale == scale
    assert [trial.score for trial in found[1:]] == sorted((s for at, s in tried if at != scale), reverse=True)


def test_of_models_as_good_at_one_scale_the_one_with_the_most_images_is_first():
    few, many, worse = (
        Trial(Path(name), 1.0, score, 1.0, learned)
        for name, score, learned in (("few", 0.925, 16), ("many", 0.908, 529), ("worse", 0.9, 9999))
    )
    assert safest_first([few, many, worse]) == [many, few, worse]


def test_no_trial_is_no_start():
    assert safest_first([]) == []


def test_more_is_asked_of_a_start_the_longer_the_training_is():
    asked = [good_start(minutes) for minutes in (1, 5, 8, 20, 30, 600)]
    assert asked == sorted(asked)
    assert asked[2] == pytest.approx(0.4)
    assert asked[-1] == pytest.approx(0.65)
