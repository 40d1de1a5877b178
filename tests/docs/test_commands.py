"""Every command line on every page, run or not, against the real parser and the real configurations."""

import re
import shlex
from argparse import Namespace
from pathlib import Path

import pytest

from cellseg_monai import runtime
from cellseg_monai.cli.command import _parser
from cellseg_monai.outputs import progress
from cellseg_monai.runtime import check_options, known_bundles
from tests.docs.test_code_blocks import PAGES, name_of

_SHELL = re.compile(r"^ *```(?:bash|console)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SHIPPED = re.compile(r'^cd "\$\(cellseg models --folder (\w+)\)"$', re.MULTILINE)
REPRODUCTION = Path("docs/how-to/reproduce-the-source-papers.md")


def blocks(page: Path) -> list[str]:
    return [body.replace("\\\n", " ") for body in _SHELL.findall(page.read_text(encoding="utf-8"))]


def commands(page: Path, start: str) -> list[list[str]]:
    lines = [line.strip().removeprefix("$ ") for block in blocks(page) for line in block.splitlines()]
    return [split(line) for line in lines if line.startswith(start)]


def split(line: str) -> list[str]:
    """The words of the first command of a line."""
    words = shlex.split(re.sub(r"\$\w+", "1", line), comments=True)  # variables of loops are numbers here
    ends = [place for place, word in enumerate(words) if word in ("|", "||", "&&", ">", ">>")]
    return words[: ends[0]] if ends else words


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page, "cellseg ")], ids=name_of)
def test_cellseg_takes_each_line(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_bundle", Path)  # most bundles of the pages are made by their commands
    monkeypatch.setattr(progress, "read_progress", lambda folder, work: f"{work} into {folder}")
    for words in commands(page, "cellseg "):
        if "--help" not in words:
            assert callable(parsed(words).run)


def parsed(words: list[str]) -> Namespace:
    try:
        return _parser().parse_args(words[1:])
    except SystemExit as stopped:
        if not stopped.code:  # --status has printed what was asked for
            return Namespace(run=print)
        raise AssertionError(f"cellseg does not take: {shlex.join(words)}") from stopped


def test_the_configurations_have_the_options_of_the_reproduction(monkeypatch: pytest.MonkeyPatch) -> None:
    page = next(page for page in PAGES if page.match(str(REPRODUCTION)))
    seen = 0
    for block in blocks(page):
        for line in block.splitlines():
            if line.startswith("python -m monai.bundle "):
                (name,) = _SHIPPED.findall(block)
                monkeypatch.chdir(known_bundles()[name])
                check_options(split(line)[3:])
                seen += 1
    assert seen == 4
