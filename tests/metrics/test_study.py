"""Coverage, fine-tuning, and statements about models."""

import math

import numpy as np
import pytest
from scipy import stats

from cellseg_monai.metrics import compare_paired, summarize, summarize_pooled, task_scores, transfer


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.8232, 0.5904, 0.5164], [0.6433, 1.0, 0.6433]),
        ([0.9834, 0.9036, None], [0.9435, 0.6667, 0.6290]),
        ([0.9908, 0.9327, 0.6357], [0.8531, 1.0, 0.8531]),
    ],
    ids=["StarDist", "Cellpose", "patch-based attention U-Net"],
)
def test_table_of_the_source(scores, expected):
    result = task_scores({f"task {place}": score for place, score in enumerate(scores)})
    assert [round(value, 4) for value in result] == expected


def test_tasks_without_score():
    assert task_scores({"a": math.nan, "b": None}) == (0, 0, 0)
    with pytest.raises(ValueError, match="scores is empty"):
        task_scores({})


def test_transfer_without_gap():
    result = transfer([0.5], [0.6], [0.5], [0.5])
    assert result.transfer == 0
    assert result.forgetting == pytest.approx(-0.1)
    assert math.isnan(result.gap_closed)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (([0.5], [0.5, 0.6], [0.5], [0.5]), "1 scores before and 2 after fine-tuning on the old data"),
        (([0.5], [0.5], [], []), "0 scores before and 0 after fine-tuning on the new data"),
        (([0.5], [0.5], [0.5], [math.nan]), "a score on the new data is not finite"),
    ],
    ids=["unpaired", "none", "nan"],
)
def test_transfer_needs_the_same_images(scores, message):
    with pytest.raises(ValueError, match=message):
        transfer(*scores)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("seed", range(5))
def test_intervals_are_those_of_scipy(seed, confidence):
    scores = np.random.default_rng(seed).beta(5, 2, 25)
    summary = summarize(scores, confidence=confidence, resamples=20_000)
    for ours, statistic in ((summary.mean, np.mean), (summary.median, np.median)):
        theirs = stats.bootstrap(
            (scores,), statistic, confidence_level=confidence, n_resamples=20_000, method="percentile", rng=0
        ).confidence_interval
        assert ours.value == statistic(scores)
        assert [ours.low, ours.high] == pytest.approx([theirs.low, theirs.high], abs=0.01)


def test_summary_of_few_and_of_missing_scores():
    alone = summarize([0.5, math.nan])
    assert (alone.mean.value, alone.images, alone.left_out) == (0.5, 1, 1)
    assert math.isnan(alone.mean.low)
    for scores, message in [
        ([], "at least one of 0 scores must be a number"),
        ([math.nan], "at least one of 1 scores"),
        ([1, math.inf], "none may be infinite"),
    ]:
        with pytest.raises(ValueError, match=message):
            summarize(scores)


def test_seed_and_options():
    scores = np.random.default_rng(0).uniform(size=9)
    assert summarize(scores, seed=3) == summarize(scores, seed=3)
    assert summarize(scores, seed=3).mean != summarize(scores, seed=4).mean
    assert summarize(scores, resamples=50).mean != summarize(scores, resamples=51).mean
    for options, message in [
        ({"confidence": 95}, "confidence=95 must be between"),
        ({"resamples": 0}, "resamples=0"),
    ]:
        with pytest.raises(ValueError, match=message):
            summarize(scores, **options)


@pytest.mark.parametrize(("images", "tolerance"), [(5, 1e-9), (10, 1e-9), (40, 0.02)])
@pytest.mark.parametrize("seed", range(5))
def test_paired_test_is_that_of_scipy(seed, images, tolerance):
    random = np.random.default_rng(seed)
    first = random.uniform(size=images)
    second = first + random.normal(0.02, 0.1, images)
    ours = compare_paired(first, second)
    theirs = stats.permutation_test(
        (first - second,), np.mean, permutation_type="samples", n_resamples=9999, vectorized=False, rng=0
    )
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=tolerance)
    assert ours.difference.value == pytest.approx(np.mean(first - second))
    assert ours.difference.low < ours.difference.value < ours.difference.high


def test_models_that_are_equal_do_not_differ():
    assert compare_paired([0.5] * 8, [0.5] * 8).p_value == 1


def test_images_that_one_model_has_no_score_for_are_left_out():
    assert compare_paired([0.9, 0.8, math.nan], [0.7, math.nan, 0.7]).images == 1
    with pytest.raises(ValueError, match="2 scores of the first model, but 1 of the second"):
        compare_paired([1, 2], [1])


def test_options_of_the_comparison():
    first, second = np.random.default_rng(0).uniform(size=(2, 20))
    assert compare_paired(first, second, seed=1) == compare_paired(first, second, seed=1)
    assert compare_paired(first, second, seed=1) != compare_paired(first, second, seed=2)
    wide = compare_paired(first, second, confidence=0.99).difference
    assert wide.low < compare_paired(first, second, confidence=0.5).difference.low
    assert compare_paired(first, second, resamples=9).p_value >= 0.1


def test_pooled_intervals_are_those_of_scipy():
    hits, pixels = np.random.default_rng(0).integers(1, 50, (2, 25))

    def share(hits, pixels, axis=-1):
        return hits.sum(axis) / (hits + pixels).sum(axis)

    ours = summarize_pooled(
        np.stack([hits, hits + pixels], axis=1), lambda sums: sums[:, 0] / sums[:, 1], resamples=20_000
    )
    theirs = stats.bootstrap(
        (hits, pixels), share, n_resamples=20_000, method="percentile", paired=True, vectorized=True, rng=0
    ).confidence_interval
    assert ours.value == pytest.approx(share(hits, pixels))
    assert [ours.low, ours.high] == pytest.approx([theirs.low, theirs.high], abs=0.006)


def test_one_image_has_no_pooled_interval():
    one = summarize_pooled([[1, 4]], lambda sums: sums[:, 0] / sums[:, 1])
    assert one.value == 0.25
    assert math.isnan(one.low)
    with pytest.raises(ValueError, match="confidence=2"):
        summarize_pooled([[1, 4]], lambda sums: sums[:, 0], confidence=2)
    with pytest.raises(ValueError, match="resamples=0"):
        summarize_pooled([[1, 4]], lambda sums: sums[:, 0], resamples=0)
