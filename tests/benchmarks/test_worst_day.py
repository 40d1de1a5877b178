"""The scripts behind the page on reliability, in a reduced form: hostile files, fuzzing, and faults."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked and limited")


@pytest.fixture(scope="module")
def scripts() -> dict[str, ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        patch.syspath_prepend(BENCHMARKS / "fuzzing")
        import faults
        import fuzz
        import hostile_corpus
        import hostile_files

        return {module.__name__: module for module in (faults, fuzz, hostile_corpus, hostile_files)}


def test_every_parser_refuses_damaged_input(scripts: dict[str, ModuleType], tmp_path: Path) -> None:
    fuzz = scripts["fuzz"]
    found = {name: fuzz.fuzz(name, 15, 11, tmp_path) for name in fuzz.PARSERS}
    assert found == {name: (15, []) for name in fuzz.PARSERS}


def test_hostile_files_are_read_or_refused(
    scripts: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLSEG_MEMORY", scripts["hostile_files"].MEMORY)
    scripts["hostile_files"].load(tmp_path / "valid")
    every = list(scripts["hostile_corpus"].corpus(tmp_path, 36))
    kinds = {hostile.kind: hostile for hostile in every}
    chosen = [*kinds.values(), *every[::12]]
    failed = [
        (hostile.path.name, outcome)
        for hostile in chosen
        for outcome in scripts["hostile_files"].tried(hostile.path)
        if not outcome.passed
    ]
    assert len(kinds) > 20
    assert not failed


@pytest.mark.parametrize("fault", ["SIGKILL", "SIGTERM", "disk full", "two at once", "folder removed"])
def test_nothing_half_written_is_a_result(fault: str, scripts: dict[str, ModuleType], tmp_path: Path) -> None:
    faults = scripts["faults"]
    words = faults.prepared(tmp_path)["convert"]
    (found,) = faults.disturbed("convert", words, tmp_path / "out", 1, [fault])
    assert not found.half
    assert found.remedied


def test_a_writer_that_is_not_whole_is_noticed(
    scripts: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check can fail: a command that writes in place leaves a half-written file on a full disk."""
    import cellseg_monai.cli

    def writes_in_place(words: list[str]) -> int:
        (tmp_path / "out").mkdir(exist_ok=True)
        with (tmp_path / "out/cells.csv").open("wb") as file:
            for _ in range(100):
                file.write(b"cell\n" * 1000)
                file.flush()
        return 0

    monkeypatch.setattr(cellseg_monai.cli, "main", writes_in_place)
    (found,) = scripts["faults"].disturbed("own", [], tmp_path / "out", 1, ["disk full"])
    assert found.half == ("cells.csv",)
