"""Outputs of a network (a tensor, several tensors or a dictionary) as one tensor that can be stitched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from monai.data import MetaTensor


@dataclass
class OutputForm:
    """Form of a network's output, to restore it from the concatenated channels.

    Attributes:
        keys: keys of a dictionary; None for a sequence or a single tensor.
        channels: number of channels of each tensor.

    Example:
        >>> joined, form = join_outputs({"edge": torch.ones(1, 2, 4), "cell": torch.zeros(1, 1, 4)}, (4,))
        >>> joined.shape, {key: tuple(tensor.shape) for key, tensor in form.part(joined, joined).items()}
        (torch.Size([1, 3, 4]), {'edge': (1, 2, 4), 'cell': (1, 1, 4)})
    """

    keys: list[Any] | None
    channels: list[int]

    def part(self, joined: torch.Tensor, like: torch.Tensor) -> Any:
        """Return the tensors in the form of the network's output, with the metadata of an image.

        As in MONAI's inferers, a sequence becomes a tuple, and a sequence of one tensor becomes that tensor.
        """
        tensors = torch.split(joined, self.channels, dim=1)
        if isinstance(like, MetaTensor):
            tensors = tuple(MetaTensor(each).copy_meta_from(like, copy_attr=False) for each in tensors)
        if self.keys is not None:
            return dict(zip(self.keys, tensors, strict=True))
        return tensors[0] if len(tensors) == 1 else tensors


def join_outputs(output: Any, window: Sequence[int]) -> tuple[torch.Tensor, OutputForm]:
    """Concatenate the channels of all tensors in an output.

    Args:
        output: output of the network.
        window: size of the window, which each tensor must have.

    Returns:
        One tensor, and the form to split it again.

    Raises:
        TypeError: the output contains something other than tensors.
        ValueError: a tensor differs from the window in height or width.

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
                f"the network returned a {type(tensor).__name__}; only a tensor, or a sequence or dictionary "
                "of tensors, can be stitched"
            )
        if tuple(tensor.shape[2:]) != tuple(window):
            raise ValueError(
                f"the network returned {size(tensor.shape[2:])} pixels for a window of {size(window)}; only "
                "maps with the size of the window can be stitched. Switch deep supervision off for inference"
            )
    joined = tensors[0] if len(tensors) == 1 else torch.cat(tensors, dim=1)
    return joined, OutputForm(keys, [tensor.shape[1] for tensor in tensors])


def size(shape: Sequence[int]) -> str:
    """Return the size of an image or window for a message.

    Example:
        >>> size((128, 96))
        '128 x 96'
    """
    return " x ".join(map(str, shape))
