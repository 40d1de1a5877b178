"""Checks of parameter values, so that MONAI does not evaluate them.

MONAI Label puts the parameters of a request into the configuration of a bundle. There MONAI evaluates text
that begins with ``$``, follows a reference after ``@`` and opens a file after ``%``. So a request may set
only the parameters that the server lists in ``/info/``, to values of the same type, and a few that MONAI
Label always accepts.
"""

import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException, Request
from monailabel.interfaces.utils.app import app_instance

from guarded.names import NOT_FOUND, UNPROCESSABLE

EVALUATED = ("$", "@", "%")
"""First characters of the text that MONAI evaluates."""


@dataclass(frozen=True)
class Kind:
    """Requirement for the value of a parameter.

    Args:
        demand: requirement in words, for an error message after the name of the parameter.
        fits: function that returns whether a value meets the requirement.
    """

    demand: str
    fits: Callable[[Any], bool]


def one_of(choices: list[Any]) -> Kind:
    """One of the choices, or a list of choices in any order, as viewers send it."""

    def fits(value: Any) -> bool:
        parts = value if isinstance(value, list) and value else [value]
        return all(any(same(part, choice) for choice in choices) for part in parts)

    return Kind(f"must be one of {', '.join(str(choice) or 'nothing' for choice in choices)}", fits)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same type: True is not 1."""
    return type(one) is type(other) and bool(one == other)


def written_as(pattern: str, demand: str) -> Kind:
    """Text that matches a pattern."""
    return Kind(demand, lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value)))


FLAG = Kind("must be true or false", lambda value: isinstance(value, bool))
WHOLE = Kind("must be a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool))
NUMBER = Kind(
    "must be a number",
    lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value),
)
TEXT = Kind("must be text", lambda value: isinstance(value, str))
NESTED = Kind("must be an object of parameters", lambda value: True)
GPUS = written_as(r"all|\d+(,\d+)*", "must be all, or numbers separated by commas")

EVERYWHERE = {"client_id": TEXT}
RESOURCES = {"max_workers": WHOLE, "multi_gpu": FLAG, "gpus": GPUS}
ANSWER = {
    "result_extension": written_as(r"(\.\w+)+", "must be a suffix such as .tif"),
    "result_dtype": written_as(r"\w+", "must be a type such as uint16"),
    "result_compress": FLAG,
    "save_label": FLAG,
    "label_tag": written_as(r"[\w-]+", "must be the name of a tag"),
    "logging": one_of(["DEBUG", "INFO", "WARNING", "ERROR", "debug", "info", "warning", "error"]),
}


@dataclass(frozen=True)
class Verb:
    """Task of a request.

    Args:
        section: section of ``/info/`` that lists the models or methods for the task, and their parameters.
        noun: word for such a model or method in error messages.
        more: parameters that ``/info/`` does not list.
    """

    section: str
    noun: str
    more: Mapping[str, Kind]


INFER = Verb("models", "model", {**EVERYWHERE, **ANSWER})
BATCH = Verb("models", "model", {**EVERYWHERE, **ANSWER, **RESOURCES, "max_batch_size": WHOLE})
TRAIN = Verb("trainers", "model", {**EVERYWHERE, "tracking_run_name": TEXT})
SCORE = Verb(
    "scoring", "scoring method", {**EVERYWHERE, **RESOURCES, "max_samples": WHOLE, "simulation_size": WHOLE}
)
CHOOSE = Verb("strategies", "such strategy", EVERYWHERE)


def sound_parameters(verb: Verb) -> Callable[[Request], Awaitable[None]]:
    """Dependency of a route that rejects unknown parameters and values of another kind."""

    async def check(request: Request) -> None:
        if request.method != "POST":
            return
        params = await sent(request)
        able = app_instance().info()[verb.section]
        asked = next(iter(request.path_params.values()), None)
        if asked is None:  # all of them, each with its own parameters
            check_values(params, {**dict.fromkeys(able, NESTED), **EVERYWHERE})
            for name in able:
                check_values(as_mapping(params.get(name)), allowed(verb, able[name].get("config", {})))
        elif asked not in able:
            raise HTTPException(
                NOT_FOUND, f"there is no {verb.noun} {asked!r}; choose one of {', '.join(able)}"
            )
        else:
            check_values(params, allowed(verb, able[asked].get("config", {})))

    return check


async def sent(request: Request) -> Mapping[str, Any]:
    """Parameters of a request: its body, or the field ``params`` of its form."""
    kind = request.headers.get("content-type", "").lower()
    if kind.startswith(("multipart/", "application/x-www-form-urlencoded")):
        fields = (await request.form()).getlist("params")
        if len(fields) > 1 or not all(isinstance(field, str) for field in fields):
            raise HTTPException(UNPROCESSABLE, "params must be one text field with JSON")
        text: Any = fields[0] if fields else ""
    else:
        text = await request.body()
    try:
        return as_mapping(json.loads(text) if text else None)
    except ValueError as fault:
        raise HTTPException(UNPROCESSABLE, f"the parameters are not JSON: {fault}") from fault


def as_mapping(params: Any) -> Mapping[str, Any]:
    """Parameters by name; empty if there are none."""
    if params is None:
        return {}
    if not isinstance(params, dict):
        raise HTTPException(UNPROCESSABLE, f"the parameters must be a JSON object, not {shortened(params)}")
    return params


def allowed(verb: Verb, config: Mapping[str, Any]) -> dict[str, Kind]:
    """Allowed kind of each parameter, from the default values that the server lists."""
    return {**verb.more, **{name: kind_of(name, default) for name, default in config.items()}}


def kind_of(name: str, default: Any) -> Kind:
    """Kind with the type of the default; stricter for a few parameters that are more than a value."""
    if name == "device":
        listed, general = one_of(default), written_as(r"cpu|cuda(:\d+)?", "")
        return Kind(f"{listed.demand}, cpu, cuda", lambda value: listed.fits(value) or general.fits(value))
    if name == "gpus":
        return GPUS
    if name == "run_id":  # selects the part of the configuration to run
        return one_of(["", "run"])
    for types, kind in ((bool, FLAG), (int, WHOLE), (float, NUMBER)):
        if isinstance(default, types):
            return kind
    if isinstance(default, list):
        return one_of(default)
    if isinstance(default, str) and name != "tracking_uri":  # the folder or server that a training writes to
        return TEXT
    return Kind(f"must be {default!r} (a request cannot change it)", lambda value: same(value, default))


def check_values(params: Mapping[str, Any], kinds: Mapping[str, Kind]) -> None:
    """Reject the first parameter that is unknown or not of its kind."""
    for name, value in params.items():
        if name not in kinds:
            raise HTTPException(
                UNPROCESSABLE, f"there is no parameter {name!r}; choose one of {', '.join(sorted(kinds))}"
            )
        if kinds[name] is NESTED:
            continue
        found = evaluated(value)
        if found is not None:
            raise HTTPException(
                UNPROCESSABLE, f"{name} must be a plain value, but MONAI would evaluate {shortened(found)}"
            )
        if not kinds[name].fits(value):
            raise HTTPException(UNPROCESSABLE, f"{name} {kinds[name].demand}, not {shortened(value)}")


def evaluated(value: Any) -> str | None:
    """First text in a value, at any depth, that MONAI would evaluate."""
    if isinstance(value, str):
        return value if value.lstrip().startswith(EVALUATED) else None
    if isinstance(value, dict):
        value = [*value, *value.values()]
    found = (evaluated(part) for part in value) if isinstance(value, list) else ()
    return next((text for text in found if text is not None), None)


def shortened(value: Any, length: int = 60) -> str:
    """Value for an error message, shortened if it is long."""
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}…"
