"""What the page of the source papers says about this package, against configurations, names and commands.

The column *where* names places in code spans, and the column *here* has the value of each place that has one.
"""

import inspect
import json
import pkgutil
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from monai.bundle import ConfigParser

from cellseg_monai.bundling.render import LAYERS
from cellseg_monai.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs/reference/sources.md"
COLUMNS = ["section", "in the source", "where", "here", "faithful"]
PUBLIC = (REPOSITORY / "tests/public_names.txt").read_text().split()

SPAN = re.compile(r"`([^`]+)`")
SETTING = re.compile(r"(?P<bundles>\w+(?:, \w+)*): (?P<config>\w+)#(?P<id>[\w#]+)")
NAME = re.compile(r"cellseg_monai\.(?P<name>[\w.]+)(?:\((?P<argument>\w+)\))?")
COMMAND = re.compile(r"cellseg (?P<verbs>[a-z][a-z -]*?)(?P<options>( --[a-z-]+)*)")
VERDICT = re.compile(r"(yes|not stated)\b|no: \w")


class Row(NamedTuple):
    line: int
    cells: list[str]

    @property
    def places(self) -> list[str]:
        return SPAN.findall(self.cells[2])


def rows() -> list[Row]:
    """Rows of the tables with the five columns, without their heads."""
    found: list[Row] = []
    inside = False
    for line, text in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        cells = text.strip("| ").split(" | ")
        inside = text.startswith("|") and (inside or cells == COLUMNS)
        if inside and cells != COLUMNS and not text.startswith("|---"):
            found.append(Row(line, cells))
    return found


def valued() -> list[tuple[int, str, str]]:
    """Line, place and value of each place that has a value."""
    return [
        (row.line, place, value)
        for row in rows()
        for place, value in zip(filter(has_value, row.places), values_in(row), strict=False)
    ]


def values_in(row: Row) -> list[str]:
    return SPAN.findall(row.cells[3])


def has_value(place: str) -> bool:
    return bool(SETTING.fullmatch(place) or place.endswith(")"))


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"line {row.line}")
def test_row_has_the_form(row: Row) -> None:
    assert len(row.cells) == len(COLUMNS)
    assert VERDICT.match(row.cells[4])
    assert bool(row.places) == (row.cells[2] != "–")
    assert len(list(filter(has_value, row.places))) == len(values_in(row))
    for place in row.places:
        assert SETTING.fullmatch(place) or NAME.fullmatch(place) or COMMAND.fullmatch(place), place


@pytest.mark.parametrize(("line", "place", "value"), valued(), ids=lambda value: str(value))
def test_value_is_that_of_the_code(line: int, place: str, value: str) -> None:
    for found in values_of(place):
        assert found == read(value), f"{PAGE.name}:{line}: {place}"


def test_names_are_public() -> None:
    names = [found["name"] for row in rows() for place in row.places if (found := NAME.fullmatch(place))]
    assert names
    assert [name for name in names if name not in PUBLIC and name.rpartition(".")[0] not in PUBLIC] == []
    for name in names:
        pkgutil.resolve_name(f"cellseg_monai.{name}")


def test_commands_have_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    commands = [found for row in rows() for place in row.places if (found := COMMAND.fullmatch(place))]
    assert commands
    for command in commands:
        with pytest.raises(SystemExit, match=r"^0$"):
            main([*command["verbs"].split(), "--help"])
        help_text = capsys.readouterr().out
        assert [
            option for option in command["options"].split() if not re.search(rf"{option}(?![\w-])", help_text)
        ] == [], command[0]


def values_of(place: str) -> list[Any]:
    """Value of a setting in each of its bundles, or default of an argument."""
    if setting := SETTING.fullmatch(place):
        return [
            configuration(bundle, setting["config"])[setting["id"]]
            for bundle in setting["bundles"].split(", ")
        ]
    name = NAME.fullmatch(place)
    assert name
    arguments = inspect.signature(pkgutil.resolve_name(f"cellseg_monai.{name['name']}")).parameters
    return [json.loads(json.dumps(arguments[name["argument"]].default))]


@cache
def configuration(bundle: str, name: str) -> ConfigParser:
    """A configuration on top of those that it needs."""
    folder = REPOSITORY / "bundles" / bundle / "configs"
    parser = ConfigParser()
    parser.read_config([folder / f"{layer}.json" for layer in LAYERS[name]])
    return parser


def read(value: str) -> Any:
    """A number, list, truth value or null as JSON; otherwise text."""
    try:
        return json.loads(value)
    except ValueError:
        return value
