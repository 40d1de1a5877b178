"""A network speaks the language of the target that it was trained for; its decoding must read that one."""

from typing import Any


def require_match(target: Any, decoding: Any) -> None:
    """Refuse a decoding that reads another target than the one that was trained for.

    Args:
        target: the transform that encodes, with ``encodes``.
        decoding: the transform that decodes, with ``decodes``.

    Raises:
        ValueError: they differ.

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
