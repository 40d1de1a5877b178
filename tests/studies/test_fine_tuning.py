"""Which images a fine-tuning learns from, without training any."""

from pathlib import Path

import pytest

from cellseg_monai.studies import FineTuning
from tests.studies.conftest import BUNDLE

ITEMS = {
    kind: [{"image": f"{kind}_{i}.tif", "label": f"{kind}_{i}_mask.tif"} for i in range(10)]
    for kind in ("old", "new")
}


def study(rehearsal: float = 0.0, pieces: bool = False) -> FineTuning:
    return FineTuning(
        BUNDLE, ITEMS["old"], ITEMS["new"], old_test=3, new_test=4, rehearsal=rehearsal, pieces=pieces
    )


def test_no_image_that_tests_is_rehearsed(tmp_path: Path) -> None:
    (run,) = study(rehearsal=1.4).tuned(Path("model.pt"), [5], ["first"], tmp_path)
    assert run.train == [*ITEMS["new"][:5], *ITEMS["old"][:7]]
    assert not [item for items in run.tests.values() for item in items if item in run.train]


def test_more_rehearsal_than_there_are_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="asks for 10 old ones, and there are 7"):
        study(rehearsal=2).tuned(Path("model.pt"), [5], ["first"], tmp_path)


def test_a_study_that_goes_on_with_more_images_has_them(tmp_path: Path) -> None:
    study().tuned(Path("model.pt"), [2], ["first"], tmp_path)
    few, many = study().tuned(Path("model.pt"), [2, 6], ["first"], tmp_path)
    assert (len(few.train), len(many.train)) == (2, 6)


def test_seed_and_pieces_reach_every_run(tmp_path: Path) -> None:
    base = study(pieces=True).base(seed=3)
    (tuned,) = study(pieces=True).tuned(Path("model.pt"), [2], ["first"], tmp_path, seeds=[3])
    assert base.options["seed"] == tuned.options["seed"] == base.factors["seed"] == 3
    assert base.pieces
    assert tuned.pieces
