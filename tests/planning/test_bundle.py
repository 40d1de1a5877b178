"""The bundle of a plan, before it is trained."""

from dataclasses import replace
from pathlib import Path

import pytest

from cellseg_monai.bundling import check_bundles
from cellseg_monai.planning import Preparation, plan_training
from cellseg_monai.planning.folder import Folder
from tests.planning.test_plan import CELLS

GIVEN = {"trainings": {"trained": [[{"image": "1.tif"}], [{"image": "2.tif"}]]}, "minutes": 8}


@pytest.mark.slow
@pytest.mark.parametrize("facts", [
    {},
    {"masks": "binary", "thin": True, "channels": 3},
    {"masks": "classes", "classes": (0, 128, 255), "channels": 3},
    {"channels": 2, "lengths": (20.0, 90.0, 100.0)},
], ids=["cells", "thin", "classes", "two channels"])  # fmt: skip
def test_a_bundle_of_any_plan_passes_the_check(facts, tmp_path: Path) -> None:
    found = replace(CELLS, **facts)
    folder = Folder(tmp_path / "my_cells", GIVEN)
    (tmp_path / "my_cells/models").mkdir(parents=True)
    folder.begin(Preparation(found, [], None, plan_training(found)))
    report = check_bundles(folder.path)
    assert not report.failed, str(report)
    text = (folder.path / "bundle.yaml").read_text()
    assert all(f"# {choice.what}: {choice.reason}" in text for choice in plan_training(found).choices)


def test_another_training_is_told(tmp_path: Path) -> None:
    Folder(tmp_path / "a", GIVEN).note(plan=[])
    with pytest.raises(ValueError, match="other values of trainings; give the same again"):
        Folder(tmp_path / "a", GIVEN | {"trainings": {"trained": [[{"image": "new.tif"}], []]}})


def test_a_training_that_was_stopped_before_its_plan_begins_again(tmp_path: Path) -> None:
    Folder(tmp_path / "a", GIVEN).note()
    (tmp_path / "a/LICENSE").write_text("half a bundle")
    assert "plan" not in Folder(tmp_path / "a", GIVEN | {"seed": 1}).record
