"""Statistics over images: mean and median with an interval, and a test whether two models differ."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """An estimate with its confidence interval.

    Attributes:
        value: value for the given images.
        low: lower end of the interval.
        high: upper end of the interval.

    Example:
        >>> summarize([0.5, 0.5, 0.5]).mean
        Estimate(value=0.5, low=0.5, high=0.5)
    """

    value: float
    low: float
    high: float


class Summary(NamedTuple):
    """Mean and median over images.

    Attributes:
        mean: mean with its interval.
        median: median with its interval.
        images: number of images with a score.
        left_out: number of images without a score (NaN).

    Example:
        >>> summarize([0.5, 0.7, float("nan")]).left_out
        1
    """

    mean: Estimate
    median: Estimate
    images: int
    left_out: int


def summarize(
    scores: Sequence[float] | Values, *, confidence: float = 0.95, resamples: int = 9999, seed: int = 0
) -> Summary:
    """Mean and median with percentile bootstrap intervals over images.

    Each resample draws as many images as there are, with replacement. The interval contains the middle
    `confidence` of the statistics of all resamples. It is too narrow with fewer than about ten images, and
    unknown (NaN) with one image.

    Args:
        scores: one score per image; NaN for an image without a score. Infinity is an error.
        confidence: confidence level in (0, 1).
        resamples: number of resamples.
        seed: random seed; the same seed gives the same interval.

    Returns:
        Mean and median with their intervals.

    Raises:
        ValueError: If no image has a score, or an option is out of range.

    Example:
        >>> summary = summarize([0.9, 0.8, 0.7, 1.0, 0.6])
        >>> summary.mean.value, summary.images
        (0.8, 5)
        >>> summary.mean.low < 0.8 < summary.mean.high
        True
    """
    _check_options(confidence, resamples)
    values = np.asarray(scores, float).ravel()
    known = values[~np.isnan(values)]
    if not len(known) or not np.isfinite(known).all():
        raise ValueError(f"at least one of {len(values)} scores must be a number, and none may be infinite")
    draws = known[np.random.default_rng(seed).integers(len(known), size=(resamples, len(known)))]

    def estimate(statistic: Callable[..., Any]) -> Estimate:
        low, high = _interval(statistic(draws, axis=1), confidence) if len(known) > 1 else (np.nan, np.nan)
        return Estimate(float(statistic(known)), low, high)

    return Summary(estimate(np.mean), estimate(np.median), len(known), len(values) - len(known))


def summarize_pooled(
    counts: npt.ArrayLike,
    score: Callable[[Values], Values],
    *,
    confidence: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> Estimate:
    """Score of the summed counts of all images, with a percentile bootstrap interval over images.

    Args:
        counts: counts of each image, shape (images, …).
        score: function that turns summed counts of shape (sums, …) into scores of shape (sums,).
        confidence: confidence level in (0, 1).
        resamples: number of resamples; each draws as many images as there are, with replacement.
        seed: random seed; the same seed gives the same interval.

    Returns:
        Score with its interval, which is unknown (NaN) with one image.

    Example:
        One image with 1 of 1 pixel correct, one with 1 of 3: 2 of 4 together, while the mean is 2/3.

        >>> summarize_pooled([[1, 1], [1, 3]], lambda sums: sums[:, 0] / sums[:, 1]).value
        0.5
    """
    _check_options(confidence, resamples)
    known = np.asarray(counts, float)
    images = len(known)
    value = float(score(known.sum(axis=0)[None])[0])
    if images < 2:
        return Estimate(value, float("nan"), float("nan"))
    times = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), size=resamples)
    return Estimate(value, *_interval(score(np.tensordot(times, known, axes=1)), confidence))


def _check_options(confidence: float, resamples: int) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence} must be between 0 and 1, such as 0.95")
    if resamples < 1:
        raise ValueError(f"resamples={resamples} must be at least 1")


def _interval(statistics: Values, confidence: float) -> tuple[float, float]:
    low, high = np.nanquantile(statistics, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


class Comparison(NamedTuple):
    """Comparison of two models on the same images.

    Attributes:
        difference: mean of first − second, with its bootstrap interval.
        p_value: probability of a mean difference at least as large by chance, in either direction.
        images: number of images with a score for both models.

    Example:
        >>> compare_paired([0.9, 0.8], [0.7, 0.8]).images
        2
    """

    difference: Estimate
    p_value: float
    images: int


def compare_paired(
    first: Sequence[float] | Values,
    second: Sequence[float] | Values,
    *,
    confidence: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> Comparison:
    """Test whether two models differ, by their scores of the same images (paired permutation test).

    If the models were equally good, the sign of the difference of each image would be random. The p-value is
    the fraction of sign assignments with a mean difference at least as large: among all 2ⁿ assignments if
    there are at most `resamples`, otherwise among that many random ones. The test makes no assumption about
    the distribution. With n images the p-value is at least 2/2ⁿ, so fewer than six images cannot show a
    difference at 5 %.

    Args:
        first: scores of one model.
        second: scores of the other model for the same images in the same order. Images with NaN in either are
            left out.
        confidence: confidence level of the interval of the difference.
        resamples: largest number of sign assignments, and number of resamples for the interval.
        seed: random seed of both.

    Returns:
        Difference, p-value and number of images.

    Raises:
        ValueError: If the numbers of scores differ, or no image has both scores.

    Example:
        Better by 0.1 on each of six images: 2 of 64 sign assignments are as extreme.

        >>> result = compare_paired([0.9, 0.8, 0.7, 0.9, 0.8, 0.7], [0.8, 0.7, 0.6, 0.8, 0.7, 0.6])
        >>> round(result.difference.value, 3), result.p_value
        (0.1, 0.03125)
    """
    one, other = np.asarray(first, float).ravel(), np.asarray(second, float).ravel()
    if len(one) != len(other):
        raise ValueError(f"{len(one)} scores of the first model, but {len(other)} of the second; pair them")
    difference = (one - other)[~np.isnan(one - other)]
    estimate = summarize(difference, confidence=confidence, resamples=resamples, seed=seed).mean
    return Comparison(estimate, _sign_flip_test(difference, resamples, seed), len(difference))


def _sign_flip_test(difference: Values, resamples: int, seed: int) -> float:
    images = len(difference)
    exact = 2**images <= resamples
    if exact:
        signs = np.array(list(product((-1, 1), repeat=images)), np.int8)
    else:
        signs = np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), size=(resamples, images))
    # Rounding can make equal means differ slightly, so near ties count as ties.
    extreme = np.abs(signs @ difference) >= np.abs(difference.sum()) - 1e-12
    # The observed assignment counts as one more when the others are random.
    return float(extreme.mean() if exact else (extreme.sum() + 1) / (resamples + 1))
