"""The help of ``cellseg``: fast, by task, with examples that run; completion by the shell, and versions."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cellseg_monai.cli import main
from cellseg_monai.cli.command import TASKS, VERBS, _parser
from cellseg_monai.cli.examples import EXAMPLES, LONG
from cellseg_monai.cli.verbs import Group
from cellseg_monai.data import timelapse, write_synthetic_dataset, write_synthetic_timelapse
from cellseg_monai.runtime import known_bundles

NAMES = {
    f"{verb.name} {one.name}" if isinstance(verb, Group) else verb.name: one
    for verb in VERBS
    for one in (verb.verbs if isinstance(verb, Group) else [verb])
}
SHORT = [line for name, lines in EXAMPLES.items() if name not in LONG for line in lines]


def words(line: str) -> list[str]:
    return shlex.split(line.partition(" > ")[0], comments=True)[1:]


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="this system does not report the time of a process")
def test_help_answers_in_half_a_second_of_the_processor() -> None:
    command = subprocess.Popen([sys.executable, "-m", "cellseg_monai.cli", "--help"], stdout=subprocess.PIPE)
    shown = command.stdout.read().decode()
    _, status, used = os.wait4(command.pid, 0)
    command.returncode = status
    assert status == 0
    assert used.ru_utime + used.ru_stime < 0.5
    for task, verbs in TASKS.items():
        assert f"\n{task}:\n" in shown
        for verb in verbs:
            assert re.search(rf"^  {verb.name} +{re.escape(verb.help)}$", shown, re.MULTILINE)


def test_each_verb_has_two_examples_of_itself() -> None:
    assert EXAMPLES.keys() == NAMES.keys()
    assert EXAMPLES.keys() > LONG
    for name, lines in EXAMPLES.items():
        assert len(lines) == 2
        assert all(line.startswith(f"cellseg {name}") for line in lines)


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_shows_the_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*name.split(), "--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    assert all(line in shown for line in (*EXAMPLES[name], "--debug"))


@pytest.mark.parametrize("line", [line for name in sorted(LONG) for line in EXAMPLES[name]])
def test_examples_that_take_minutes_are_parsed(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("my_bundle", "bundles/my_cells"):
        (tmp_path / name / "configs").mkdir(parents=True)
        (tmp_path / name / "configs/metadata.json").write_text("{}")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/skip_unet.zip").touch()
    assert callable(_parser().parse_args(words(line)).run)


def test_the_other_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bundles = known_bundles()["skip_unet"].parent
    for name in ("_base", "skip_unet"):
        shutil.copytree(bundles / name, tmp_path / "bundles" / name)
    write_synthetic_dataset("nuclei", "published/train", count=1, size=(32, 32))
    (tmp_path / "published/train/labels").rename(tmp_path / "published/train/masks")
    write_synthetic_timelapse(timelapse(frames=3, size=(64, 64)), "movie")
    for line in SHORT:
        assert main(words(line)) == 0, line


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("cellseg pre", {"predict "}),
        ("cellseg data c", {"check "}),
        ("cellseg evaluate --met", {"--metrics "}),
        ("cellseg convert cells --to r", {"rois "}),
    ],
)
def test_a_shell_completes(typed: str, expected: set[str], tmp_path: Path) -> None:
    answer = tmp_path / "answer"
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_SHELL": "bash",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": typed,
        "COMP_POINT": str(len(typed)),
    }
    subprocess.run([sys.executable, "-m", "cellseg_monai.cli"], env=os.environ | asked, check=True)
    assert set(answer.read_text().split("\x0b")) == expected


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert re.fullmatch(r"cellseg-monai \d+\.\d+\.\d+\n", capsys.readouterr().out)
