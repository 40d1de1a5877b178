"""What a killed run has done is known to the next one, and to anyone who asks how far it is."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from cellseg_monai.cli import main
from cellseg_monai.outputs import locked
from cellseg_monai.outputs.manifest import Manifest
from cellseg_monai.outputs.progress import read_progress

ITEMS = {f"{name}.tif": [[100, number]] for number, name in enumerate("abcde")}


def begin(folder: Path) -> None:
    """A run that has done a, failed at b, and works on c."""
    with Manifest(folder, "predict") as manifest:
        manifest.ask(ITEMS, "settings")
        for name in ("a.tif", "b.tif", "c.tif"):
            manifest.start(name)
        manifest.finish("a.tif", ["digest of a"], {"cells": 3}, "worker 1")
        manifest.fail("b.tif", "ValueError: 2 channels")


def test_what_is_done_is_known_by_its_settings(tmp_path: Path) -> None:
    begin(tmp_path)
    with Manifest(tmp_path, "predict") as manifest:
        (done,) = manifest.done("settings").items()
        assert done == ("a.tif", ([[100, 0]], ["digest of a"], {"cells": 3}))
        assert manifest.done("other settings") == {}
    with Manifest(tmp_path, "measure") as manifest:
        assert manifest.done("settings") == {}


def test_a_new_run_has_its_own_items_and_forgets_none(tmp_path: Path) -> None:
    begin(tmp_path)
    with Manifest(tmp_path, "predict") as manifest:
        manifest.ask({"d.tif": [], "b.tif": []}, "settings")
        assert list(manifest.done("settings")) == ["a.tif"]
    progress = read_progress(tmp_path, "predict")
    assert progress.counts == {"pending": 2, "running": 0, "done": 0, "failed": 0}
    with Manifest(tmp_path, "predict") as manifest:
        manifest.ask(ITEMS, "settings", keep=["a.tif"])
    assert read_progress(tmp_path, "predict").counts["done"] == 1


def test_a_process_that_is_killed_leaves_what_it_has_noted(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom cellseg_monai.outputs.manifest import Manifest\n"
        f"manifest = Manifest({str(tmp_path)!r}, 'predict')\n"
        "manifest.ask({'a.tif': [], 'b.tif': []}, 'settings')\n"
        "manifest.start('a.tif')\nmanifest.finish('a.tif', [], {})\nmanifest.start('b.tif')\n"
        "os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    with Manifest(tmp_path, "predict") as manifest:
        assert list(manifest.done("settings")) == ["a.tif"]


def test_how_far_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begin(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["predict", "--status", str(tmp_path)])
    assert ended.value.code == 0
    stopped = capsys.readouterr().out.splitlines()
    assert stopped[0] == f"{tmp_path}: no process is at work; run the same command again to continue"
    assert stopped[1] == "5 items: 1 done, 1 failed, 1 running, 2 pending"
    assert stopped[-1] == "failed: b.tif: ValueError: 2 channels"
    with locked(tmp_path):
        running = str(read_progress(tmp_path, "predict")).splitlines()
    assert "is at work" in running[0]
    assert running[2].endswith(" left")


def test_rate_and_time_left_are_those_of_this_run(tmp_path: Path) -> None:
    begin(tmp_path)
    with sqlite3.connect(tmp_path / ".cellseg/manifest.sqlite") as base:
        base.execute("UPDATE runs SET began = 1000")
        base.execute("UPDATE items SET ended = 900 WHERE name = 'a.tif'")  # by the run before
        base.execute("UPDATE items SET ended = 1004 WHERE name = 'b.tif'")
    progress = read_progress(tmp_path, "predict")
    assert (progress.finished, progress.seconds) == (1, 4.0)
    assert "0.25 items a second" in str(progress)


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be told apart" * 9])
def test_where_there_is_no_manifest(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "--status", str(tmp_path / "absent")]) == 1
    assert "absent: there is no state of a run here" in capsys.readouterr().err
    (tmp_path / ".cellseg").mkdir()
    (tmp_path / ".cellseg/manifest.sqlite").write_bytes(content)
    assert main(["predict", "--status", str(tmp_path)]) == 1
    if content:
        assert "is not a manifest" in capsys.readouterr().err
        with pytest.raises(FileExistsError, match="is not a manifest; move it away"):
            Manifest(tmp_path, "predict")
