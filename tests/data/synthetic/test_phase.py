import numpy as np
from scipy import ndimage

from cellseg_monai.data.synthetic import synthesize


def test_cells_are_darker_than_the_grey_and_a_bright_halo_surrounds_them():
    sample = synthesize("phase", (512, 512), seed=2, density=0.15, diameter=50)
    inside = sample.label > 0
    away = ndimage.distance_transform_edt(~inside)
    halo = sample.image[(away > 0) & (away < 4)].mean()
    far = sample.image[away > 25].mean()
    rim = sample.image[inside & (ndimage.distance_transform_edt(inside) < 2.5)].mean()
    assert rim < far - 4
    assert halo > far + 4


def test_some_cells_have_arms():
    label = synthesize("phase", (600, 600), seed=2, density=0.2, diameter=50).label
    filled = []
    for number, box in enumerate(ndimage.find_objects(label), start=1):
        filled.append((label[box] == number).mean())
    assert min(filled) < 0.3
    assert np.median(filled) < 0.6
