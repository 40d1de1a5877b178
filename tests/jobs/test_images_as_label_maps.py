"""Microscope images that are given as label maps are refused by each verb, unless a person insists."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from cellseg_monai.cli import main

REFUSED = "looks like a microscope image and not like a label map: its values are scattered like grey levels"

VERBS = {
    "convert": ["convert", "raw", "--to", "tiff", "--out", "out"],
    "measure": ["measure", "raw", "--out", "out"],
    "track": ["track", "raw", "--out", "out"],
    "evaluate": ["evaluate", "--pred", "raw", "--truth", "truth", "--out", "out"],
}


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("raw", "truth"):
        Path(folder).mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (24, 24)).astype(np.uint16)
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(f"raw/{name}", pixels)
        tifffile.imwrite(f"truth/{name}", (pixels > 0).astype(np.uint8))


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_refuse_them(
    verb: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert main(VERBS[verb]) == 1
    printed = capsys.readouterr()
    assert REFUSED in printed.out + printed.err + caplog.text
    assert not [*Path("out").glob("*.tif"), *Path("out").glob("cells.csv")]
    assert main([*VERBS[verb], "--force"]) == 0


def test_a_report_draws_what_was_scored_by_force() -> None:
    assert main([*VERBS["evaluate"], "--force"]) == 0
    assert "could not be drawn" not in Path("out/report.html").read_text()
    assert main(["report", "out", "--out", "again.html"]) == 0
    assert "could not be drawn" not in Path("again.html").read_text()


def test_a_report_tells_that_a_label_map_was_replaced_by_an_image() -> None:
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(f"truth/{name}", np.ones((24, 24), np.uint8))
    assert main(["evaluate", "--pred", "truth", "--truth", "truth", "--out", "out"]) == 0
    tifffile.imwrite("truth/a.tif", tifffile.imread("raw/a.tif"))
    assert main(["report", "out", "--out", "again.html"]) == 0
    assert REFUSED in Path("again.html").read_text()


EMPTY = "no cell in 1 of 2 {}s (b{}); if there are cells: check that these are the label maps"


@pytest.mark.parametrize("verb", ["convert", "measure", "track"])
def test_label_maps_without_cells_are_told(
    verb: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    tifffile.imwrite("truth/b.tif", np.zeros((24, 24), np.uint8))
    words = [word.replace("raw", "truth") for word in VERBS[verb]]
    with caplog.at_level(logging.WARNING):
        assert main(words) == 0
    told = EMPTY.format("frame", ".tif") if verb == "track" else EMPTY.format("image", "")
    assert told in capsys.readouterr().out
    assert told in caplog.text
    if verb == "measure":
        assert pd.read_csv("out/summary.csv")["cells"].tolist() == [1, 0]
