"""What a verb of ``cellseg`` is: a name, a help text, arguments, and the function that it calls."""

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from cellseg_monai.cli.examples import EXAMPLES

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
        json: whether it prints JSON with ``--json``.
    """

    name: str
    help: str
    run: Callable[..., Any]
    arguments: Sequence[Argument] = ()
    json: bool = False


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


def add_verbs(parser: argparse.ArgumentParser, verbs: Sequence[Verb | Group], **settings: Any) -> None:
    """Add verbs, and groups of them, to a parser.

    Args:
        parser: parser of ``cellseg``, or of a group.
        verbs: verbs to add.
        settings: further settings of ``ArgumentParser.add_subparsers``.
    """
    parsers = parser.add_subparsers(title="verbs", required=True, metavar="VERB", **settings)
    for verb in verbs:
        own = parsers.add_parser(
            verb.name,
            help=verb.help,
            description=f"{verb.help[0].upper()}{verb.help[1:]}.",
            argument_default=argparse.SUPPRESS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if isinstance(verb, Group):
            add_verbs(own, verb.verbs)
            continue
        for names, given in verb.arguments:
            own.add_argument(*names, **given)
        if verb.json:
            own.add_argument("--json", action="store_true", help="print JSON, for programs")
        own.add_argument("--debug", action="store_true", help="show the traceback of an error")
        own.epilog = "\n  ".join(["examples:", *EXAMPLES[own.prog.partition(" ")[2]]])
        own.set_defaults(run=verb.run)
