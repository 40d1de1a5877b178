"""Training images of a fine-tuning, without training."""

from pathlib import Path
from typing import Any

import pytest

from cellseg_monai.studies import FineTuning, Recipe
from tests.studies.conftest import BUNDLE

ITEMS = {
    kind: [{"image": f"{kind}_{i}.tif", "label": f"{kind}_{i}_mask.tif"} for i in range(10)]
    for kind in ("old", "new")
}


def study(rehearsal: float = 0.0, **more: Any) -> FineTuning:
    recipe = Recipe(BUNDLE, **more)
    return FineTuning(recipe, ITEMS["old"], ITEMS["new"], old_test=3, new_test=4, rehearsal=rehearsal)


def test_test_images_are_not_rehearsed(tmp_path: Path) -> None:
    (run,) = study(rehearsal=1.4).tuned(Path("model.pt"), [5], ["first"], tmp_path)
    assert run.train == [*ITEMS["new"][:5], *ITEMS["old"][:7]]
    assert not [item for items in run.tests.values() for item in items if item in run.train]


def test_more_rehearsal_than_images_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs 10 old training images, but there are 7"):
        study(rehearsal=2).tuned(Path("model.pt"), [5], ["first"], tmp_path)


def test_a_continued_study_can_use_more_images(tmp_path: Path) -> None:
    study().tuned(Path("model.pt"), [2], ["first"], tmp_path)
    few, many = study().tuned(Path("model.pt"), [2, 6], ["first"], tmp_path)
    assert (len(few.train), len(many.train)) == (2, 6)


def test_seed_and_pieces_reach_every_run(tmp_path: Path) -> None:
    base = study(pieces=True, seeds=[3]).base()
    (tuned,) = study(pieces=True, seeds=[3]).tuned(Path("model.pt"), [2], ["first"], tmp_path)
    assert base.options["seed"] == tuned.options["seed"] == base.factors["seed"] == 3
    assert base.pieces
    assert tuned.pieces
