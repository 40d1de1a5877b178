"""What a verb of ``cellseg`` is: a name, a help text, arguments, and the function that it calls."""

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

Argument = tuple[tuple[str, ...], dict[str, Any]]
"""Names and settings of an argument, as ``ArgumentParser.add_argument`` takes them."""


class Verb(NamedTuple):
    """Verb of the command line.

    An option that is left out is not passed on, so the defaults are those of the function.

    Attributes:
        name: word on the command line.
        help: one line for ``--help``.
        run: function to call with the arguments by name. It returns an exit code, or a result to print.
        arguments: arguments of the verb.
    """

    name: str
    help: str
    run: Callable[..., Any]
    arguments: Sequence[Argument] = ()


class Group(NamedTuple):
    """Verbs under one word, such as those of ``cellseg data``."""

    name: str
    help: str
    verbs: Sequence[Verb]


def argument(*names: str, **settings: Any) -> Argument:
    """Describe an argument; the parameters are those of ``ArgumentParser.add_argument``."""
    return names, settings


def call(target: str) -> Callable[..., Any]:
    """Return a function that imports another one only when it is called.

    Args:
        target: function below ``cellseg_monai``, such as ``jobs.measure``.
    """
    module, _, name = target.rpartition(".")

    def run(**options: Any) -> Any:
        return getattr(import_module(f"cellseg_monai.{module}"), name)(**options)

    run.__name__ = target
    return run


def add_verbs(parser: argparse.ArgumentParser, verbs: Sequence[Verb | Group]) -> None:
    """Add verbs, and groups of them, to a parser."""
    parsers = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    for verb in verbs:
        description = f"{verb.help[0].upper()}{verb.help[1:]}."
        own = parsers.add_parser(
            verb.name, help=verb.help, description=description, argument_default=argparse.SUPPRESS
        )
        if isinstance(verb, Group):
            add_verbs(own, verb.verbs)
            continue
        for names, settings in verb.arguments:
            own.add_argument(*names, **settings)
        own.set_defaults(run=verb.run)


def exit_code(result: Any) -> int:
    """Print the result of a verb, and return 1 if it contains failures.

    Example:
        >>> exit_code(["a.json", "b.json"])
        a.json
        b.json
        0
        >>> exit_code(1)
        1
    """
    if isinstance(result, int):
        return result
    for line in result if isinstance(result, list) else [result]:
        print(line)
    return int(getattr(result, "failed", False) or len(getattr(result, "failures", ())) > 0)
