"""Overrides do what MONAI's command line does, except on ids that are not there."""

from copy import deepcopy
from typing import Any

import pytest
from monai.bundle import ConfigParser

from cellseg_monai.runtime.overrides import override

CONFIG: dict[str, Any] = {
    "rate": 0.1,
    "train": {"trainer": {"max_epochs": 9}, "handlers": [{"interval": 1}, {"interval": 2}]},
}


@pytest.mark.parametrize(
    ("overrides", "place", "value"),
    [
        ({"rate": 0.2}, "rate", 0.2),
        ({"train#trainer#max_epochs": 5}, "train#trainer#max_epochs", 5),
        ({"train::trainer::max_epochs": 5}, "train#trainer#max_epochs", 5),
        ({"train#handlers#1#interval": 7}, "train#handlers", [{"interval": 1}, {"interval": 7}]),
        ({"train#handlers#0": "x"}, "train#handlers", ["x", {"interval": 2}]),
        ({"train#handlers": []}, "train#handlers", []),
        ({"+train#handlers": ["x"]}, "train#handlers#2", "x"),
        ({"+train#trainer": {"amp": True}}, "train#trainer", {"max_epochs": 9, "amp": True}),
        ({"+train#trainer": {"amp": True}, "train#trainer#amp": False}, "train#trainer#amp", False),
    ],
    ids=["top", "nested", "colons", "in list", "list entry", "list", "append", "add", "in order"],
)
def test_override_by_id(overrides: dict[str, Any], place: str, value: Any) -> None:
    before = deepcopy(CONFIG)
    assert ConfigParser(override(CONFIG, overrides, "here"))[place] == value
    assert before == CONFIG


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "train#trainer#max_epoch",
            "no id 'train#trainer#max_epoch'; did you mean 'train#trainer#max_epochs'",
        ),
        ("max_epochs", "no id 'max_epochs'; did you mean 'train#trainer#max_epochs'"),
        ("train#handlers#2", "no id 'train#handlers#2'"),
        ("train#handlers#first", "no id 'train#handlers#first'"),
        ("rate#low", "no id 'rate#low'"),
        ("+trian", r"no id 'trian'; did you mean 'train'\?"),
        ("banana", r"no id 'banana'. To add"),
    ],
    ids=[
        "typing error",
        "prefix missing",
        "beyond list",
        "name in list",
        "below a number",
        "added",
        "nothing alike",
    ],
)
def test_unknown_id(path: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^file, section train: there is {message}"):
        override(CONFIG, {path: 1}, "file, section train")


def test_new_ids_only_at_the_top() -> None:
    assert override(CONFIG, {"rank": 1}, "here", {"rank"})["rank"] == 1
    with pytest.raises(ValueError, match="no id 'train#rank'"):
        override(CONFIG, {"train#rank": 1}, "here", {"rank"})


def test_add_to_another_kind() -> None:
    with pytest.raises(
        ValueError, match=r"here: '\+train#handlers' adds a dict to a list; give another list"
    ):
        override(CONFIG, {"+train#handlers": {"a": 1}}, "here")


def test_result_shares_nothing_with_the_overrides() -> None:
    value = {"interval": 3}
    changed = override(CONFIG, {"train#handlers#0": value, "train#handlers#1": value}, "here")
    changed["train"]["handlers"][0]["interval"] = 4
    assert changed["train"]["handlers"][1] == value == {"interval": 3}
