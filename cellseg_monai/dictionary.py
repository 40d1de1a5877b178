"""Dictionary transforms made from array transforms."""

from collections.abc import Hashable, Mapping
from inspect import Parameter, Signature, signature
from typing import Any, ClassVar

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable


class ArrayTransformd(MapTransform):
    """Apply an array transform to the value of each key.

    A subclass names the class of the array transform with ``of=``. Its constructor takes the keys, then the
    options of that class, with the same names and defaults; ``inspect.signature`` lists them.

    Args:
        keys: keys of the arrays.
        options: options of the array transform.
        allow_missing_keys: skip keys that a sample does not have.
        named_options: options of the array transform, by name.

    Attributes:
        transform: the array transform.

    Raises:
        TypeError: the array transform does not have an option.

    Example:
        >>> from monai.transforms import Flip
        >>> class Flippedd(ArrayTransformd, of=Flip):
        ...     pass
        >>> signature(Flippedd).parameters["spatial_axis"].default is None
        True
        >>> Flippedd("image", spatial_axis=0)({"image": np.array([[1, 2]]), "id": 7})["id"]
        7
    """

    _of: ClassVar[type[Any]]

    def __init_subclass__(cls, *, of: type[Any] | None = None) -> None:
        super().__init_subclass__()
        if of is not None:
            cls._of, cls.backend = of, of.backend
            cls.__signature__ = _signature(cls, of)

    def __init__(
        self, keys: KeysCollection, *options: Any, allow_missing_keys: bool = False, **named_options: Any
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = self._of(*options, **named_options)

    def __call__(self, data: Mapping[Hashable, Any]) -> Any:
        """Transform the arrays of one sample."""
        return {**data, **{key: self.transform(data[key]) for key in self.key_iterator(data)}}


class RandArrayTransformd(Randomizable, ArrayTransformd):
    """Base of dictionary transforms that make the same random choice for all keys."""

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> "RandArrayTransformd":
        """Set the seed of the random choices."""
        self.transform.set_random_state(seed, state)
        super().set_random_state(seed, state)
        return self


def _signature(wrapper: type[ArrayTransformd], array: type[Any]) -> Signature:
    """Return the arguments of a wrapper and of its base, with the options of the array transform."""
    own = {**signature(ArrayTransformd.__init__).parameters, **signature(wrapper.__init__).parameters}
    arguments = {**own, **signature(array).parameters, **own}  # its own come first, and take precedence
    variadic = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    _, *named = (each for each in arguments.values() if each.kind not in variadic)
    return Signature(sorted(named, key=lambda each: (each.kind, each.name == "allow_missing_keys")))
