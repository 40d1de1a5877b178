"""What a training in a process of its own reports."""

import pytest

from cellseg_monai.planning.process import reported

TIME = "2026-01-31 12:00:00,000"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{TIME} INFO cellseg_monai.training.progress: epoch 3  loss 0.1\n", "epoch 3  loss 0.1"),
        (f"{TIME} WARNING cellseg_monai.training.early_warnings: no cell: wait\n", "warning: no cell: wait"),
        (f"{TIME} WARNING py.warnings: deprecated\n", None),
        (f"{TIME} INFO cellseg_monai.training.best_weights: model.pt: weights of epoch 3\n", None),
    ],
    ids=["progress", "warning", "warning of another library", "other news"],
)
def test_progress_and_warnings_are_reported(line: str, expected: str | None) -> None:
    assert reported(line) == expected
