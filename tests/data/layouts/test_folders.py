import pytest

from cellseg_monai.data.layouts.folders import tcga_patient


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TCGA-18-5592-01Z-00-DX1", "TCGA-18-5592"),
        ("TCGA-A1-A0SK-DX1_xmin45749_ymin25055_MPP-0.2500", "TCGA-A1-A0SK"),
        ("train_TCGA-A1-A0SK", "TCGA-A1-A0SK"),
        ("TCGA-A1-A0SKX", None),
        ("tile_17", None),
    ],
)
def test_patient(name: str, expected: str | None) -> None:
    assert tcga_patient(name) == expected
