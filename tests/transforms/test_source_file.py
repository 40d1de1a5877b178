import numpy as np
import pytest
import torch
from monai.data import MetaTensor, list_data_collate

from cellseg_monai.transforms import FileNameOnlyd


def image(name: str, **meta: object) -> dict[str, torch.Tensor]:
    return {"image": MetaTensor(torch.rand(3, 4, 4), meta={"filename_or_obj": name, **meta})}


GREY = image("grey.tif", intensity_limits=np.zeros((1, 2)), spacing=0.5)
COLOUR = image("colour.png", intensity_limits=np.zeros((3, 2)))


def test_a_batch_holds_images_of_several_kinds() -> None:
    strip = FileNameOnlyd("image")
    batch = list_data_collate([strip(GREY), strip(COLOUR)])["image"]
    assert batch.meta["filename_or_obj"] == ["grey.tif", "colour.png"]
    assert torch.equal(batch[1].as_tensor(), COLOUR["image"].as_tensor())


def test_which_it_could_not_otherwise() -> None:
    with pytest.raises((RuntimeError, KeyError)):
        list_data_collate([GREY, COLOUR])


def test_other_samples_stay_as_they_are() -> None:
    plain = torch.zeros(1, 2, 2)
    assert FileNameOnlyd("image")({"image": plain})["image"] is plain
    assert FileNameOnlyd("image")({"image": MetaTensor(plain)})["image"].meta == {}
    strip = FileNameOnlyd("image")
    strip(GREY)
    assert "spacing" in GREY["image"].meta
