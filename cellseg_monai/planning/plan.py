"""From facts about images to the options of a training, each with its reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, NamedTuple

from cellseg_monai.planning.facts import Fingerprint

Section = Literal["shared", "train"]

CELL = 28
"""Length of the median cell, in pixels of the network, that the networks of this package see best."""

LARGE_CELL = 45
"""Length of the median cell in pixels above which an image is shrunk for the network."""

FIELD = 128
"""Side of a training patch, in pixels of the network."""

BATCH = 8
"""Number of patches in a batch."""

SLIGHTLY_SHRUNK = 0.5
"""Scale up to which the prediction is averaged over turns, in at most twice the time of scale 1."""


class Choice(NamedTuple):
    """One decision of a plan.

    Attributes:
        what: what is decided, in words.
        section: section of ``bundle.yaml``.
        options: values by id.
        reason: why, in one sentence.

    Example:
        >>> print(Choice("scale", "shared", {"settings#scale": 0.5}, "the cells are large"))
        scale: scale=0.5
            the cells are large
    """

    what: str
    section: Section
    options: Mapping[str, Any]
    reason: str

    def __str__(self) -> str:
        values = ", ".join(
            f"{name.rpartition('#')[2]}={_short(value)}" for name, value in self.options.items()
        )
        return f"{self.what}{': ' if values else ''}{values}\n    {self.reason}"


def _short(value: Any) -> Any:
    """Name of a part, whose definition ``plan.json`` has; another value as it is."""
    if isinstance(value, Mapping) and "_target_" in value:
        return value["_target_"].rpartition(".")[2]
    return value.rpartition("#")[2] if isinstance(value, str) and value.startswith("%") else value


@dataclass(frozen=True)
class Plan:
    """Choices for a training.

    Attributes:
        choices: choices in the order of the data flow.

    Example:
        >>> facts = Fingerprint(
        ...     images=10, groups=10, width=(512, 512), height=(512, 512), channels=1, masks="cells",
        ...     classes=(), cells=300, lengths=(40.0, 56.0, 90.0), touching=0.2, foreground=0.15, thin=False,
        ... )
        >>> plan_training(facts).options("shared")["settings#scale"]
        0.5
    """

    choices: tuple[Choice, ...]

    def options(self, section: Section) -> dict[str, Any]:
        """Values by id of a section of ``bundle.yaml``."""
        chosen = (choice.options for choice in self.choices if choice.section == section)
        return {name: value for options in chosen for name, value in options.items()}

    @property
    def settings(self) -> dict[str, Any]:
        """Values that travel with the weights."""
        parts = ((name.partition("#"), value) for name, value in self.options("shared").items())
        return {name: value for (node, _, name), value in parts if node == "settings"}

    def __str__(self) -> str:
        return "\n".join(map(str, self.choices))


def plan_training(facts: Fingerprint, *, from_weights: bool = False) -> Plan:
    """Plan a training from random weights, or from the weights of a model.

    Args:
        facts: facts about the labelled images.
        from_weights: whether the training starts from weights, which fix network, channels and scale.

    Example:
        >>> facts = Fingerprint(
        ...     images=9, groups=9, width=(900, 900), height=(900, 900), channels=3, masks="binary",
        ...     classes=(), cells=12, lengths=(80.0, 400.0, 900.0), touching=0.0, foreground=0.07, thin=True,
        ... )
        >>> [choice.what for choice in plan_training(facts).choices]
        ['what the network learns', 'channels', 'scale', 'patch size', 'batch', 'prediction']
    """
    return Plan(tuple(_from_weights() if from_weights else chain(_target(facts), _network(facts))))


def _target(facts: Fingerprint) -> Iterator[Choice]:
    if facts.masks == "cells":
        reason = (
            "the masks number the cells, so the network also learns where one cell ends and the next begins"
        )
        yield _pair("foreground_distance", reason)
    elif facts.masks == "binary":
        yield _pair("foreground", "the masks separate only foreground from background")
    else:
        target = {
            "_target_": "cellseg_monai.transforms.ClassTargetd",
            "keys": "label",
            "classes": facts.class_numbers,
            "one_hot": True,
        }
        options = {"target": target, "decoding": "%decodings#classes"}
        yield Choice("what the network learns", "shared", options, "each value of the masks is a class")
        reason = "each pixel has exactly one class"
        yield Choice("loss", "train", {"loss": "%losses#dice_ce_softmax"}, reason)


def _pair(name: str, reason: str) -> Choice:
    options = {part: f"%{part}s#{name}" for part in ("target", "decoding")}
    return Choice("what the network learns", "shared", options, reason)


def _network(facts: Fingerprint) -> Iterator[Choice]:
    channels = {"settings#in_channels": facts.channels}
    kinds = {1: "the images are grey", 3: "the images are in colour"}
    reason = kinds.get(facts.channels, f"the images have {facts.channels} channels")
    yield Choice("channels", "shared", channels, reason)
    scale, reason = _scale(facts)
    yield Choice("scale", "shared", {"settings#scale": scale}, reason)
    side = _patch(facts, scale)
    reason = f"{round(side * scale)} pixels of the network show a cell and its neighbours"
    yield Choice("patch size", "shared", {"settings#patch_size": side}, reason)
    patches = _patches(facts, side)
    reason = f"an image has room for {'one patch' if patches == 1 else f'{patches} different patches'}"
    batch = {"patches_per_image": patches, "batch_size": BATCH // patches}
    yield Choice("batch", "train", batch, reason)
    if scale <= SLIGHTLY_SHRUNK:
        reason = "the mean over turns of the image is more exact, and the shrunk image leaves the time for it"
        yield Choice("prediction", "shared", {"settings#tta": True}, reason)


def _scale(facts: Fingerprint) -> tuple[float, str]:
    length = facts.lengths[1]
    if facts.thin:
        return 0.5, "thin structures are found by their course, and at half the size a patch shows more of it"
    if facts.masks == "classes":
        return 1.0, "the borders between classes are learned at full size"
    if length <= LARGE_CELL:
        return 1.0, f"the median cell is {length:.0f} pixels long, which the network sees well"
    scale = round(CELL / length, 2)
    reason = f"the median cell is {length:.0f} pixels long; the network sees cells of {CELL} pixels best"
    return scale, reason


def _patch(facts: Fingerprint, scale: float) -> int:
    """Patch of :data:`FIELD` pixels of the network, but not much larger than the largest image."""
    largest = max(facts.width[1], facts.height[1])
    return int(min(FIELD / scale // 16 * 16, -(-largest // 16) * 16))


def _patches(facts: Fingerprint, side: int) -> int:
    """Patches that one image gives to a batch: a power of 2, and no more than fit into the image twice."""
    fitting = 2 * facts.width[0] * facts.height[0] / side**2
    return next(count for count in (8, 4, 2, 1) if count <= fitting or count == 1)


def _from_weights() -> Iterator[Choice]:
    reason = "a third of the usual value keeps what the weights know"
    yield Choice("learning rate", "train", {"learning_rate": 3e-4}, reason)
