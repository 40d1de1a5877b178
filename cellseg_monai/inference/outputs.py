"""A network may answer with a tensor, with several, or with a dictionary; stitched is always one tensor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from monai.data import MetaTensor


@dataclass
class OutputForm:
    """How to make the network's form of answer from its channels, one after the other.

    Attributes:
        keys: of a dictionary; None for a sequence or a single tensor.
        channels: of each tensor.

    Example:
        >>> joined, form = join_outputs({"edge": torch.ones(1, 2, 4), "cell": torch.zeros(1, 1, 4)}, (4,))
        >>> joined.shape, {key: tuple(tensor.shape) for key, tensor in form.part(joined, joined).items()}
        (torch.Size([1, 3, 4]), {'edge': (1, 2, 4), 'cell': (1, 1, 4)})
    """

    keys: list[Any] | None
    channels: list[int]

    def part(self, joined: torch.Tensor, like: torch.Tensor) -> Any:
        """The tensors in the network's form, with the meta data of an image.

        A sequence becomes a tuple, and a sequence of one tensor that tensor, as with MONAI's inferers.
        """
        tensors = torch.split(joined, self.channels, dim=1)
        if isinstance(like, MetaTensor):
            tensors = tuple(MetaTensor(each).copy_meta_from(like, copy_attr=False) for each in tensors)
        if self.keys is not None:
            return dict(zip(self.keys, tensors, strict=True))
        return tensors[0] if len(tensors) == 1 else tensors


def join_outputs(output: Any, window: Sequence[int]) -> tuple[torch.Tensor, OutputForm]:
    """Put all channels of an answer one after the other.

    Args:
        output: of the network.
        window: its size, which each tensor must have.

    Returns:
        One tensor, and how to part it again.

    Raises:
        TypeError: there is something else than tensors.
        ValueError: a tensor has another height and width than the window.

    Example:
        >>> join_outputs([torch.ones(1, 1, 4)], (4,))[0].shape
        torch.Size([1, 1, 4])
    """
    keys = list(output) if isinstance(output, Mapping) else None
    tensors = list(output.values()) if isinstance(output, Mapping) else output
    tensors = [tensors] if isinstance(tensors, torch.Tensor) else list(tensors)
    for tensor in tensors:
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(
                f"the network returned a {type(tensor).__name__}; windows can be stitched of a tensor, or a "
                "sequence or dictionary of tensors"
            )
        if tuple(tensor.shape[2:]) != tuple(window):
            raise ValueError(
                f"the network returned {size(tensor.shape[2:])} pixels for a window of {size(window)}; only "
                "maps of the window's size can be stitched. Deep supervision is for training: switch it off"
            )
    joined = tensors[0] if len(tensors) == 1 else torch.cat(tensors, dim=1)
    return joined, OutputForm(keys, [tensor.shape[1] for tensor in tensors])


def size(shape: Sequence[int]) -> str:
    """Of an image or window, for people.

    Example:
        >>> size((128, 96))
        '128 x 96'
    """
    return " x ".join(map(str, shape))
