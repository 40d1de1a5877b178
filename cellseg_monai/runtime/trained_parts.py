"""Target and decoding of a bundle: those that its weights were trained with, and a pair that matches."""

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar

from monai.transforms import Transform

from cellseg_monai.runtime.described import TARGET, build, describe, find_class

Part = TypeVar("Part")


def as_trained(part: Callable[..., Part], settings: SimpleNamespace, name: str) -> Part:
    """Make the target or the decoding that weights were trained with; the given one if none is kept.

    Args:
        part: class with the arguments of the configuration, as MONAI makes it from ``"_mode_": "callable"``.
            Its arguments override those of the kept class if the kept class has them too.
        settings: settings of the weights.
        name: ``"target"`` or ``"decoding"``.

    Example:
        >>> from functools import partial
        >>> from cellseg_monai.instances import Componentsd, WatershedFromDistanced
        >>> settings = SimpleNamespace(decoding=describe(partial(Componentsd, keys="pred", max_hole=9)))
        >>> trained = as_trained(partial(WatershedFromDistanced, threshold=0.7), settings, "decoding")
        >>> type(trained).__name__, trained.options["threshold"], trained.options["max_hole"]
        ('Componentsd', 0.7, 9)
    """
    kept = getattr(settings, name)
    if kept is None:
        return part()
    accepted = inspect.signature(find_class(kept[TARGET], Transform)).parameters
    given = {key: value for key, value in describe(part).items() if key in accepted}
    trained: Part = build(kept | given, Transform)
    return trained


def require_match(target: Any, decoding: Any) -> None:
    """Raise if a decoding reads another target than the one that the network was trained for.

    Args:
        target: transform that encodes, with the attribute ``encodes``.
        decoding: transform that decodes, with the attribute ``decodes``.

    Raises:
        ValueError: the attributes differ.

    Example:
        >>> from cellseg_monai.instances import Componentsd
        >>> from cellseg_monai.transforms import BinaryTargetd, ForegroundDistanceTargetd
        >>> require_match(BinaryTargetd("label"), Componentsd("pred"))
        >>> require_match(ForegroundDistanceTargetd("label"), Componentsd("pred"))
        Traceback (most recent call last):
        ...
        ValueError: ForegroundDistanceTargetd encodes 'foreground and distance', but Componentsd decodes
        'foreground'; choose a target and a decoding that belong together, such as --target
        @targets#foreground --decoding @decodings#foreground
    """
    encodes, decodes = getattr(target, "encodes", None), getattr(decoding, "decodes", None)
    if encodes != decodes:
        raise ValueError(
            f"{type(target).__name__} encodes {encodes!r}, but {type(decoding).__name__} decodes "
            f"{decodes!r}; choose a target and a decoding that belong together, such as --target "
            "@targets#foreground --decoding @decodings#foreground"
        )
