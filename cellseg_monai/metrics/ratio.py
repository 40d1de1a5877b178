"""The quotient that all scores are made of."""

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]


def ratio(part: npt.ArrayLike, whole: npt.ArrayLike, empty: float = 0.0) -> Scores:
    """Divide elementwise, with ``empty`` where the denominator is 0.

    Example:
        >>> ratio([1, 0], [2, 0], empty=1)
        array([0.5, 1. ])
    """
    denominator = np.asarray(whole, float)
    quotient: Scores = np.full_like(denominator, empty)
    np.divide(part, denominator, out=quotient, where=denominator != 0)
    return quotient
