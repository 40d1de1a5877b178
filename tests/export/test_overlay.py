import numpy as np
import pytest

from cellseg_monai.colours import class_colours
from cellseg_monai.export import class_picture, contact_sheet, outline
from cellseg_monai.export.overlay import line_width


def test_outline_leaves_the_inside_of_an_object_alone() -> None:
    labels = np.pad(np.ones((3, 3), int), 2)
    picture = outline(np.full((7, 7), 0.5), labels)
    coloured = (picture != 128).any(axis=-1)
    assert coloured[labels > 0].sum() == 8
    assert picture[3, 3].tolist() == [128, 128, 128]


def test_wide_outlines_grow_inwards() -> None:
    labels = np.pad(np.repeat([[1, 2]], 7, axis=1).repeat(7, axis=0), 1)
    one, two = (outline(np.full(labels.shape, 0.5), labels, width) for width in (1, 2))
    coloured = (two != 128).any(axis=-1)
    assert np.ptp(two[labels == 0], axis=-1).max() == 0  # a grey rim
    assert coloured[labels > 0].sum() == 2 * (24 + 16)
    assert (two[one != 128] == one[one != 128]).all()


def test_lines_grow_with_the_image_but_do_not_fill_small_objects() -> None:
    large = np.kron(np.eye(8, dtype=np.int32), np.ones((200, 200), np.int32))
    small = np.kron(np.eye(400, dtype=np.int32), np.pad(np.ones((3, 3), np.int32), ((0, 1), (0, 1))))
    assert [line_width(large), line_width(large[:300, :300]), line_width(small)] == [3, 1, 1]
    picture = outline(np.full(large.shape, 0.5), large)
    assert (picture[100, 196:200] != 128).any(axis=-1).tolist() == [False, True, True, True]


def test_the_rim_is_darker_and_outside() -> None:
    picture = outline(np.ones((7, 7)), np.pad(np.ones((3, 3), int), 2))
    rim = picture[3, 1]
    assert (rim < 128).all()
    assert picture[3, 0].tolist() == [255, 255, 255]
    assert picture[3, 3].tolist() == [255, 255, 255]


def test_classes_have_their_colours_and_a_legend() -> None:
    labels = np.zeros((60, 90), int)
    labels[10:30, 10:30], labels[10:30, 30:60] = 1, 9
    picture = class_picture(np.zeros((60, 90)), labels, {1: "nucleus", 9: "membrane"}, opacity=0.5)
    first, ninth = class_colours([1, 9]).astype(int)
    assert picture[10, 20].tolist() == [0, 0, 0] or (picture[10, 20] == first).all()
    assert abs(picture[20, 20].astype(int) - first / 2).max() <= 1
    assert abs(picture[20, 45].astype(int) - ninth / 2).max() <= 1
    legend = picture[60:].reshape(-1, 3).tolist()
    assert first.tolist() in legend
    assert ninth.tolist() in legend
    assert class_picture(np.zeros((60, 90)), labels * 0).shape == (60, 90, 3)


def test_fifteen_classes_have_fifteen_colours() -> None:
    assert len(np.unique(class_colours(np.arange(1, 16)), axis=0)) == 15


def test_touching_objects_have_different_colours() -> None:
    picture = outline(np.zeros((2, 4)), [[1, 1, 2, 2]] * 2)
    assert picture[0, 1].tolist() != picture[0, 2].tolist()


def test_colour_image_keeps_its_colours() -> None:
    image = np.zeros((2, 2, 3))
    image[..., 1] = 1
    assert outline(image, np.zeros((2, 2), int))[0, 0].tolist() == [0, 255, 0]


@pytest.mark.parametrize(
    ("image", "labels", "message"),
    [
        (np.zeros((4, 4)), np.zeros((4, 5), int), r"image \(4, 4\) and labels \(4, 5\) differ"),
        (np.zeros((4, 4, 2)), np.zeros((4, 4), int), "has 2 channels; choose 1 or 3"),
    ],
    ids=["size", "channels"],
)
def test_refusals(image: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        outline(image, labels)


def test_sheet_places_pictures_row_by_row() -> None:
    tiles = [np.full((2, 3, 3), shade, np.uint8) for shade in (10, 20, 30)]
    sheet = contact_sheet(tiles, columns=2, gap=1)
    assert sheet.shape == (7, 9, 3)
    assert [sheet[1, 1, 0], sheet[1, 5, 0], sheet[4, 1, 0], sheet[4, 5, 0]] == [10, 20, 30, 255]


def test_sheet_refuses_nothing_and_mixed_sizes() -> None:
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet([])
    with pytest.raises(ValueError, match=r"picture 1 has shape \(3, 3, 3\), the first has \(2, 2, 3\)"):
        contact_sheet([np.zeros((2, 2, 3), np.uint8), np.zeros((3, 3, 3), np.uint8)])
