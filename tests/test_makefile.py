"""The targets of the Makefile that run tests, and what continuous integration runs of them."""

import re
import shlex
import subprocess
from itertools import product
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
MAKEFILE = (REPOSITORY / "Makefile").read_text()
CONTINUOUS_INTEGRATION = (REPOSITORY / ".ci/run").read_text()


@pytest.mark.parametrize(("slow", "label"), [*product([False, True], repeat=2)])
def test_each_test_is_run_by_one_target(slow: bool, label: bool) -> None:
    expressions = re.findall(r"-m '([a-z ]+)'", MAKEFILE)
    assert len(expressions) == 3
    assert sum(eval(expression, {"slow": slow, "label": label}) for expression in expressions) == 1


def test_continuous_integration_runs_every_check() -> None:
    checks = set(re.findall(r"^(check|docs|demo|test[a-z-]*):", MAKEFILE, re.MULTILINE))
    assert len(checks) == 7
    assert checks <= set(CONTINUOUS_INTEGRATION.split())


@pytest.mark.parametrize("given", [[], ["DATA=my cells"]], ids=["synthetic", "own images"])
def test_the_demo_is_that_of_the_command_line(given: list[str]) -> None:
    words = ["make", "--dry-run", "--old-file=.venv/.ready", "demo", *given]
    said = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    (line,) = (line for line in said.splitlines() if "cellseg demo" in line)
    options = shlex.split(line.partition("cellseg demo ")[2])
    assert options == ["--out", "demo", "--minutes", "2", *(["--images", "my cells"] if given else [])]
