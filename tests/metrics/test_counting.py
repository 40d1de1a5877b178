import math

import pytest

from cellseg_monai.metrics import count_errors
from tests.metrics.cases import CASES, objects


@pytest.mark.parametrize("share", [0.5, 0.75])
@pytest.mark.parametrize(("pred", "truth"), CASES)
def test_definition(pred, truth, share):
    preds, truths = objects(pred), objects(truth)

    def inside(part, whole):
        return (part & whole).sum() > share * part.sum()

    found = count_errors(pred, truth, share)
    assert (found.pred, found.truth, found.error) == (len(preds), len(truths), len(preds) - len(truths))
    assert found.split == sum(sum(inside(part, whole) for part in preds) > 1 for whole in truths)
    assert found.merged == sum(sum(inside(part, whole) for part in truths) > 1 for whole in preds)
    assert found.invented == sum(not any((one & other).any() for other in truths) for one in preds)
    assert found.missed == sum(not any((one & other).any() for other in preds) for one in truths)


@pytest.mark.parametrize(
    ("pred", "truth", "expected"),
    [
        ([[1, 2, 3]], [[1, 2, 0]], 0.5),
        ([[0, 0]], [[0, 0]], 0),
        ([[1, 0]], [[0, 0]], math.inf),
        ([[0]], [[1]], 1),
    ],
)
def test_relative_error(pred, truth, expected):
    assert count_errors(pred, truth).relative_error == expected


@pytest.mark.parametrize("share", [0.4, 1])
def test_share_is_checked(share):
    with pytest.raises(ValueError, match=f"share={share} must be from 0.5 to below 1"):
        count_errors([[1]], [[1]], share)
