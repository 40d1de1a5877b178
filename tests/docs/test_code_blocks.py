"""Runs the code of README.md, its neighbours and every page in docs/, and compares the output shown.

A page is one session in an empty folder. Its python blocks share their names; each bash or console block is
a shell of its own, whose ``cellseg`` and ``python -m monai.bundle`` are forked from a process that has
imported what they need, see `tests/forked`. A text block right after one of them is the expected output, in
which `...` stands for anything. `<!-- not run: reason -->` in the line before a block leaves it out.
"""

import doctest
import os
import re
import subprocess
import sys
import traceback
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from textwrap import dedent, indent

import pytest

from tests.forked.commands import shims

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").rglob("*.md"))]
SLOW = {"docs/how-to/train-with-your-images.md", "docs/tutorials/your-own-bundle.md"}
"""Pages that train for longer than a moment."""

RUN = {"python", "bash", "console"}
SHOWN = {"text", "yaml", "toml", "json", "markdown"}

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=indent)```[ ]*$", re.MULTILINE | re.DOTALL
)
_NOT_RUN = re.compile(r"<!-- not run: \S.*-->\s*\Z")
_SAME_OUTPUT = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def name_of(page: Path) -> str:
    """The page within the repository."""
    return page.relative_to(REPOSITORY).as_posix()


@dataclass
class Block:
    """Code of a page, the line it starts in, and the output that the page shows for it."""

    language: str
    code: str
    line: int
    expected: str | None = None


def runnable_blocks(page: Path) -> list[Block]:
    """The blocks to run, in the order of the page."""
    text = page.read_text(encoding="utf-8")
    _require_closed_fences(page, text)
    blocks: list[Block] = []
    end_of_run_block = None
    for fence in _FENCE.finditer(text):
        language, code = fence["language"], dedent(fence["body"])
        line = text.count("\n", 0, fence.start("body")) + 1
        if language not in RUN | SHOWN:
            raise AssertionError(f"{page}:{line - 1}: a block in {language!r}; write one of {RUN | SHOWN}")
        is_output = end_of_run_block is not None and not text[end_of_run_block : fence.start()].strip()
        if language == "text" and is_output:
            blocks[-1].expected = code
        end_of_run_block = None
        if language in RUN and not _NOT_RUN.search(text, 0, fence.start()):
            blocks.append(Block(language, code, line))
            end_of_run_block = fence.end()
    return blocks


def _require_closed_fences(page: Path, text: str) -> None:
    outside = _FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text)
    if "```" in outside:
        line = outside.count("\n", 0, outside.index("```")) + 1
        raise AssertionError(f"{page}:{line}: the block is not closed; end it with ``` as far indented")


def run_page(page: Path) -> None:
    """Run a page in the current folder; an AssertionError names page and line."""
    session: dict[str, object] = {"__name__": "__main__"}
    for block in runnable_blocks(page):
        try:
            output = _run_python(block, page, session) if block.language == "python" else _run_shell(block)
        except (Exception, SystemExit) as error:
            line, reason = _where_and_why(error, page, block)
            raise AssertionError(f"{page}:{line}: the block failed\n{indent(reason, '  ')}") from error
        if block.expected is not None and not doctest.OutputChecker().check_output(
            block.expected, output, _SAME_OUTPUT
        ):
            raise AssertionError(
                f"{page}:{block.line}: the output differs\n"
                f"page shows:\n{indent(block.expected, '  ')}\ncode prints:\n{indent(output, '  ')}"
            )


def _run_python(block: Block, page: Path, session: dict[str, object]) -> str:
    printed = StringIO()
    on_its_line = "\n" * (block.line - 1) + block.code
    with redirect_stdout(printed):
        exec(compile(on_its_line, str(page), "exec"), session)
    return printed.getvalue()


