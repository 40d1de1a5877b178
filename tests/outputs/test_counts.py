"""Numbers of cells, and sentences about images without any."""

import logging
from pathlib import Path

import pytest

from cellseg_monai.outputs.counts import COUNTS, Counts


def counts_of(numbers: list[int], folder: Path | None = None) -> Counts:
    counts = Counts("try this", folder)
    counts.start()
    for place, number in enumerate(numbers):
        counts.add(f"day 1/{place}.tif", number)
    return counts


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([3, 1], "4 cells: 0.tif 3, 1.tif 1"),
        ([0], "0 cells: 0.tif 0\nno cell in the only image (0.tif); if there are cells: try this"),
        ([0, 0], "0 cells: 0.tif 0, 1.tif 0\nno cell in any of 2 images (0.tif, 1.tif); if there are …"),
        ([2, 0], "2 cells: 0.tif 2, 1.tif 0\nno cell in 1 of 2 images (1.tif); if there are cells: try this"),
        ([1] * 7, "7 cells: 0.tif 1, 1.tif 1, 2.tif 1, 3.tif 1, 4.tif 1, … and 2 more"),
        ([], "0 cells"),
    ],
    ids=["cells", "one", "all", "some", "many", "none"],
)
def test_text(numbers: list[int], text: str) -> None:
    assert str(counts_of(numbers)).startswith(text.removesuffix("…"))


def test_the_table_is_written_at_once_and_read_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        counts = counts_of([2, 0], tmp_path)
        counts.warn()
    lines = (tmp_path / COUNTS).read_text().splitlines()
    assert lines == ["image,cells,diameter,unsure", "day 1/0.tif,2,,", "day 1/1.tif,0,,"]
    assert str(Counts.read("try this", tmp_path)) == str(counts)
    infos, (warning,) = caplog.messages[:-1], caplog.messages[-1:]
    assert infos == ["day 1/0.tif: 2 cells", "day 1/1.tif: 0 cells"]
    assert warning == counts.empty()


def test_without_empty_images_nothing_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    counts_of([1]).warn()
    assert not caplog.messages


def test_images_of_which_the_network_is_unsure_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counts = Counts("try this", tmp_path)
    counts.start()
    for name, number, unsure in [("usual.tif", 5, 1.4), ("noise.tif", 900, 3.1), ("empty.tif", 0, 40.0)]:
        counts.add(name, number, unsure=unsure)
    counts.warn()
    assert counts.unsure == ["noise.tif"]
    assert caplog.messages[-1] == counts.doubtful()
    assert counts.doubtful().startswith("the network is unsure of 1 of 3 images (noise.tif), more than twice")
    assert str(Counts.read("try this", tmp_path)) == str(counts)
