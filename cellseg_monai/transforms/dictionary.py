"""Dictionary transforms built from array transforms."""

from collections.abc import Hashable, Mapping
from inspect import Parameter, Signature, signature
from typing import Any, ClassVar, TypeVar

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable

Random = TypeVar("Random", bound="RandArrayTransformd")


class ArrayTransformd(MapTransform):
    """Apply an array transform to the value of each key.

    A subclass sets ``array``. Its constructor takes the keys, then the options of that class, with the same
    names and defaults; ``inspect.signature`` lists them.

    Args:
        keys: keys of the arrays.
        options: options of the array transform.
        allow_missing_keys: skip keys that a sample does not have.
        named_options: options of the array transform.

    Attributes:
        array: class of the array transform.
        transform: instance of that class.

    Example:
        >>> from monai.transforms import Flip
        >>> class Flippedd(ArrayTransformd):
        ...     array = Flip
        >>> signature(Flippedd).parameters["spatial_axis"].default is None
        True
        >>> Flippedd("image", spatial_axis=0)({"image": np.array([[1, 2]]), "id": 7})["id"]
        7
    """

    array: ClassVar[type[Any]]
    __signature__: ClassVar[Signature]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if hasattr(cls, "array"):
            cls.backend = cls.array.backend
            cls.__signature__ = _merged(signature(cls.__init__), signature(cls.array))

    def __init__(
        self,
        keys: KeysCollection,
        *options: Any,
        allow_missing_keys: bool = False,
        **named_options: Any,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = self.array(*options, **named_options)

    def __call__(self, data: Mapping[Hashable, Any]) -> Any:
        """Transform the arrays of one sample."""
        return {**data, **{key: self.transform(data[key]) for key in self.key_iterator(data)}}


class RandArrayTransformd(Randomizable, ArrayTransformd):
    """Base of dictionary transforms that make the same random choice for all keys."""

    def set_random_state(
        self: Random, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> Random:
        """Set the seed of the random choices."""
        self.transform.set_random_state(seed, state)
        super().set_random_state(seed, state)
        return self


def _merged(wrapper: Signature, array: Signature) -> Signature:
    """Return the wrapper's signature with the options of the array transform in place of ``*options``."""
    variadic = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    _, *own = (each for each in wrapper.parameters.values() if each.kind not in variadic)
    options = [each for each in array.parameters.values() if each.name not in wrapper.parameters]
    return Signature(sorted([*own, *options], key=lambda each: each.kind))
