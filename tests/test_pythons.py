"""Which interpreters `make test-pythons` takes; what it does with them is its own test."""

import logging
import sys
from pathlib import Path

import pytest

from tests.pythons import QUICK, REPOSITORY, interpreter, main

THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"


def released(pyenv: Path, release: str) -> Path:
    """This interpreter, in the place that pyenv gives to a release."""
    python = pyenv / "versions" / release / "bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return python


@pytest.fixture
def pyenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one, and nothing on the PATH."""
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "pyenv"


def test_the_newest_release_is_taken(pyenv: Path) -> None:
    released(pyenv, f"{THIS}.9")
    newest = released(pyenv, f"{THIS}.10")
    assert interpreter(THIS) == str(newest)


def test_one_on_the_path_is_taken_where_pyenv_has_none(pyenv: Path, tmp_path: Path) -> None:
    assert interpreter(THIS) is None
    python = tmp_path / f"bin/python{THIS}"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    assert interpreter(THIS) == str(python)


def test_one_of_another_version_is_passed_over(pyenv: Path) -> None:
    released(pyenv, "3.99.1")
    assert interpreter("3.99") is None


def test_one_that_is_not_there_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "pythons"):
        assert main(["3.99"]) == 0
    assert "Python 3.99: NOT TESTED, there is no python3.99 under pyenv or on the PATH" in caplog.messages[-1]


def test_every_quick_test_is_there() -> None:
    assert [path for path in QUICK if not (REPOSITORY / path).exists()] == []
