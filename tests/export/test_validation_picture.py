"""The picture of a validation image, on its pixels."""

from pathlib import Path

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from PIL import Image

from cellseg_monai.colours import colours_of
from cellseg_monai.export import ValidationPicture
from cellseg_monai.export.validation_picture import _GAP, _TITLE, compare

GREY = [128, 128, 128]
RIM = (57, 57, 57)
"""Grey, darkened around a line."""


def item(
    label: np.ndarray, pred: np.ndarray, value: float = 0.5, channels: int = 1
) -> dict[str, torch.Tensor]:
    """What the evaluator has for an image of one value; the maps are given as rows and columns."""
    image = torch.full((channels, *label.T.shape), value)
    maps = {
        key: torch.from_numpy(labels.T[None].astype(np.int32))
        for key, labels in (("label", label), ("pred", pred))
    }
    return {"image": MetaTensor(image, meta={"filename_or_obj": "set/a.png"}), **maps}


def validate(path: Path, *items: dict[str, torch.Tensor], score: float = 0.5) -> np.ndarray:
    """Picture after a validation of these images."""
    evaluator = Engine(lambda engine, item: [item])
    evaluator.state.key_metric_name = "dice"
    evaluator.state.metrics["dice"] = score
    ValidationPicture(path).attach(evaluator)
    evaluator.run(list(items))
    return panels_and_titles(path)


def panels_and_titles(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def panels(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left and right panel without their titles."""
    width = (picture.shape[1] - _GAP) // 2
    return picture[_TITLE:, :width], picture[_TITLE:, width + _GAP :]


def test_outlines_of_the_mask_are_left_and_those_of_the_prediction_right(tmp_path: Path) -> None:
    label, pred = np.zeros((2, 10, 20), int)
    label[2:5, 3:9] = 1
    pred[2:5, 10:16] = 2
    left, right = panels(validate(tmp_path / "validation.png", item(label, pred)))
    factor = left.shape[1] // 20
    assert left.shape == right.shape == (10 * factor, 20 * factor, 3)
    orange, blue = colours_of([1, 2]).tolist()
    for panel, start, colour in ((left, 3, orange), (right, 10, blue)):
        rows, columns = np.nonzero((panel == colour).all(axis=-1))
        assert (rows.min(), rows.max() + 1) == (2 * factor, 5 * factor)
        assert (columns.min(), columns.max() + 1) == (start * factor, (start + 6) * factor)
        middle = panel[3 * factor + factor // 2, start * factor :]
        assert [middle[0].tolist(), middle[1].tolist(), middle[2].tolist()] == [colour, colour, GREY]
        assert set(map(tuple, panel.reshape(-1, 3))) == {tuple(GREY), tuple(colour), RIM}


def test_classes_keep_their_colour_on_both_sides_and_ignored_pixels_are_bare(tmp_path: Path) -> None:
    label = np.array([[0, 1, 1, 2, 2, -1]] * 6).repeat(2, axis=1)
    pred = np.where(label == 1, 2, np.where(label == 2, 1, 0))
    left, right = panels(validate(tmp_path / "validation.png", item(label, pred)))
    factor = left.shape[1] // 12
    one, two = colours_of([1, 2]).tolist()
    row = left.shape[0] // 2
    inner = [place * factor for place in (2, 6)]
    assert [left[row, place].tolist() for place in inner] == [one, two]
    assert [right[row, place].tolist() for place in inner] == [two, one]
    assert left[row, 11 * factor].tolist() == right[row, 11 * factor].tolist() == GREY


@pytest.mark.parametrize("size", [(3000, 2000), (1000, 4000), (40, 30)])
def test_size_is_limited_and_the_lines_of_a_large_image_stay_visible(size: tuple[int, int]) -> None:
    labels = np.zeros(size, np.int32)
    labels[size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = 1
    picture = np.asarray(compare(np.zeros((*size, 1)), labels, labels, ("", "")))
    assert 1000 < max(picture.shape) <= 1500
    assert picture.shape[0] <= 1000 + _TITLE
    left, right = panels(picture)
    assert (left == right).all()
    height, width = left.shape[0] * 3 // 8, left.shape[1] * 3 // 8
    assert (left[height, :width] == colours_of(1)).all(axis=-1).sum() == 2


@pytest.mark.parametrize(
    ("channels", "colour"), [(1, (128,) * 3), (2, (128, 128, 0)), (3, (128,) * 3), (5, (128,) * 3)]
)
def test_any_number_of_channels(channels: int, colour: tuple[int, ...], tmp_path: Path) -> None:
    empty = np.zeros((8, 8), int)
    left, right = panels(validate(tmp_path / "a.png", item(empty, empty, channels=channels)))
    assert set(map(tuple, left.reshape(-1, 3))) == set(map(tuple, right.reshape(-1, 3))) == {colour}


def test_the_first_image_that_is_not_empty(tmp_path: Path) -> None:
    empty, full = np.zeros((8, 8), int), np.ones((8, 8), int)
    shades = {}
    for name, labels in (("none", [empty, empty]), ("second", [empty, full, full])):
        items = [item(label, empty, value) for label, value in zip(labels, (0.2, 0.4, 0.6), strict=False)]
        shades[name] = panels(validate(tmp_path / f"{name}.png", *items))[1][0, 0, 0]
    assert shades == {"none": 51, "second": 102}


def test_the_title_has_the_score_and_the_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    labels = np.ones((8, 8), int)
    one, two, again = (
        validate(tmp_path / "validation.png", item(labels, labels), score=score)[:_TITLE]
        for score in (0.5, 0.6, 0.5)
    )
    half = one.shape[1] // 2
    assert (one[:, :half] == two[:, :half]).all()
    assert (one[:, half:] != two[:, half:]).any()
    assert (one == again).all()
    assert [path.name for path in tmp_path.iterdir()] == ["validation.png"]
