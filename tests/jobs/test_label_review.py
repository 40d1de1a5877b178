"""``cellseg review``: doubts of a dataset as a table, a sheet, and files for napari and QuPath."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import tifffile
from PIL import Image

from cellseg_monai import review
from cellseg_monai.cli import main
from cellseg_monai.export import read_geojson
from tests.jobs.conftest import Save, discs

PLACES = [(15, 15), (15, 60), (60, 15), (60, 60)]
CELLS = discs(80, PLACES, 9)


def without(number: int) -> npt.NDArray[np.int32]:
    return np.where(CELLS == number, 0, CELLS)


def predicted(folder: Path, maps: dict[str, npt.NDArray[np.int32]]) -> Path:
    """Write predictions with their probability; the second channel is a distance, as of the bundles."""
    for name, cells in maps.items():
        probability = np.where(cells > 0, 0.875, 0.25).astype(np.float32)
        for kind, pixels in (
            ("labels", cells),
            ("probability", np.stack([probability, probability * 0 - 1])),
        ):
            (folder / kind / name).parent.mkdir(parents=True, exist_ok=True)
            metadata = {"axes": "CYX"[-pixels.ndim :]}
            tifffile.imwrite(folder / kind / f"{name}.tif", pixels, metadata=metadata)
    return folder


@pytest.fixture
def case(tmp_path: Path, save: Save) -> Path:
    """Two images: in one a cell is not annotated, in the other one is predicted nowhere."""
    save({"truth/images/a.tif": CELLS * 9, "truth/images/sub/b.tif": CELLS * 9})
    save({"truth/masks/a.png": without(2), "truth/masks/sub/b.png": CELLS})
    predicted(tmp_path / "pred", {"a": CELLS, "sub/b": without(3)})
    return tmp_path


def test_doubts_of_a_dataset(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = [f"--pred={case / 'pred'}", f"--truth={case / 'truth'}", f"--out={case / 'out'}"]
    assert main(["review", *places]) == 0
    sheet = case / "out/doubts.png"
    assert capsys.readouterr().out == f"2 doubts in 2 images (1 missing, 1 extra); see {sheet}\n"
    table = pd.read_csv(case / "out/doubts.csv", keep_default_na=False)
    assert table.drop(columns=["confidence"]).to_numpy().tolist() == [
        [1, "a", "missing", 51, 6, 19, 19, 60.0, 15.0, "", "2"],
        [2, "sub/b", "extra", 6, 51, 19, 19, 15.0, 60.0, "3", ""],
    ]
    assert table["confidence"].tolist() == [0.875, 0.75]
    assert Image.open(sheet).size == (2 * 202 + 10, 10 + 2 * 17 + 192 + 2 * 17 + 10)


def test_files_for_napari_and_qupath(case: Path) -> None:
    review(case / "pred", case / "truth", case / "out")
    points = pd.read_csv(case / "out/napari/sub/b.csv")
    assert list(points) == ["index", "axis-0", "axis-1", "rank", "kind", "confidence"]
    assert points.iloc[0].tolist() == [0, 60.0, 15.0, 2, "extra", 0.75]
    file = case / "out/qupath/sub/b.geojson"
    (feature,) = json.loads(file.read_text())["features"]
    assert feature["properties"]["name"] == "2"
    assert feature["properties"]["classification"]["name"] == "extra"
    drawn = np.zeros_like(CELLS)
    drawn[51:70, 6:25] = 2
    assert (read_geojson(file).label_map == drawn).all()


def test_annotated_and_predicted_outlines_have_different_colours(case: Path) -> None:
    review(case / "pred", case / "truth", case / "out", shown=1)
    colours = {
        tuple(colour) for colour in np.asarray(Image.open(case / "out/doubts.png"))[44:].reshape(-1, 3)
    }
    assert (86, 180, 233) in colours
    assert (230, 159, 0) not in colours, "the second doubt is not shown"


def test_no_doubt_is_told_and_former_doubts_are_removed(case: Path, save: Save) -> None:
    review(case / "pred", case / "truth", case / "out")
    predicted(case / "pred", {"a": without(2), "sub/b": CELLS})
    result = review(case / "pred", case / "truth", case / "out")
    assert str(result) == "no doubts in 2 images: the predictions agree with the annotations"
    assert [path.name for path in (case / "out").rglob("*.*") if path.parent.name != ".cellseg"] == [
        ".cellseg",
        "doubts.csv",
    ]
    assert pd.read_csv(case / "out/doubts.csv").empty


def test_options(case: Path) -> None:
    def doubts(**options: Any) -> list[str]:
        return review(case / "pred", truth, case / "out", **options).doubts["kind"].tolist()

    truth = case / "truth"
    assert doubts(min_confidence=0.8) == ["missing"]
    assert doubts(probability_channel=1) == ["extra"], "a distance of −1 counts as probability 0"
    item = {"image": "truth/images/sub/b.tif", "label": "truth/masks/sub/b.png"}
    truth = case / "list.json"
    truth.write_text(json.dumps({"training": [], "validation": [item]}))
    assert doubts(section="validation") == ["extra"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"shown": 0}, ValueError, "shown=0 must be at least 1"),
        ({"min_confidence": -1.0}, ValueError, "min_confidence=-1.0 must be from 0 to 1"),
        ({"probability_channel": 2}, RuntimeError, "compared; a: .* has no channel 2; choose one of 0 to 1"),
    ],
)
def test_options_out_of_range(case: Path, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        review(case / "pred", case / "truth", case / "out", **options)


def test_one_bad_image_and_one_without_prediction(case: Path, save: Save) -> None:
    save({"truth/masks/c.png": CELLS, "truth/images/c.tif": CELLS})
    tifffile.imwrite(case / "pred/labels/a.tif", CELLS[:40])
    result = review(case / "pred", case / "truth", case / "out")
    assert result.failures["image"].tolist() == ["a"]
    assert "save the prediction in the size of the image" in result.failures["error"][0]
    assert str(result).splitlines()[1:] == [
        "no prediction, not reviewed (1): c",
        f"1 image failed; see {case / 'out/failures.csv'} for the reasons",
    ]
    assert result.failed
    assert result.doubts["image"].tolist() == ["sub/b"]


def test_masks_alone_are_drawn_on_the_probability(case: Path) -> None:
    assert len(review(case / "pred", case / "truth/masks", case / "out").doubts) == 2
    sheet = np.asarray(Image.open(case / "out/doubts.png"))
    assert sheet[44 + 96, 10 + 96].tolist() == [239, 239, 239], "the square root of 0.875"


def test_pieces_of_binary_masks(case: Path, save: Save) -> None:
    touching = CELLS.copy()
    touching[15, 15:60] = (
        1  # that two predicted cells are one piece is no doubt: a mask cannot separate cells
    )
    save({"truth/masks/a.png": (without(2) > 0) * 255, "truth/masks/sub/b.png": (touching > 0) * 255})
    found = review(case / "pred", case / "truth", case / "out").doubts
    assert found[["image", "kind", "x"]].to_numpy().tolist() == [["a", "missing", 51], ["sub/b", "extra", 6]]


def test_pieces_of_binary_predictions(case: Path) -> None:
    predicted(case / "pred", {"a": (CELLS > 0) * np.int32(255), "sub/b": (without(3) > 0) * np.int32(255)})
    found = review(case / "pred", case / "truth", case / "out").doubts
    assert found[["image", "kind", "x"]].to_numpy().tolist() == [["a", "missing", 51], ["sub/b", "extra", 6]]


def test_classes_are_refused(case: Path, save: Save) -> None:
    classes = np.where(CELLS > 0, 1 + CELLS % 2, 0)
    classes[discs(80, [(40, 5), (40, 40), (5, 40), (75, 40)], 3) > 0] = 1
    save({"truth/masks/a.png": classes, "truth/masks/sub/b.png": classes})
    with pytest.raises(RuntimeError, match="2 values in 8 pieces are classes, not cells"):
        review(case / "pred", case / "truth", case / "out")


def test_predictions_without_probability(case: Path) -> None:
    (case / "pred/probability").rename(case / "elsewhere")
    with pytest.raises(
        FileNotFoundError, match="probability: there is no such folder; predict with --save-prob"
    ):
        review(case / "pred", case / "truth", case / "out")
