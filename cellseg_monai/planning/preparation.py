"""What a training will do: facts about the images, trials of models, and the plan that follows from both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cellseg_monai.bundling.render import base_of
from cellseg_monai.bundling.sources import load_source
from cellseg_monai.data.datalist import Item
from cellseg_monai.outputs.counting import counted
from cellseg_monai.planning.facts import READING, Fingerprint, fingerprint
from cellseg_monai.planning.plan import Choice, Plan, Section, plan_training
from cellseg_monai.planning.starts import Trial, try_models
from cellseg_monai.runtime import find_bundle

FROM_SCRATCH = "patch_attention_unet"
"""Bundle whose network and training are used with random weights."""

RANDOM = "none"
"""Name that asks for random weights."""

_GOOD_START, _HALF_TIME = 0.65, 12.0

MINUTES = 30.0
"""Duration of a training if none is given."""

_SHARE_FOR_TRIALS, _SECONDS_FOR_TRIALS = 0.05, 8.0
_SHOWN = 4


@dataclass(frozen=True)
class Preparation:
    """A planned training.

    Attributes:
        facts: facts about the images.
        trials: models that were tried, the best first.
        start: model and scale to start from; None for random weights.
        plan: choices with their reasons.

    Example:
        >>> from cellseg_monai.planning import Fingerprint, plan_training
        >>> facts = Fingerprint(
        ...     images=9, groups=9, width=(900, 900), height=(900, 900), channels=3, masks="cells",
        ...     classes=(), cells=90, lengths=(20.0, 30.0, 40.0), touching=0.1, foreground=0.1, thin=False,
        ... )
        >>> Preparation(facts, [], None, plan_training(facts)).source.name
        'patch_attention_unet'
    """

    facts: Fingerprint
    trials: Sequence[Trial]
    start: Trial | None
    plan: Plan

    @property
    def source(self) -> Path:
        """Bundle whose network and training are used."""
        return find_bundle(FROM_SCRATCH) if self.start is None else self.start.model

    def __str__(self) -> str:
        tried = [f"  {trial}" for trial in self.trials]
        shown = ["models tried without training:", *tried[:_SHOWN]] if tried else []
        return "\n".join([str(self.facts), *shown, str(self.plan)])


def prepare(
    items: Sequence[Item],
    start: str | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    minutes: float = MINUTES,
    seconds: float | None = None,
) -> Preparation:
    """Look at labelled images and plan a training.

    Args:
        items: labelled images.
        start: name or folder of the bundle to start from, or ``"none"`` for random weights; by default the
            images decide.
        options: values by id that override the plan.
        minutes: duration of the whole training.
        seconds: time for the trials of models; by default a small part of the duration.

    Raises:
        ValueError: the images cannot be trained on, or not from this start.

    Example:
        >>> from tempfile import mkdtemp
        >>> from cellseg_monai.data import list_items, write_synthetic_dataset
        >>> folder = write_synthetic_dataset("nuclei", f"{mkdtemp()}/set", count=2, size=(96, 128))
        >>> print(prepare(list_items(folder), "none", {"scale": 0.5}).plan.choices[-1])
        your option: scale=0.5
            given by you
    """
    if seconds is None:
        seconds = max(_SECONDS_FOR_TRIALS, 60 * minutes * _SHARE_FOR_TRIALS)
    reading = {name: value for name, value in (options or {}).items() if name in READING}
    facts = fingerprint(items, reading)
    scratch = plan_training(facts)
    scale = scratch.options("shared")["settings#scale"]
    tried: dict[str, Any] = {"channels": facts.channels, "stains": facts.stains, "seconds": seconds}
    tried |= {"reading": reading}
    trials: Sequence[Trial] = ()
    if start not in (None, RANDOM):
        trials = try_models(items, facts.masks, scale, models=[find_bundle(str(start))], **tried)
        if not trials:
            why = f"it has no weights for images of {counted(facts.channels, 'channel')}"
            why = why if facts.masks != "classes" else "it was not trained for classes"
            raise ValueError(f"{start} cannot be the start: {why}; choose another bundle, or none")
    elif start is None and facts.masks == "cells":
        trials = try_models(items, facts.masks, scale, **tried)
    chosen = next(iter(trials), None)
    if chosen is None or (start is None and chosen.score < good_start(minutes)):
        chosen, plan = None, scratch
        plan = _with_start(
            plan, f"random weights, network of {FROM_SCRATCH}", _why_random(facts, trials, start)
        )
    else:
        reason = f"without training it has a score of {chosen.score:.3f} on a few crops of these images"
        plan = plan_training(facts, from_weights=True)
        plan = _with_start(plan, f"weights of {chosen.model.name} at scale {chosen.scale:g}", reason)
    plan = Plan((*plan.choices, _time(minutes)))
    found = Preparation(facts, trials, chosen, plan)
    return replace(found, plan=_overruled(found, options or {}))


def good_start(minutes: float) -> float:
    """Score of a model without training from which on its weights are a better start than random ones.

    Random weights need time; with enough of it they are better than a poor start.

    Args:
        minutes: duration of the whole training.

    Example:
        >>> [round(good_start(minutes), 2) for minutes in (2, 8, 20, 60)]
        [0.14, 0.4, 0.62, 0.65]
    """
    return min(_GOOD_START, minutes / (minutes + _HALF_TIME))


def _why_random(facts: Fingerprint, trials: Sequence[Trial], start: str | None) -> str:
    if start == RANDOM:
        return "as asked"
    if not trials:
        if facts.channels not in (1, 3):
            return f"no model of the package reads images of {facts.channels} channels"
        kind = {"binary": "structures of a binary mask", "classes": "classes", "cells": "such images"}
        return f"the models of the package were not trained for {kind[facts.masks]}"
    best = trials[0]
    return f"the best model without training, {best.model.name}, has a score of only {best.score:.3f}"


def _time(minutes: float) -> Choice:
    reason = "everything is included, and the training ends by itself; the learning rate falls until then"
    return Choice("time", "train", {"minutes": minutes}, reason)


def _with_start(plan: Plan, what: str, reason: str) -> Plan:
    return Plan((Choice(f"start: {what}", "train", {}, reason), *plan.choices))


def _overruled(found: Preparation, options: Mapping[str, Any]) -> Plan:
    """The plan with the values that a person gave, each in the section where it belongs."""
    shared = load_source(base_of(found.source) / "shared.yaml")
    own = []
    for name, value in options.items():
        place = f"settings#{name}" if name in shared["settings"] else name
        section: Section = "shared" if place.partition("#")[0] in shared else "train"
        own.append(Choice("your option", section, {place: value}, "given by you"))
    given = {name for choice in own for name in choice.options}
    kept = [
        choice._replace(options={key: value for key, value in choice.options.items() if key not in given})
        for choice in found.plan.choices
    ]
    return Plan((*kept, *own))