def _run_shell(block: Block) -> str:
    commands = re.sub(r"^\$ ", "", block.code, flags=re.MULTILINE)
    folders = [str(shims()), str(Path(sys.executable).parent), os.environ["PATH"]]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        env=os.environ | {"PATH": os.pathsep.join(folders)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def _where_and_why(error: BaseException, page: Path, block: Block) -> tuple[int, str]:
    """The line of the page that raised, and what it raised."""
    if isinstance(error, SyntaxError) and error.filename == str(page) and error.lineno:
        return error.lineno, f"SyntaxError: {error.msg}"
    on_page = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(page)]
    line = on_page[-1].lineno if on_page else None
    return line or block.line, "".join(traceback.format_exception_only(error))


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.slow] if name_of(page) in SLOW else []) for page in PAGES],
    ids=name_of,
)
def test_page_runs_as_written(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_page(page)


def write_page(folder: Path, *lines: str) -> Path:
    page = folder / "page.md"
    page.write_text("\n".join(lines) + "\n")
    return page


class TestRunner:
    """The runner finds what is wrong with a page and says where."""

    @pytest.fixture(autouse=True)
    def _in_empty_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

    def test_session_is_shared_in_page_order(self, tmp_path):
        page = write_page(
            tmp_path,
            *("```python", "from pathlib import Path", "Path('a.txt').write_text('one')", "```"),
            *("```bash", "cat a.txt && echo two > b.txt", "```", "", "```text", "one", "```"),
            *("- in a list:", "", "  ```python", "  if True:", "      print(Path('b.txt').read_text())"),
            *("  ```", "", "  ```text", "  two", "  ```"),
        )
        run_page(page)
        assert [block.line for block in runnable_blocks(page)] == [2, 6, 15]

    def test_console_prompts_are_left_out(self, tmp_path):
        run_page(
            write_page(tmp_path, "```console", "$ echo one", "$ echo two", "```", "```text", "one two", "```")
        )

    def test_python_of_this_environment(self, tmp_path):
        line = 'python -c "import sys; print(sys.prefix)"'
        run_page(write_page(tmp_path, "```bash", line, "```", "```text", sys.prefix, "```"))

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            pytest.param(
                ["# Title", "", "```python", "good = 1", "bad = 1 / 0", "```"],
                r"page\.md:5: the block failed\n  ZeroDivisionError",
                id="python raises",
            ),
            pytest.param(
                ["```python", "def f():", "    return missing", "```", "", "```python", "f()", "```"],
                r"page\.md:3: the block failed\n  NameError",
                id="function of an earlier block raises",
            ),
            pytest.param(
                ["", "```python", "a = 1", "a =", "```"],
                r"page\.md:4: the block failed\n  SyntaxError",
                id="no python",
            ),
            pytest.param(
                ["```python", "raise SystemExit(2)", "```"],
                r"page\.md:2: the block failed\n  SystemExit: 2",
                id="exit",
            ),
            pytest.param(
                ["", "```bash", "echo before", "false", "echo after", "```"],
                r"page\.md:3: the block failed\n  RuntimeError: exit status 1\n  before",
                id="a command fails",
            ),
            pytest.param(
                ["```bash", "false | true", "```"],
                r"page\.md:2: the block failed\n  RuntimeError: exit status 1",
                id="a command of a pipe fails",
            ),
            pytest.param(
                ["```python", "print(2)", "```", "", "```text", "3", "```"],
                r"page\.md:2: the output differs\npage shows:\n  3\n\ncode prints:\n  2",
                id="other output",
            ),
            pytest.param(
                ["```bash", "true", "```", "", "```text", "something", "```"],
                r"page\.md:2: the output differs",
                id="no output",
            ),
            pytest.param(
                ["```", "make", "```"], r"page\.md:1: a block in ''; write one of", id="no language"
            ),
            pytest.param(["", "```python", "1 / 0"], r"page\.md:2: the block is not closed", id="open end"),
            pytest.param(
                ["```pycon", ">>> 1", "```"], r"page\.md:1: a block in 'pycon'", id="other language"
            ),
            pytest.param(
                ["<!-- not run: -->", "```python", "1 / 0", "```"],
                r"page\.md:3: the block failed\n  ZeroDivisionError",
                id="left out without a reason",
            ),
            pytest.param(
                ["<!-- not run: a GPU -->", "Words.", "", "```python", "1 / 0", "```"],
                r"page\.md:5: the block failed",
                id="reason not right before the block",
            ),
        ],
    )
    def test_failure_names_page_and_line(self, tmp_path, lines, message):
        with pytest.raises(AssertionError, match=message):
            run_page(write_page(tmp_path, *lines))

    def test_left_out_with_a_reason(self, tmp_path):
        lines = ["<!-- not run: needs a GPU -->", "```python", "1 / 0", "```", "```text", "never", "```"]
        assert runnable_blocks(write_page(tmp_path, *lines)) == []

    def test_text_after_words_is_not_output(self, tmp_path):
        run_page(write_page(tmp_path, "```python", "print(1)", "```", "A file:", "```text", "2", "```"))
