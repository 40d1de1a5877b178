import json
from pathlib import Path

import pytest

from cellseg_monai.jobs.files.pairs import pair_files
from tests.jobs.conftest import Save

MAP = [[0, 1], [0, 0]]


def names(folder: Path, **options: str) -> dict[str, str | None]:
    pairs = pair_files(folder / "pred", folder / "truth", **options)
    return {pair.name: pair.prediction and pair.prediction.name for pair in pairs.scored}


@pytest.mark.parametrize(
    ("pred", "truth"),
    [
        ("x.png", "x.tif"),
        ("x.tif", "x_mask.png"),
        ("x_cp_masks.png", "x_label.tif"),
        ("labels/x.tif", "x.png"),
        ("images/x.tif", "x.png"),
        ("plate1/x.tif", "x.png"),
    ],
)
def test_formats_endings_and_folders_do_not_matter(save: Save, pred: str, truth: str) -> None:
    folder = save({f"pred/{pred}": MAP, f"truth/{truth}": MAP})
    assert list(names(folder).values()) == [Path(pred).name]


def test_truth_may_be_a_dataset(save: Save) -> None:
    folder = save({"pred/x.tif": MAP, "truth/images/x.png": MAP, "truth/masks/x_mask.tif": MAP})
    (pair,) = pair_files(folder / "pred", folder / "truth").scored
    assert pair.image == folder / "truth/images/x.png"
    assert pair.truth == folder / "truth/masks/x_mask.tif"


def test_truth_may_be_images_beside_masks(save: Save) -> None:
    folder = save({"pred/x.tif": MAP, "truth/x.png": MAP, "truth/x_mask.png": MAP})
    (pair,) = pair_files(folder / "pred", folder / "truth").scored
    assert (pair.image, pair.truth) == (folder / "truth/x.png", folder / "truth/x_mask.png")


def test_section_and_modality_of_a_listing(save: Save) -> None:
    folder = save({"pred/b.tif": MAP, "truth/a.png": MAP, "truth/b.png": MAP})
    entries = {
        section: [{"image": f"{name}.png", "label": f"{name}.png", "modality": "phase"}]
        for section, name in (("training", "a"), ("test", "b"))
    }
    (folder / "truth/dataset.json").write_text(json.dumps(entries))
    (pair,) = pair_files(folder / "pred", folder / "truth", section="test").scored
    assert (pair.name, pair.modality) == ("b", "phase")


def test_modality_of_the_names(save: Save) -> None:
    folder = save({"pred/dic_1.tif": MAP, "truth/dic_1.png": MAP, "truth/phase_1.png": MAP})
    pairs = pair_files(folder / "pred", folder / "truth", modality="^([a-z]+)_")
    assert [pair.modality for pair in pairs.scored] == ["dic", "phase"]
    with pytest.raises(ValueError, match=r"pattern 'x\+' does not match the name 'dic_1'"):
        pair_files(folder / "pred", folder / "truth", modality="x+")


def test_missing_predictions_and_those_without_truth(save: Save) -> None:
    folder = save({"pred/a.tif": MAP, "pred/c.tif": MAP, "truth/a.tif": MAP, "truth/b.tif": MAP})
    assert names(folder) == {"a": "a.tif", "b": None}
    assert pair_files(folder / "pred", folder / "truth").without_truth == [folder / "pred/c.tif"]


def test_one_name_in_two_folders_is_not_guessed(save: Save) -> None:
    folder = save(
        {
            "pred/p1/a.tif": MAP,
            "pred/p2/a.tif": MAP,
            "pred/b.tif": MAP,
            "truth/a.tif": MAP,
            "truth/b.tif": MAP,
        }
    )
    assert names(folder) == {"a": None, "b": "b.tif"}


def test_nothing_in_common(save: Save) -> None:
    folder = save({"pred/a.tif": MAP, "truth/b.tif": MAP})
    with pytest.raises(ValueError, match=r"such as 'a'; the truth .*truth has names such as 'b'"):
        names(folder)


def test_empty_folders(save: Save) -> None:
    folder = save({"pred/a.tif": MAP})
    (folder / "truth").mkdir()
    with pytest.raises(ValueError, match="truth: there is no label map here"):
        names(folder)
    (folder / "pred/a.tif").rename(folder / "truth/a.tif")
    with pytest.raises(ValueError, match="as it holds no label map"):
        names(folder)
