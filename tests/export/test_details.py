import numpy as np
import pytest

from cellseg_monai.export import captioned_sheet, magnified
from cellseg_monai.export.details import Layer

RED, BLUE = (200, 0, 0), (0, 0, 200)


def test_each_pixel_of_the_detail_is_magnified() -> None:
    image = np.zeros((9, 9))
    image[4, 6] = 1
    picture = magnified(image, (6, 4), 3, [], side=90)
    assert picture.shape == (90, 90, 3)
    assert picture[45, 45].tolist() == [255, 255, 255]
    assert picture[45, 5].tolist() == picture[5, 45].tolist() == [0, 0, 0]


def test_beyond_the_image_is_light_grey() -> None:
    picture = magnified(np.zeros((9, 9, 3)), (0, 4), 5, [], side=50)
    assert picture[25, 5].tolist() == [217] * 3
    assert picture[25, 45].tolist() == [0] * 3


def test_chosen_objects_have_full_lines_and_others_faint_ones() -> None:
    cells = np.zeros((20, 20), int)
    cells[2:8, 2:18], cells[11:17, 2:18] = 3, 4
    picture = magnified(np.zeros((20, 20)), (9.5, 9.5), 20, [Layer(cells, RED, 3, [4])], side=200)
    assert picture[110, 100].tolist() == picture[109, 100].tolist() == list(RED)
    assert picture[20, 100].tolist() == [110, 0, 0]
    assert picture[18, 100].tolist() == [0, 0, 0]


def test_the_last_layer_is_on_top_and_cells_are_open_at_the_edge_of_the_detail() -> None:
    cells = np.zeros((20, 20), int)
    cells[5:15] = 1
    layers = [Layer(cells, RED, 5, [1]), Layer(cells, BLUE, 1, [1])]
    picture = magnified(np.zeros((20, 20)), (9.5, 9.5), 10, layers, side=100)
    assert not picture[10:90].any()
    picture = magnified(np.zeros((20, 20)), (9.5, 9.5), 14, layers, side=140)
    assert picture[20, 70].tolist() == list(BLUE)
    assert picture[21, 70].tolist() == list(RED)


def test_label_map_of_another_image() -> None:
    with pytest.raises(ValueError, match=r"image \(9, 9\) and label maps differ in rows or columns"):
        magnified(np.zeros((9, 9)), (4, 4), 5, [Layer(np.zeros((9, 8)), RED, 1, [])])


def test_a_sheet_has_its_pictures_in_rows_and_shortens_captions() -> None:
    pictures = [np.full((40, 50, 3), value, np.uint8) for value in (10, 20, 30)]
    captions = ["a\nan image with a very long name.tif", "b", "c"]
    sheet = captioned_sheet(pictures, captions, [("drawn", RED)], columns=2)
    # Gaps of 10 and lines of 17 pixels: one line of legend, two rows of a picture with two lines.
    assert sheet.shape == (27 + 2 * (40 + 34 + 10), 2 * 60 + 10, 3)
    assert [int(sheet[27 + 20, 10 + 25, 0]), int(sheet[27 + 20, 70 + 25, 0])] == [10, 20]
    assert int(sheet[27 + 84 + 20, 35, 0]) == 30
    assert (sheet[27 + 40 : 27 + 74, 60:70] == 255).all(), "a caption stays below its picture"
    assert (sheet == RED).all(axis=-1).any()


def test_a_sheet_is_as_wide_as_its_legend() -> None:
    sheet = captioned_sheet([np.zeros((40, 50, 3), np.uint8)], ["a"], [("a long legend of one picture", RED)])
    assert sheet.shape[1] > 150
    assert (sheet[:, -10:] == 255).all()


def test_a_sheet_of_nothing() -> None:
    with pytest.raises(ValueError, match="at least one picture"):
        captioned_sheet([], [], [])


def test_a_sheet_needs_no_legend():
    pictures = [np.zeros((50, 60, 3), np.uint8)] * 2
    assert captioned_sheet(pictures, ["a", "b"], []).shape == (87, 150, 3)
