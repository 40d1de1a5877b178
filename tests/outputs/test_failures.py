"""Inputs that fail are listed at once; a full disk stops the run."""

import logging
from pathlib import Path

import pytest

from cellseg_monai.outputs import OutputError
from cellseg_monai.outputs.failures import FAILURES, Failures, read_failures


def test_each_failure_is_logged_and_written_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FAILURES).write_text("of an earlier run")
    failures = Failures(tmp_path, "frame")
    for name in ("a, b.tif", "c.tif"):
        with caplog.at_level(logging.ERROR), failures.collect(name):
            raise ValueError("two\nlines")
        assert failures.table["frame"].tolist()[-1] == name
        assert len(read_failures(tmp_path)) == len(failures.rows)
    assert (tmp_path / FAILURES).read_text().splitlines()[:2] == [
        "frame,error",
        '"a, b.tif",ValueError: two lines',
    ]
    assert caplog.messages == ["a, b.tif: ValueError: two lines", "c.tif: ValueError: two lines"]


def test_there_is_no_table_without_a_failure_unless_it_is_started(tmp_path: Path) -> None:
    failures = Failures(tmp_path)
    with failures.collect("a.tif"):
        pass
    assert read_failures(tmp_path) == []
    assert not (tmp_path / FAILURES).exists()
    failures.start()
    assert (tmp_path / FAILURES).read_text() == "image,error\n"


def test_an_output_that_cannot_be_written_is_no_failure_of_an_input() -> None:
    failures = Failures()
    with pytest.raises(OutputError, match="the disk is full"), failures.collect("a.tif"):
        raise OutputError("the disk is full")
    assert not failures.rows
