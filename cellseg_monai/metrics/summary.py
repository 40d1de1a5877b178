"""From scores of images to statements: mean and median with an interval, and whether two models differ."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """A value with the interval in which it would lie for other images of the same kind.

    Attributes:
        value: of the images at hand.
        low: lower end of the interval.
        high: upper end.

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
        mean: with its interval.
        median: with its interval.
        images: how many have a score.
        left_out: how many have none (NaN).

    Example:
        >>> summarize([0.5, 0.7, float("nan")]).left_out
        1
    """

    mean: Estimate
    median: Estimate
    images: int
    left_out: int


def summarize(
    scores: Sequence[float] | Values, confidence: float = 0.95, resamples: int = 9999, seed: int = 0
) -> Summary:
    """Mean and median with percentile bootstrap intervals over images.

    Images are drawn with replacement, as many as there are, and the statistic is taken of each draw; the
    interval holds the middle `confidence` of them. With fewer than about ten images it is too narrow, and of
    one image it is unknown (NaN).

    Args:
        scores: one a image; NaN where an image has none, infinite is an error.
        confidence: share of draws in the interval, in (0, 1).
        resamples: how many draws.
        seed: of the draws; the same seed gives the same interval.

    Returns:
        :class:`Summary`.

    Raises:
        ValueError: no image has a score, or an option is out of its range.

    Example:
        >>> summary = summarize([0.9, 0.8, 0.7, 1.0, 0.6])
        >>> summary.mean.value, summary.images
        (0.8, 5)
        >>> summary.mean.low < 0.8 < summary.mean.high
        True
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence} must lie between 0 and 1, such as 0.95")
    if resamples < 1:
        raise ValueError(f"resamples={resamples} must be at least 1")
    values = np.asarray(scores, float).ravel()
    known = values[~np.isnan(values)]
    if not len(known) or not np.isfinite(known).all():
        raise ValueError(
            f"{len(known)} of {len(values)} scores are numbers; give at least one, all of them finite"
        )
    draws = known[np.random.default_rng(seed).integers(len(known), size=(resamples, len(known)))]

    def estimate(statistic: Callable[..., Any]) -> Estimate:
        tails = [(1 - confidence) / 2, (1 + confidence) / 2]
        low, high = np.quantile(statistic(draws, axis=1), tails) if len(known) > 1 else (np.nan, np.nan)
        return Estimate(float(statistic(known)), float(low), float(high))

    return Summary(estimate(np.mean), estimate(np.median), len(known), len(values) - len(known))


class Comparison(NamedTuple):
    """Two models on the same images.

    Attributes:
        difference: mean of first − second, with its bootstrap interval.
        p_value: how often chance alone makes a mean difference at least as large, in either direction.
        images: how many both models have a score for.

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
    confidence: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> Comparison:
    """Test whether two models differ, by their scores of the same images (paired permutation test).

    If the models were alike, the sign of each image's difference would be chance. The p-value is the share
    of all choices of signs with a mean difference at least as large: of all 2ⁿ if there are no more than
    `resamples`, else of so many random ones. Nothing is assumed of the distribution. With n images it is at
    least 2/2ⁿ, so fewer than six images cannot show a difference at 5 %.

    Args:
        first: scores of one model.
        second: scores of the other for the same images in the same order. An image for which either is NaN
            is left out.
        confidence: of the interval of the difference.
        resamples: most choices of signs, and draws of the interval.
        seed: of both.

    Returns:
        :class:`Comparison`.

    Raises:
        ValueError: the models have not the same number of scores, or no image has both.

    Example:
        Better by 0.1 on each of six images: 2 of 64 choices of signs are as extreme.

        >>> result = compare_paired([0.9, 0.8, 0.7, 0.9, 0.8, 0.7], [0.8, 0.7, 0.6, 0.8, 0.7, 0.6])
        >>> round(result.difference.value, 3), result.p_value
        (0.1, 0.03125)
    """
    one, other = np.asarray(first, float).ravel(), np.asarray(second, float).ravel()
    if len(one) != len(other):
        raise ValueError(
            f"{len(one)} scores of the first model, {len(other)} of the second; pair them by image"
        )
    difference = (one - other)[~np.isnan(one - other)]
    estimate = summarize(difference, confidence, resamples, seed).mean
    return Comparison(estimate, _sign_flip_test(difference, resamples, seed), len(difference))


def _sign_flip_test(difference: Values, resamples: int, seed: int) -> float:
    images = len(difference)
    exact = 2**images <= resamples
    if exact:
        signs = np.array(list(product((-1, 1), repeat=images)), np.int8)
    else:
        signs = np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), size=(resamples, images))
    # In floating point, means that should be equal are not quite; near ties count as ties.
    extreme = np.abs(signs @ difference) >= np.abs(difference.sum()) - 1e-12
    # Of random choices, the one that happened is one more.
    return float(extreme.mean() if exact else (extreme.sum() + 1) / (resamples + 1))
