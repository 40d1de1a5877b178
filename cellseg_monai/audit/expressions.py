"""Expressions of a configuration, compared with a list as a syntax tree of Python; none is evaluated."""

import ast
import builtins
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cellseg_monai.audit.policy import Policy

LONGEST = 4000

GLOBALS = {"monai": "monai", "torch": "torch", "np": "numpy", "numpy": "numpy"}
"""Modules that every expression of MONAI can name."""

_REFERENCES = "__local_refs"
_REFERENCE = re.compile(r"@(?:\w*)(?:::\w*)*")
_HIGHEST_POWER = 16
_JOINS = "torch.distributed.init_process_group"

_SYNTAX = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Store, ast.Attribute, ast.Subscript, ast.Slice,
    ast.Call, ast.keyword, ast.Starred, ast.Lambda, ast.arguments, ast.arg, ast.IfExp, ast.BoolOp, ast.BinOp,
    ast.UnaryOp, ast.Compare, ast.boolop, ast.operator, ast.unaryop, ast.cmpop, ast.List, ast.Tuple, ast.Set,
    ast.Dict, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.comprehension, ast.JoinedStr,
    ast.FormattedValue,
)  # fmt: skip


class Fault(NamedTuple):
    """Part of an expression that is not allowed, and why."""

    what: str
    why: str


