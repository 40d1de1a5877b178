"""JSON as a person writes it."""

import json

import pytest

from cellseg_monai.outputs.json_text import json_text


@pytest.mark.parametrize("length", [3, 30], ids=["one line", "several lines"])
def test_keys_that_are_numbers_are_text(length: int) -> None:
    channels = {number: f"value {number}" for number in range(length)}
    assert json.loads(json_text(channels)) == {str(number): text for number, text in channels.items()}
