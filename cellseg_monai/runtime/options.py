"""Options of ``python -m monai.bundle run``: a mistyped one is refused."""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import monai.bundle
from fire.parser import DefaultParseValue
from monai.bundle import ConfigParser, ConfigWorkflow

from cellseg_monai.runtime.errors import runs_monais_command
from cellseg_monai.runtime.literals import literal, literal_options
from cellseg_monai.runtime.overrides import override

_MONAIS_OWN = {
    name
    for function in (monai.bundle.run, monai.bundle.create_workflow, ConfigWorkflow.__init__)
    for name in inspect.signature(function).parameters
}
"""Options of the command itself."""


def check_options(arguments: Sequence[str] | None = None) -> None:
    """Refuse an option of ``python -m monai.bundle run`` that the configuration does not have.

    MONAI adds an unknown ``--max_epoch 5`` to the configuration in silence, where it has no effect.

    Args:
        arguments: of the command; by default those of this process, if it is that command.

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
        arguments = _typed()
    if not arguments or arguments[0] != "run":
        return
    typed = dict(_options(arguments[1:]))
    options = {name: DefaultParseValue(value) for name, value in typed.items()}
    if "args_file" in options:
        options = ConfigParser.load_config_file(str(options["args_file"])) | options
    config = ConfigParser.load_config_files(options.get("config_file", {}))
    given = {name: value for name, value in options.items() if name not in _MONAIS_OWN}
    require_ids(config, given, "command line")
    for name, value in given.items():
        _require_choice(config, name, value)
    for name in given.keys() & typed.keys():
        if isinstance(given[name], str) and literal_options(typed)[name] != typed[name]:
            raise ValueError(
                f"command line: {name} is {typed[name]!r}, in which MONAI takes '#' for a separator of ids; "
                f'write --{name} "{literal(typed[name])}"'
            )


def typed_ids() -> list[str]:
    """Ids that were typed on the command line of ``python -m monai.bundle``, with those of its own options.

    Example:
        >>> typed_ids()
        []
    """
    return [name for name, _ in _options(_typed())]


def _typed() -> Sequence[str]:
    return sys.argv[1:] if runs_monais_command() else []


def require_ids(config: dict[str, Any], options: Mapping[str, Any], where: str) -> None:
    """Refuse options that a configuration does not have; arguments of its components may be new.

    So is text for a yes or no: ``--tta false`` is the word "false" to MONAI, which counts as true.

    Args:
        config: the configuration.
        options: by id.
        where: they come from, for messages.

    Raises:
        ValueError: an id is not in the configuration, or text stands for a yes or no.

    Example:
        >>> require_ids({"loss": {"_target_": "DiceLoss"}}, {"loss#sigmoid": True}, "command line")
        >>> require_ids({"tta": False}, {"tta": "false"}, "command line")
        Traceback (most recent call last):
        ...
        ValueError: command line: tta is True or False, not the text 'false'
    """
    override(config, options, where, [name for name in options if _is_keyword(config, name)])
    parser = ConfigParser(config)
    for name, value in options.items():
        is_text = isinstance(value, str) and not value.startswith(("$", "@", "%"))
        if is_text and isinstance(parser.get(name), bool):
            raise ValueError(f"{where}: {name} is True or False, not the text {value!r}")


def _require_choice(config: dict[str, Any], name: str, value: Any) -> None:
    """Raise if an option picks a part that is not there, such as ``@losses#dice_ce`` without the choices."""
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
    raise ValueError(f"command line: {name} picks {value}, which is not there; {remedy}")


def _options(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Names and values as they are typed, before Fire, which MONAI uses, reads them."""
    for place, argument in enumerate(arguments):
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            following = arguments[place + 1] if place + 1 < len(arguments) else "True"
            yield name, value if equals else following


def _is_keyword(config: dict[str, Any], name: str) -> bool:
    """Whether it names an argument of a component; a wrong one is refused when the component is made."""
    parent = ConfigParser(config).get(name.rpartition("#")[0] or name)
    return "#" in name and isinstance(parent, dict) and "_target_" in parent
