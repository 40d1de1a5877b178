"""Training images of a fine-tuning, without training, and what the publication did differently."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cellseg_monai.data.datalist import Item
from cellseg_monai.studies import FineTuning, Recipe
from tests.studies.conftest import BUNDLE

ITEMS = {
    kind: [{"image": f"{kind}_{i}.tif", "label": f"{kind}_{i}_mask.tif", "foreground": 1} for i in range(10)]
    for kind in ("old", "new")
}


def study(
    rehearsal: float = 0.0, base_count: int | None = None, last_epoch: bool = False, **more: Any
) -> FineTuning:
    own = {"rehearsal": rehearsal, "base_count": base_count, "last_epoch": last_epoch}
    return FineTuning(Recipe(BUNDLE, **more), ITEMS["old"], ITEMS["new"], old_test=3, new_test=4, **own)


def names(items: Sequence[Item]) -> list[str]:
    return [item["image"] for item in items]


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


def test_the_publication_learns_from_every_image(tmp_path: Path) -> None:
    """Of "5 images" five teach, and none chooses the epoch; otherwise four teach and one chooses."""
    five = [f"new_{i}.tif" for i in range(5)]
    (published,) = study(last_epoch=True).tuned(Path("model.pt"), [5], ["first"], tmp_path)
    assert names(published.split[0]) == five
    (ours,) = study().tuned(Path("model.pt"), [5], ["first"], tmp_path)
    training, validation = (names(part) for part in ours.split)
    assert (len(training), len(validation)) == (4, 1)
    assert sorted(training + validation) == five


def test_the_base_model_learns_from_its_first_images(tmp_path: Path) -> None:
    base = study(base_count=4, last_epoch=True).base()
    assert names(base.split[0]) == ["old_0.tif", "old_1.tif", "old_2.tif", "old_3.tif"]
    (tuned,) = study(base_count=4, rehearsal=1).tuned(Path("model.pt"), [3], ["first"], tmp_path)
    assert names(tuned.train) == [f"{kind}_{i}.tif" for kind in ("new", "old") for i in range(3)]
    with pytest.raises(ValueError, match="base_count=8 is not between 2 and 7, the number of old images"):
        study(base_count=8)


@pytest.mark.parametrize("given", [{"calibrated": True}, {"options": {"val_interval": 5}}], ids=str)
def test_no_image_chooses_when_the_last_epoch_counts(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"(calibrated|val_interval): a run that keeps .* no validation"):
        study(last_epoch=True, **given).base()
