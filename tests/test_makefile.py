"""The targets of the Makefile that run tests, and what continuous integration runs of them."""

import re
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
