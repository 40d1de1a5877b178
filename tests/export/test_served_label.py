"""Shape, type and format in which MONAI Label's writer loses nothing."""

from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from cellseg_monai.export import ServedLabeld


def served(path: str, highest: int = 3, **request: Any) -> dict[Any, Any]:
    label = MetaTensor(torch.zeros(1, 6, 4, dtype=torch.int32))
    label[0, 5, 3] = highest
    image = MetaTensor(torch.zeros(1, 6, 4), meta={"spatial_shape": np.array([6, 4])})
    return ServedLabeld("pred")({"pred": label, "image": image, "image_path": path, **request})


@pytest.mark.parametrize(
    ("path", "highest", "extension", "dtype", "shape"),
    [
        ("a.tif", 70_000, ".tif", "int32", (6, 4)),
        ("a.b.TIFF", 300, ".tiff", "int32", (6, 4)),
        ("a.png", 65_535, ".png", "uint16", (6, 4)),
        ("a.png", 65_536, ".tif", "int32", (6, 4)),
        ("a.jpg", 3, ".tif", "int32", (6, 4)),
        ("a.jpeg", 3, ".tif", "int32", (6, 4)),
        ("a.svs", 3, ".tif", "int32", (6, 4)),
        ("a", 3, ".tif", "int32", (6, 4)),
        ("a.nii.gz", 70_000, ".nii.gz", "int32", (6, 4, 1)),
        ("a.nii", 3, ".nii", "int32", (6, 4, 1)),
        ("a.nrrd", 3, ".nrrd", "int32", (6, 4, 1)),
    ],
)
def test_by_the_format_of_the_image(
    path: str, highest: int, extension: str, dtype: str, shape: tuple[int, ...]
) -> None:
    item = served(f"/some where/{path}", highest)
    assert (item["result_extension"], item["result_dtype"]) == (extension, dtype)
    assert tuple(item["pred"].shape) == shape
    assert item["pred"][5, 3].max() == highest
    assert tuple(item["image"].meta["spatial_shape"]) == shape


def test_the_request_is_heeded() -> None:
    item = served("a.png", result_extension=".nrrd", result_dtype="uint8")
    assert (item["result_extension"], item["result_dtype"]) == (".nrrd", "uint8")
    assert served("a.tif", 2**24, result_dtype="float32")["result_dtype"] == "float32"


@pytest.mark.parametrize(
    ("highest", "request_", "message"),
    [
        (
            3,
            {"result_extension": ".jpg"},
            r"a\.tif: ids up to 3 cannot be written as \.jpg; request \.tif",
        ),
        (65_536, {"result_extension": ".png"}, r"ids up to 65536 cannot be written as \.png; request"),
    ],
    ids=["format", "png"],
)
def test_what_would_lose_ids_is_refused(highest: int, request_: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        served("a.tif", highest, **request_)


@pytest.mark.parametrize(
    ("path", "highest", "wanted", "written"),
    [
        ("a.nrrd", 255, "uint8", "uint8"),
        ("a.nrrd", 256, "uint8", "int32"),
        ("a.png", 256, "uint8", "uint16"),
        ("a.tif", 65_536, "uint16", "int32"),
        ("a.tif", 2**24 + 1, "float32", "int32"),
    ],
)
def test_a_type_that_is_too_narrow_is_widened(path: str, highest: int, wanted: str, written: str) -> None:
    assert served(path, highest, result_dtype=wanted)["result_dtype"] == written


def test_without_cells() -> None:
    assert served("a.tif", 0)["pred"].max() == 0


def test_scores_keep_their_type() -> None:
    item = ServedLabeld("pred")({"pred": torch.rand(1, 6, 4), "image_path": "a.png"})
    assert (item["pred"].dtype, tuple(item["pred"].shape)) == (torch.float32, (6, 4))
    assert "result_extension" not in item


def test_elsewhere_nothing_happens() -> None:
    item = {"pred": torch.zeros(1, 6, 4, dtype=torch.int32)}
    assert ServedLabeld("pred")(item)["pred"] is item["pred"]
    assert ServedLabeld("pred", allow_missing_keys=True)({"image_path": "a.tif"}) == {"image_path": "a.tif"}


def test_the_image_may_have_another_key() -> None:
    label, image = torch.zeros(1, 6, 4, dtype=torch.int32), MetaTensor(torch.zeros(1, 6, 4))
    item = ServedLabeld("pred", image="slide")({"pred": label, "slide": image, "image_path": "a.nii"})
    assert tuple(item["slide"].meta["spatial_shape"]) == (6, 4, 1)
