"""JSON as a person writes it."""

import json
from typing import Any

_LONGEST = 80
"""Length of the longest list or dictionary on one line."""


def json_text(value: Any) -> str:
    """JSON in which a short list or dictionary without another dictionary stands on one line.

    Example:
        >>> print(json_text({"channels": [16, 32], "network": {"skip": {"kind": "fusion"}}}), end="")
        {
            "channels": [16, 32],
            "network": {
                "skip": {"kind": "fusion"}
            }
        }
    """
    return _text(value, "") + "\n"


def _text(value: Any, indent: str) -> str:
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if not parts or (len(line) <= _LONGEST and all(map(_is_simple, parts))):
        return line
    inner = f"{indent}    "
    names = [f"{json.dumps(str(name))}: " for name in value] if isinstance(value, dict) else [""] * len(parts)
    lines = [f"{inner}{name}{_text(part, inner)}" for name, part in zip(names, parts, strict=True)]
    brackets = "{}" if isinstance(value, dict) else "[]"
    return "\n".join([brackets[0], ",\n".join(lines), f"{indent}{brackets[1]}"])


def _is_simple(part: Any) -> bool:
    """Whether it is a plain value or a list of plain values."""
    values = part if isinstance(part, list) else [part]
    return not any(isinstance(value, dict | list) for value in values)
