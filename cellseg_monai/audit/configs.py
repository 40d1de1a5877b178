"""Configurations: every component, expression, macro and import in plain data, judged by a policy."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from cellseg_monai.audit.expressions import Fault, imported, judge_expression, judge_import
from cellseg_monai.audit.policy import Policy

TARGET, MODE = "_target_", "_mode_"
MOST_PARTS = 500_000

_SEPARATOR = re.compile("#|::")
_CLASS_BY_NAME = ("reader", "writer")
_UNSAFE = {"allow_pickle": True, "weights_only": False, "trust_remote_code": True, "_debug_": True}
_WRITTEN = re.compile(r"(out(put)?|ckpt|save|log|cache)_?(dir|path|file|name)|filename", re.IGNORECASE)
_CLIMBS = re.compile(r"[\\/]|[A-Za-z]:[\\/]|~|(.*[\\/])?\.\.([\\/]|$)")
_SHAPE = re.compile(r"[0-9pn*+() -]+|any")
_FILE = re.compile(r"(.*\.(?:json|yaml|yml))(?=(?:::.*)|$)", re.IGNORECASE)
_READERS = frozenset(
    "itkreader nibabelreader numpyreader pilreader pydicomreader nrrdreader itkwriter nibabelwriter pilwriter"
    .split()
)  # fmt: skip

Place = tuple[str, ...]


def parts_of(content: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """All parts of a configuration with their places; ids such as ``a#b`` count as two levels.

    Raises:
        ValueError: there are too many parts, as aliases of YAML can make.

    Example:
        >>> list(parts_of({"train#loss": [1]}))[-1]
        (('train', 'loss', '0'), 1)
    """
    stack, count = [(place, content)], 0
    while stack:
        where, part = stack.pop()
        count += 1
        if count > MOST_PARTS:
            raise ValueError(f"more than {MOST_PARTS} parts")
        yield where, part
        if isinstance(part, Mapping):
            stack += [((*where, *_levels(key)), value) for key, value in part.items()]
        elif isinstance(part, list):
            stack += [((*where, str(index)), value) for index, value in enumerate(part)]


def imports_of(content: Any) -> Iterator[tuple[str, str]]:
    """Names that a configuration imports, with their paths."""
    for _, part in parts_of(content):
        if isinstance(part, str) and part.startswith("$") and "import" in part:
            try:
                yield from (imported(part[1:]) or {}).items()
            except (SyntaxError, ValueError):  # told when it is judged
                continue


def judge_config(
    content: Any, policy: Policy, imports: Mapping[str, str], files: Collection[str]
) -> Iterator[tuple[str, Fault]]:
    """Judge a configuration.

    Args:
        content: plain data.
        policy: names that are allowed.
        imports: names that the configurations of the bundle import, with their paths.
        files: files of the bundle, which macros may name.

    Yields:
        Place and fault.

    Example:
        >>> from cellseg_monai.audit.policy import allowed
        >>> for place, fault in judge_config({"loss#_target_": "os.system"}, allowed(), {}, ()):
        ...     print(place, fault.what)
        loss#_target_ os.system
    """
    for place, part in parts_of(content):
        name = place[-1] if place else ""
        faults: list[Fault] = []
        if name == TARGET:
            faults += _target(part, policy)
        elif name == MODE and part not in ("default", "callable"):
            faults.append(Fault(str(part), "the mode must be default or callable"))
        elif name in _UNSAFE and (part == _UNSAFE[name] or isinstance(part, str)):
            faults.append(Fault(f"{name}: {part}", "this switches off a protection"))
        elif name in _CLASS_BY_NAME:
            faults += _class_by_name(part, policy)
        if isinstance(part, Mapping):
            faults += _component(part, policy)
        elif isinstance(part, str):
            faults += _text(place, part, policy, imports, files)
        yield from (("#".join(place), fault) for fault in faults)


def _levels(key: Any) -> list[str]:
    return _SEPARATOR.split(str(key).removeprefix("+"))


def _target(target: Any, policy: Policy) -> Iterator[Fault]:
    if not isinstance(target, str):
        yield Fault(str(target), "the target must be a name")
    elif target not in policy.targets and target not in policy.bare:
        why = "this target is not on the list"
        if target[:1] in ("$", "@", "%"):
            why = "a target that is computed cannot be judged"
        elif not target.isascii():
            why = "the target has letters that only look like others"
        yield Fault(target, why)


def _component(part: Mapping[Any, Any], policy: Policy) -> Iterator[Fault]:
    """Judge the mode: what imports a class by a text must not be passed on as a function.

    A part of a component in an overlay joins another part that is not seen here.
    """
    why = "it imports a class by its name, and must not be passed on as a function"
    if _is_located(part.get(TARGET), policy) and part.get(MODE, "default") != "default":
        yield Fault(str(part[TARGET]), why)
    if TARGET not in part and part.get(MODE, "default") != "default":
        yield Fault(f"{MODE}: {part[MODE]}", "a mode without its target")
    for key, value in part.items():
        *above, last = _levels(key)
        if above and last == MODE and value != "default":
            yield Fault(f"{key}: {value}", "a mode without its target")
        target = value.get(TARGET) if str(key).startswith("+") and isinstance(value, Mapping) else value
        if ((above and last == TARGET) or str(key).startswith("+")) and _is_located(target, policy):
            yield Fault(f"{key}: {target}", why)


def _is_located(target: Any, policy: Policy) -> bool:
    return isinstance(target, str) and target in policy.located


def _class_by_name(value: Any, policy: Policy) -> Iterator[Fault]:
    """MONAI imports the class of a reader or writer by a text."""
    for name in value if isinstance(value, list) else [value]:
        known = not isinstance(name, str) or name.lower() in _READERS or name in policy.targets
        if isinstance(name, str) and name.startswith("$"):
            known = name[1:] in policy.targets
        if not known:
            yield Fault(name, "this reader or writer is not on the list")


def _text(
    place: Place, text: str, policy: Policy, imports: Mapping[str, str], files: Collection[str]
) -> Iterator[Fault]:
    plain = text.replace("#", "::")
    if text.startswith("$"):
        yield from _expression(place, text[1:], policy, imports)
    elif "spatial_shape" in place and not _SHAPE.fullmatch(text):
        yield Fault(text, "MONAI evaluates this text; it must be a number with p, n and *")
    elif text.startswith("@") and "imports" in text[1:].replace("#", "::").split("::"):
        yield Fault(text, "imported modules are not values")
    elif text.startswith("%"):
        yield from _macro(plain[1:], text, files)
    elif _WRITTEN.search(place[-1] if place else "") and _CLIMBS.match(text):
        yield Fault(text, "a file would be written outside of the bundle")
    if ("@::" in plain or "%::" in plain) and not all(re.fullmatch(r"\w+", level) for level in place):
        yield Fault(text, "a relative reference below an unusual id, whose text MONAI would put into it")


def _expression(place: Place, text: str, policy: Policy, imports: Mapping[str, str]) -> Iterator[Fault]:
    try:
        is_import = imported(text) is not None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        is_import = False  # references are no Python
    if not is_import:
        yield from judge_expression(text, policy, imports)
        return
    yield from judge_import(text, policy)
    if "imports" not in place[:2]:
        yield Fault(text, "imports belong under the id imports")


def _macro(macro: str, text: str, files: Collection[str]) -> Iterator[Fault]:
    if not macro.isprintable():
        yield Fault(text, "a macro with an invisible character")
    elif (found := _FILE.match(macro)) is not None:
        path = PurePosixPath(found[1].removeprefix("./"))
        if path.is_absolute() or ".." in path.parts or str(path) not in files:
            yield Fault(text, "a macro that reads a file outside of the bundle")
    elif macro.strip(":") in ("", "imports") or "imports" in macro.split("::"):
        yield Fault(text, "a macro that copies everything, or an import, cannot be judged")
