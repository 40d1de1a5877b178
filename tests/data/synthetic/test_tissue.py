import numpy as np
import pytest

from cellseg_monai.data.synthetic import SyntheticImage, synthesize
from cellseg_monai.data.synthetic.tissue import CLASSES


def tissue(size: tuple[int, int], density: float = 0.2) -> SyntheticImage:
    return synthesize("tissue", size, seed=2, density=density, diameter=24)


def test_every_object_has_a_class_and_the_class_map_says_so():
    sample = tissue((512, 512))
    assert sorted(sample.classes) == list(range(1, sample.label.max() + 1))
    assert set(sample.classes.values()) == set(CLASSES)
    for number, its_class in list(sample.classes.items())[:20]:
        assert np.unique(sample.class_map[sample.label == number]).tolist() == [its_class]
    np.testing.assert_array_equal(sample.class_map > 0, sample.label > 0)


def test_classes_differ_as_a_pathologist_expects():
    sample = tissue((700, 700), density=0.15)
    areas = np.bincount(sample.label.ravel())[1:]
    classes = np.array([sample.classes[number] for number in range(1, len(areas) + 1)])
    darkness = 255 - sample.image.mean(axis=-1)
    epithelial, inflammatory, connective = (areas[classes == one].mean() for one in (1, 2, 3))
    assert epithelial > 1.5 * inflammatory
    assert epithelial > 1.5 * connective
    assert darkness[sample.class_map == 2].mean() > darkness[sample.class_map == 1].mean() + 20


def test_nuclei_are_purple_on_pink():
    sample = tissue((256, 256))
    red, green, blue = sample.image[sample.label > 0].mean(axis=0)
    assert blue > red > green
    red, green, blue = sample.image[sample.label == 0].mean(axis=0)
    assert red > blue > green


def test_a_kind_without_classes_says_so():
    with pytest.raises(ValueError, match="nuclei images have no classes; only tissue images do"):
        _ = synthesize("nuclei", (32, 32)).class_map
