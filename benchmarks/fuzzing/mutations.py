"""Changes of valid files: of bytes, of text, and of the values in JSON."""

import json
import struct
from random import Random
from typing import Any

_NUMBERS = (
    0,
    1,
    -1,
    255,
    256,
    65_535,
    1 << 31,
    (1 << 31) - 1,
    -(1 << 31),
    1 << 32,
    (1 << 63) - 1,
    1 << 70,
    0.5,
)
_FLOATS = (float("nan"), float("inf"), float("-inf"), 1e308, -1e308, 5e-324)
_TEXTS = (
    "",
    "\0",
    "../../x",
    "é" * 30,
    "\ud7ff",
    "a" * 5000,
    "1e400",
    "NaN",
    "0x10",
    "٣",
    "²",
    "-",
    "True",
    "#",
    "$",
)
_TOKENS = (
    b"\0",
    b"\xff" * 8,
    b"\x80",
    b"\xef\xbb\xbf",
    b"[" * 40,
    b"{" * 40,
    b"(" * 40,
    b"-" * 40,
    b"\n",
    b",,",
    b'"',
    b"NaN",
    b"Infinity",
    b"1e999",
    b"-0",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"&b;",
    b"%s",
    b"&a *a",
    b"!!python/",
)


def changed_bytes(content: bytes, other: bytes, random: Random) -> bytes:
    """Change one to four places of a file.

    Args:
        content: valid file.
        other: another valid file of the same kind, to take pieces from.
        random: source of chance.
    """
    changed = bytearray(content)
    for _ in range(random.randint(1, 4)):
        _BYTES[random.randrange(len(_BYTES))](changed, other, random)
    return bytes(changed[: 1 << 16])


def _flip(content: bytearray, _: bytes, random: Random) -> None:
    if content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)


def _number(content: bytearray, _: bytes, random: Random) -> None:
    """Write a number, as headers have them, over what is there."""
    order, (code, size) = random.choice("<>"), random.choice([("B", 1), ("H", 2), ("I", 4), ("Q", 8)])
    place, number = random.randrange(len(content) + 1), int(random.choice(_NUMBERS))
    content[place : place + size] = struct.pack(order + code, number % (1 << 8 * size))


def _cut(content: bytearray, _: bytes, random: Random) -> None:
    place = random.randrange(len(content) + 1)
    del content[place : place + random.choice([1, 2, 8, 1 << 16])]


def _token(content: bytearray, _: bytes, random: Random) -> None:
    place = random.randrange(len(content) + 1)
    content[place:place] = random.choice(_TOKENS)


def _repeat(content: bytearray, _: bytes, random: Random) -> None:
    place, length = random.randrange(len(content) + 1), random.choice([1, 4, 16, 64])
    content[place:place] = content[place : place + length] * random.choice([1, 2, 20])


def _piece(content: bytearray, other: bytes, random: Random) -> None:
    place, start = random.randrange(len(content) + 1), random.randrange(len(other) + 1)
    content[place : place + 16] = other[start : start + 16]


_BYTES = (_flip, _flip, _number, _cut, _token, _repeat, _piece)


def changed_json(content: bytes, other: bytes, random: Random) -> bytes:
    """Change the values of a JSON file, or sometimes its bytes."""
    if random.random() < 0.25:
        return changed_bytes(content, other, random)
    tree = [json.loads(content)]
    for _ in range(random.randint(1, 3)):
        _change(tree, random)
    return json.dumps(tree[0]).encode()


def _change(tree: list[Any], random: Random) -> None:
    """Change one value, at a place that is found by walking down at random."""
    parent: Any = tree
    key: Any = 0
    while isinstance(parent[key], list | dict) and parent[key] and random.random() < 0.8:
        parent = parent[key]
        key = random.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
    action = random.random()
    if action < 0.15 and parent is not tree:
        del parent[key]
    elif action < 0.25:
        parent[key] = [parent[key]] * random.choice([0, 1, 2, 300])
    elif action < 0.3 and isinstance(parent, dict):
        parent[random.choice(list(parent))] = parent[key]
    else:
        parent[key] = _value(random)


def _value(random: Random) -> Any:
    return random.choice(
        [
            None,
            True,
            [],
            {},
            [[]],
            {"": 0},
            random.choice(_NUMBERS),
            random.choice(_FLOATS),
            random.choice(_TEXTS),
        ]
    )
