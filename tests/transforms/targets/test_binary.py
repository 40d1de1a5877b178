import numpy as np

from cellseg_monai.transforms import binary_target


def test_every_id_is_foreground():
    label = np.array([[[0, 1, 255], [70_000, 0, 2]]])
    assert binary_target(label).tolist() == [[[0, 1, 1], [1, 0, 1]]]
    assert binary_target(label).dtype == np.uint8


def test_a_bool_mask():
    assert binary_target(np.array([[[True, False]]])).tolist() == [[[1, 0]]]
