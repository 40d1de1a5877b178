"""Which network becomes the teacher, and what its students start from, without training."""

from pathlib import Path

import pandas as pd
import pytest

from cellseg_monai.studies import PseudoLabels, Recipe, best_by_f1
from tests.studies.conftest import BUNDLE

ITEMS = [{"image": f"{i}.tif", "label": f"{i}_mask.tif", "foreground": 0.1} for i in range(10)]
NAMES = ["unet", "unetr", "basic_unetpp"]


def scores(**validation: list[float]) -> pd.DataFrame:
    """Scores of validation images, and better ones of a test image of the first network."""
    rows = [(name, "validation", 0.9, f1) for name, values in validation.items() for f1 in values]
    return pd.DataFrame(
        [(next(iter(validation)), "test", 1.0, 1.0), *rows], columns=["network", "test", "dice", "f1@0.5"]
    )


def test_the_teacher_has_the_best_mean_f1_of_the_validation_images() -> None:
    """(0.9 + 0.1) / 2 = 0.5 and (0.6 + 0.5) / 2 = 0.55; an image without an F1 does not count."""
    assert best_by_f1(scores(unet=[0.9, 0.1], unetr=[0.6, 0.5, float("nan")])) == "unetr"
    assert best_by_f1(scores(unet=[0.9, 0.3], unetr=[0.6, 0.5])) == "unet"


@pytest.mark.parametrize(
    "images", [scores(unet=[float("nan")]), scores(unet=[0.5]).drop(columns="f1@0.5")], ids=["nan", "classes"]
)
def test_masks_without_cells_choose_no_teacher(images: pd.DataFrame) -> None:
    with pytest.raises(
        ValueError, match=r"no validation image has an F1, which chooses the teacher.*--pieces"
    ):
        best_by_f1(images)


def test_only_the_careful_student_and_its_reference_start_from_the_teacher(tmp_path: Path) -> None:
    unlabelled, weights = [{"image": "u.tif", "label": "u_mask.tif"}], tmp_path / "model.pt"
    continued = {"learning_rate": 1e-4, "confidence": 0.9}
    study = PseudoLabels(Recipe(BUNDLE), ITEMS, unlabelled, ITEMS[:1], NAMES, continued)
    supervised = study.supervised(seed=3)
    *students, consistent, longer = study.followers("unetr", weights, tmp_path, seed=3)
    assert [run.factors["network"] for run in (*supervised, *students)] == NAMES * 2
    assert {run.pretrained for run in (*supervised, *students)} == {None}
    assert [(run.pretrained, run.factors["network"]) for run in (consistent, longer)] == [
        (weights, "unetr")
    ] * 2
    assert [run.overlay for run in (students[0], consistent, longer)] == [
        ("fixed_teacher",), ("semi_supervised",), ()
    ]  # fmt: skip
    added = {"unlabelled_dir": str(tmp_path / "unlabelled.json"), "teacher_weights": str(weights)}
    for run, student in zip(supervised, students, strict=True):
        assert student.options == {**run.options, **added}
        assert (student.train, student.validation) == (run.train, run.validation)
        assert run.tests == {"test": ITEMS[:1], "validation": run.validation}
    assert (consistent.options["confidence"], consistent.options["learning_rate"]) == (0.9, 1e-4)
    assert "confidence" not in longer.options  # which train.json does not have
    assert longer.options["learning_rate"] == 1e-4
    assert "label" not in (tmp_path / "unlabelled.json").read_text()
