"""``logging.conf``: Python's logging evaluates the classes and arguments in it."""

import ast
import configparser
from collections.abc import Iterator

from cellseg_monai.audit.expressions import Fault

_HANDLERS = ("StreamHandler", "NullHandler", "logging.StreamHandler", "logging.NullHandler")
_FORMATTERS = ("logging.Formatter", "Formatter")
_STREAMS = ("sys.stdout", "sys.stderr")


def judge_logging(text: str) -> Iterator[tuple[str, Fault]]:
    r"""Judge a configuration of Python's logging.

    Yields:
        Place and fault.

    Example:
        >>> text = "[handler_a]\nclass=StreamHandler\nargs=(__import__('os').system('ls'),)"
        >>> [(place, fault.why) for place, fault in judge_logging(text)]
        [('handler_a', 'only constants, sys.stdout and sys.stderr are allowed')]
    """
    parser = configparser.ConfigParser()
    try:
        parser.read_string(text)
        sections = {name: dict(parser[name]) for name in parser.sections() if name.startswith("handler_")}
    except (configparser.Error, ValueError) as error:
        yield "", Fault(type(error).__name__, "it cannot be read")
        return
    for name, section in sections.items():
        kind = section.get("class", "")
        if kind not in _HANDLERS:
            yield name, Fault(f"class={kind}", "handlers may only write to the console")
        for key in ("args", "kwargs"):
            if key in section and not _is_plain(section[key]):
                yield (
                    name,
                    Fault(f"{key}={section[key]}", "only constants, sys.stdout and sys.stderr are allowed"),
                )
    for name in parser.sections():
        kind = parser.get(name, "class", raw=True, fallback="")
        if not name.startswith("handler_") and kind and kind not in _FORMATTERS:
            yield name, Fault(f"class={kind}", "only Python's own formatter is allowed")


def _is_plain(text: str) -> bool:
    try:
        return _plain_node(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _plain_node(node: ast.AST) -> bool:
    if isinstance(node, ast.Tuple | ast.List):
        return all(map(_plain_node, node.elts))
    if isinstance(node, ast.Dict):
        return all(key is not None and _plain_node(key) for key in node.keys) and all(
            map(_plain_node, node.values)
        )
    return isinstance(node, ast.Constant) or ast.unparse(node) in _STREAMS