def imported(text: str) -> dict[str, str] | None:
    """Names that an import statement defines, with their import paths; None for anything else.

    Example:
        >>> imported("import torch.distributed as dist"), imported("from os import system"), imported("1 + 1")
        ({'dist': 'torch.distributed'}, {'system': 'os.system'}, None)
    """
    node = next(ast.iter_child_nodes(ast.parse(text)), None)
    if isinstance(node, ast.Import):
        return {alias.asname or alias.name: alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        return {alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names}
    return None


def judge_import(text: str, policy: Policy) -> Iterator[Fault]:
    """Judge an import statement: modules of the list, or what an expression may name from them."""
    node = ast.parse(text).body
    if len(node) > 1:
        yield Fault(text, "more than an import statement")
    known = policy.modules | policy.targets | policy.names
    for name, path in (imported(text) or {}).items():
        if path not in (policy.modules if isinstance(node[0], ast.Import) else known):
            yield Fault(path, "this import is not on the list")
        elif GLOBALS.get(name, path) != path or hasattr(builtins, name):
            yield Fault(f"{name} = {path}", "the import gives a known name another meaning")


def judge_expression(text: str, policy: Policy, imports: Mapping[str, str]) -> Iterator[Fault]:
    """Judge an expression, written without the leading dollar sign.

    Args:
        text: expression with references such as ``@network``.
        policy: names that are allowed.
        imports: import paths of the names that the bundle imports.

    Example:
        >>> from cellseg_monai.audit.policy import allowed
        >>> list(judge_expression("round(@patch_size * @scale)", allowed(), {}))
        []
        >>> [str(fault.what) for fault in judge_expression("().__class__", allowed(), {})]
        ['__class__']
    """
    if len(text) > LONGEST:
        yield Fault(text, f"longer than {LONGEST} characters")
        return
    try:  # MONAI replaces references as text, also within quotes, so that is what has to be parsed
        tree = ast.parse(_with_references(text).lstrip(" \t"), mode="eval")
        yield from _Judge(policy, {**GLOBALS, **imports}).judged(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        yield Fault(text, f"cannot be judged ({type(error).__name__})")


def _with_references(text: str) -> str:
    text = text.replace("#", "::")
    for reference in sorted(_REFERENCE.findall(text), key=len, reverse=True):
        text = text.replace(reference, f"{_REFERENCES}['{reference[1:]}']")
    return text


class _Judge:
    def __init__(self, policy: Policy, modules: Mapping[str, str]) -> None:
        self.policy, self.modules = policy, modules
        self.known = policy.targets | policy.names

    def judged(self, tree: ast.AST) -> Iterator[Fault]:
        """Judge a tree; names of lambdas and comprehensions are local wherever they stand."""
        own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        own |= {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        for name in sorted(own):
            if name in self.modules or hasattr(builtins, name) or name.startswith("__"):
                yield Fault(name, "a local name hides a known one")
        self.own = own
        yield from self._visit(tree)

    def _visit(self, node: ast.AST) -> Iterator[Fault]:
        if not isinstance(node, _SYNTAX):
            yield Fault(type(node).__name__, "this syntax is not on the list")
            return
        if (path := self._path(node)) is not None:
            yield from self._name(path)
            return
        yield from self._part(node)
        for child in ast.iter_child_nodes(node):
            if not self._is_checked_type(node, child):
                yield from self._visit(child)

    def _path(self, node: ast.AST) -> str | None:
        """Import path of a chain of attributes that begins with a global name; None for other nodes."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id in self.own or node.id == _REFERENCES:
            return None
        root = self.modules.get(node.id, node.id)
        return ".".join([root, *reversed(parts)])

    def _name(self, path: str) -> Iterator[Fault]:
        """Judge a global name; the longest beginning that is known may be followed by allowed attributes."""
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            if ".".join(parts[:length]) in self.known:
                rest = parts[length:]
                if ".".join(parts[:length]) in self.policy.located:
                    yield Fault(path, "it imports a class by its name, and may only be compared with")
                yield from (fault for name in rest for fault in self._attribute(name))
                return
        yield Fault(path, "this name is not on the list")

    def _attribute(self, name: str) -> Iterator[Fault]:
        if name.startswith("_"):
            yield Fault(name, "private and special attributes are not allowed")
        elif name not in self.policy.attributes:
            yield Fault(name, "this attribute is not on the list")

    def _part(self, node: ast.AST) -> Iterator[Fault]:
        if isinstance(node, ast.Attribute):
            yield from self._attribute(node.attr)
        elif isinstance(node, ast.Call):
            yield from self._call(node)
        elif isinstance(node, ast.keyword) and (node.arg is None or node.arg.startswith("_")):
            yield Fault(node.arg or "**", "arguments must have plain names")
        elif isinstance(node, ast.Dict) and not all(isinstance(key, ast.Constant) for key in node.keys):
            yield Fault(ast.unparse(node), "the keys of a dictionary must be constants")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not _is_small(node.right):
            yield Fault(ast.unparse(node), f"powers above {_HIGHEST_POWER} are not allowed")
        elif isinstance(node, ast.Constant) and "_target_" in str(node.value):
            yield Fault(str(node.value), "a component within an expression is not allowed")
        elif isinstance(node, ast.Subscript) and "imports" in _reference(node):
            yield Fault("@imports", "imported modules are not values")

    def _call(self, node: ast.Call) -> Iterator[Fault]:
        function = node.func
        if not isinstance(function, ast.Name | ast.Attribute):
            yield Fault(ast.unparse(function), "only functions with a name may be called")
        elif isinstance(function, ast.Name) and function.id in self.own:
            yield Fault(function.id, "only functions of the list may be called")
        elif self._path(function) == _JOINS and (len(node.args) > 1 or node.keywords):
            yield Fault(ast.unparse(node), "the processes must find each other by the environment alone")

    def _is_checked_type(self, node: ast.AST, child: ast.AST) -> bool:
        """Whether a class is only compared with: ``isinstance(step, monai.transforms.LoadImaged)``."""
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "isinstance"
            and child in node.args[1:]
            and self._path(child) in self.known
        )


def _reference(node: ast.Subscript) -> list[str]:
    """Parts of the id of a reference."""
    if (
        isinstance(node.value, ast.Name)
        and node.value.id == _REFERENCES
        and isinstance(node.slice, ast.Constant)
    ):
        return str(node.slice.value).split("::")
    return []


def _is_small(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and node.value <= _HIGHEST_POWER
    )
