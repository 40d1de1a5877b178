"""Which interpreters `make test-pythons` takes, and which tests each of them runs."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pythons import CORE, EVERYWHERE, REPOSITORY, constrained, interpreter, main

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


def test_the_newest_versions_are_those_that_nothing_constrains(tmp_path: Path) -> None:
    assert constrained("newest", "3.12", tmp_path) == []
    assert constrained("tested", "3.12", tmp_path) == ["-c", "constraints.txt"]


def test_every_chosen_test_is_there() -> None:
    assert [path for path in [*EVERYWHERE, *CORE] if not (REPOSITORY / path).exists()] == []


@pytest.mark.parametrize(
    ("versions", "with_core"),
    [(["3.10", "3.12", "3.13"], ["3.12"]), (["3.10", "3.13"], ["3.10"]), (["3.13"], ["3.13"])],
    ids=["3.12", "the first", "the only one"],
)
def test_the_core_runs_under_one_python(
    versions: list[str], with_core: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = dict[str, list[str]]()

    def check(version: str, tests: list[str], folder: Path) -> None:
        checked[version] = tests

    monkeypatch.setattr("tests.pythons.interpreter", lambda version: f"python{version}")
    monkeypatch.setattr("tests.pythons.build_wheel", lambda folder: folder / "a.whl")
    monkeypatch.setattr("tests.pythons.install", lambda *words: None)
    monkeypatch.setattr("tests.pythons.check", check)
    assert main(versions) == 0
    assert list(checked) == versions
    assert [version for version, tests in checked.items() if set(CORE) <= set(tests)] == with_core
    assert all(tests[: len(EVERYWHERE)] == EVERYWHERE for tests in checked.values())


def test_a_failed_installation_fails_that_python_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def install(version: str, *words: object) -> None:
        if version == "3.10":
            raise subprocess.CalledProcessError(1, ["pip", "install", "a.whl"])

    checked = list[str]()
    monkeypatch.setattr("tests.pythons.interpreter", lambda version: f"python{version}")
    monkeypatch.setattr("tests.pythons.build_wheel", lambda folder: folder / "a.whl")
    monkeypatch.setattr("tests.pythons.install", install)
    monkeypatch.setattr("tests.pythons.check", lambda version, tests, folder: checked.append(version))
    with caplog.at_level(logging.INFO, "pythons"):
        assert main(["3.10", "3.12"]) == 1
    assert checked == ["3.12"]
    assert "Python 3.10: FAILED in pip install a.whl" in caplog.messages[-2]
    assert "Python 3.12: passed" in caplog.messages[-1]
