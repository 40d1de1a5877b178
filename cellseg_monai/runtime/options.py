"""Options of ``python -m monai.bundle run``: typos are rejected."""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import monai.bundle
from fire.parser import DefaultParseValue
from monai.bundle import ConfigParser, ConfigWorkflow

from cellseg_monai.runtime.errors import runs_monais_command
from cellseg_monai.runtime.overrides import is_text, literal, override

_OF_THE_COMMAND = {
    name
    for function in (monai.bundle.run, monai.bundle.create_workflow, ConfigWorkflow.__init__)
    for name in inspect.signature(function).parameters
}
"""Options of the command itself."""


def check_options(arguments: Sequence[str] | None = None) -> None:
    """Raise if the configuration does not have an option of ``python -m monai.bundle run``.

    MONAI adds an unknown ``--max_epoch 5`` to the configuration silently, where it has no effect.

    Args:
        arguments: arguments of the command; by default those of this process, if it is this command.

    Raises:
        ValueError: an id is not in the configuration, or MONAI would change a file name in a value.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "train.json"
        ...     _ = file.write_text('{"max_epochs": 100}')
        ...     check_options(["run", "--config_file", str(file), "--max_epoch", "5"])
        Traceback (most recent call last):
        ...
        ValueError: command line: there is no id 'max_epoch'; did you mean 'max_epochs'? ...
    """
    if arguments is None:
        arguments = _arguments()
    if not arguments or arguments[0] != "run":
        return
    typed = dict(_options(arguments[1:]))
    options = {name: DefaultParseValue(value) for name, value in typed.items()}
    if "args_file" in options:
        options = ConfigParser.load_config_file(str(options["args_file"])) | options
    config = ConfigParser.load_config_files(options.get("config_file", {}))
    given = {name: value for name, value in options.items() if name not in _OF_THE_COMMAND}
    require_ids(config, given, "command line")
    for name, value in given.items():
        _require_choice(config, name, value)
    for name in given.keys() & typed.keys():
        text = typed[name]
        if isinstance(given[name], str) and is_text(text) and literal(text) != text:
            raise ValueError(
                f"command line: {name} is {text!r}, but MONAI reads '#' as a separator of ids; "
                f'write --{name} "{literal(text)}"'
            )


def typed_ids() -> list[str]:
    """Ids on the command line of ``python -m monai.bundle``, including options of the command itself.

    Example:
        >>> typed_ids()
        []
    """
    return [name for name, _ in _options(_arguments())]


def require_ids(config: dict[str, Any], options: Mapping[str, Any], where: str) -> None:
    """Raise if a configuration does not have an option; arguments of its components may be new.

    Text for a truth value or a number is rejected too: MONAI reads ``--tta false`` as the text "false", which
    is true, and ``--scale abc`` would fail in a comparison somewhere.

    Args:
        config: configuration.
        options: values by id.
        where: source of the options, for messages.

    Raises:
        ValueError: an id is not in the configuration, or text is given for a truth value or a number, or
            one value for a list of numbers.

    Example:
        >>> require_ids({"loss": {"_target_": "DiceLoss"}}, {"loss#sigmoid": True}, "command line")
        >>> require_ids({"tta": False}, {"tta": "false"}, "command line")
        Traceback (most recent call last):
        ...
        ValueError: command line: tta must be True or False, not the text 'false'
        >>> require_ids({"scale": "$@settings.scale", "settings": {"scale": 1.0}}, {"scale": "abc"}, "--set")
        Traceback (most recent call last):
        ...
        ValueError: --set: scale must be a number such as 1.0, not 'abc'
    """
    parser = ConfigParser(config)
    override(config, options, where, [name for name in options if _is_argument(parser, name)])
    for name, value in options.items():
        default = parser.get(name)
        if isinstance(default, str) and default.startswith(("$@", "@")):  # what the weights do not say
            default = config.get("settings", {}).get(name)
        if is_text(value) and isinstance(default, bool):
            raise ValueError(f"{where}: {name} must be True or False, not the text {value!r}")
        if is_text(value) and isinstance(default, int | float):
            raise ValueError(f"{where}: {name} must be a number such as {default}, not {value!r}")
        if _are_numbers(default) and (is_text(value) or isinstance(value, int | float)):
            raise ValueError(f"{where}: {name} must be a list such as {default}, not {value!r}")


def _are_numbers(default: Any) -> bool:
    numbers = isinstance(default, list) and all(isinstance(one, int | float) for one in default)
    return numbers and bool(default)


def _require_choice(config: dict[str, Any], name: str, value: Any) -> None:
    """Raise if an option picks a part that does not exist, such as ``@losses#dice_ce`` without choices."""
    if not isinstance(value, str) or not re.fullmatch(r"@\w+(#\w+)*", value):
        return
    parser, path = ConfigParser(config), value.removeprefix("@")
    if path in parser:
        return
    above = path.rpartition("#")[0]
    if above in parser and isinstance(parser[above], dict):
        remedy = f"it must be one of {', '.join(f'@{above}#{choice}' for choice in parser[above])}"
    else:
        remedy = (
            "lay the choices over the configuration: "
            "--config_file \"['configs/train.json','configs/choices.json']\""
        )
    raise ValueError(f"command line: {name} picks {value}, which does not exist; {remedy}")


def _arguments() -> Sequence[str]:
    return sys.argv[1:] if runs_monais_command() else []


def _options(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Names and values as typed, before Fire, which MONAI uses, parses them."""
    for place, argument in enumerate(arguments):
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            following = arguments[place + 1] if place + 1 < len(arguments) else "True"
            yield name, value if equals else following


def _is_argument(parser: ConfigParser, name: str) -> bool:
    """Whether an id is an argument of a component; the component rejects it if it is wrong."""
    parent = parser.get(name.rpartition("#")[0] or name)
    return "#" in name and isinstance(parent, dict) and "_target_" in parent
