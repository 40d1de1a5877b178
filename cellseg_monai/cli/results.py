"""What a verb prints when it is done: lines for people, or JSON for programs, and the exit code."""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """Result of a verb whose text, exit code and JSON come from different places.

    Attributes:
        text: lines to print.
        facts: content of the JSON.
        failed: whether the exit code is 1.
    """

    text: str
    facts: Any
    failed: bool = False


def exit_code(result: Any, as_json: bool = False) -> int:
    """Print the result of a verb, and return 1 if it contains failures.

    Args:
        result: exit code, or a result to print: an outcome, a list of lines, or any object with a text.
        as_json: whether to print JSON instead of the text.

    Example:
        >>> exit_code(["a.json", "b.json"])
        a.json
        b.json
        0
        >>> exit_code(Outcome("2 cells", {"cells": 2}), as_json=True)
        {
          "cells": 2
        }
        0
        >>> exit_code(1)
        1
    """
    if isinstance(result, int):
        return result
    if as_json:
        print(_json(result))
    else:
        for line in result if isinstance(result, list) else [_text(result)]:
            print(line)
    return int(getattr(result, "failed", False) or len(getattr(result, "failures", ())) > 0)


def _text(result: Any) -> str:
    return result.text if isinstance(result, Outcome) else str(result)


def _json(result: Any) -> str:
    for own in ("to_json", "as_json"):
        if hasattr(result, own):
            return str(getattr(result, own)())
    content = result.facts if isinstance(result, Outcome) else result
    return json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """Return a value as JSON has it; NaN becomes null, and what JSON does not have becomes text.

    Example:
        >>> from pathlib import Path
        >>> plain(Outcome("one", {Path("a.tif"): (1, math.nan)}))
        {'text': 'one', 'facts': {'a.tif': [1, None]}, 'failed': False}
    """
    if hasattr(value, "_asdict"):
        value = value._asdict()
    elif hasattr(value, "__dataclass_fields__"):
        value = {name: getattr(value, name) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
