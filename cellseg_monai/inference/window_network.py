"""Run a network on windows of images, in batches."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any

import torch
from torch.nn import functional as F

from cellseg_monai.inference.half_precision import half_precision
from cellseg_monai.inference.network_output import OutputForm, join_outputs
from cellseg_monai.inference.windows import Tiling

logger = logging.getLogger(__name__)


def cut_windows(
    images: torch.Tensor, tiling: Tiling, batch_size: int, padding_mode: str
) -> Iterator[torch.Tensor]:
    r"""Cut images into batches of windows, image by image in reading order.

    Only windows are padded, never an image: even a small padding would copy the whole image.

    Args:
        images: images of shape (images, channels, …).
        tiling: windows of each image.
        batch_size: number of windows in each batch but the last.
        padding_mode: padding of images smaller than the window, as PyTorch names it.

    Yields:
        Batches of shape (windows, channels, \*window), on the device of the images.

    Example:
        >>> tiling = Tiling(shape=(4,), window=(3,), starts=((0, 1),))
        >>> [batch.tolist() for batch in cut_windows(torch.arange(4).reshape(1, 1, 4), tiling, 8, "constant")]
        [[[[0, 1, 2]], [[1, 2, 3]]]]
    """
    places = [place for row in tiling.rows() for place in row.places]
    windows = (image[(slice(None), *tiling.box(place))] for image in images for place in places)
    padding: list[int] = []
    for padded, side, before in zip(tiling.padded, tiling.shape, tiling.before, strict=True):
        padding = [before, padded - side - before, *padding]
    while taken := list(islice(windows, batch_size)):
        batch = torch.stack(taken)
        yield F.pad(batch, padding, mode=padding_mode) if any(padding) else batch


@dataclass(eq=False)
class WindowNetwork:
    """A network that takes batches of windows, and smaller batches if it runs out of memory.

    Args:
        network: network as MONAI's inferers take it.
        device: device of the network.
        amp: run the network in the half precision of the device, as
            :func:`~cellseg_monai.inference.half_precision.half_precision` does.
        channels_last: pass windows of images in this memory format.
        orientations: number of orientations to average over: 1, 4 or 8.
        arguments: further arguments of the network.
        options: further keyword arguments of the network.
        most: number of windows that fit into memory at a time, by window size; it is updated.

    Attributes:
        form: form of the network's output; None before the first output.

    Example:
        >>> network = WindowNetwork(lambda windows: windows + 1, torch.device("cpu"))
        >>> network(torch.zeros(1, 1, 2, 2)).tolist()
        [[[[1.0, 1.0], [1.0, 1.0]]]]
    """

    network: Callable[..., Any]
    device: torch.device
    amp: bool = False
    channels_last: bool = False
    orientations: int = 1
    arguments: Sequence[Any] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    most: dict[tuple[int, ...], int] = field(default_factory=dict)
    form: OutputForm | None = field(default=None, init=False)

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        """Return the output for a batch on the device of the network.

        Raises:
            torch.cuda.OutOfMemoryError: even a single window does not fit.
        """
        window = tuple(windows.shape[2:])
        pieces = torch.split(windows, self.most.get(window, len(windows)))
        try:
            outputs = [self._output(piece) for piece in pieces]
        except torch.cuda.OutOfMemoryError:
            size = len(pieces[0])
            if size == 1:
                raise
            self.most[window] = size // 2
        else:
            return outputs[0] if len(outputs) == 1 else torch.cat(outputs)
        # outside the handler, which holds the memory of the failed call
        logger.warning("out of memory with %d windows at a time; continuing with %d", size, size // 2)
        torch.cuda.empty_cache()
        return self(windows)

    def _output(self, windows: torch.Tensor) -> torch.Tensor:
        if self.channels_last and windows.ndim == 4:
            # a copy, since PyTorch takes a tensor with one channel for contiguous in both formats
            reordered = torch.empty_like(windows, memory_format=torch.channels_last).copy_(windows)
            try:
                return mean_of_orientations(self._once, reordered, self.orientations)
            except RuntimeError as error:
                if "view size is not compatible" not in str(error):
                    raise
                self.channels_last = False
                logger.info("the network does not support channels_last, which is now off: %s", error)
        return mean_of_orientations(self._once, windows, self.orientations)

    def _once(self, windows: torch.Tensor) -> torch.Tensor:
        with half_precision(self.network, windows) if self.amp else nullcontext():
            output = self.network(windows, *self.arguments, **self.options)
        joined, self.form = join_outputs(output, windows.shape[2:])
        return joined


def mean_of_orientations(
    network: Callable[[torch.Tensor], torch.Tensor], windows: torch.Tensor, orientations: int
) -> torch.Tensor:
    """Average the outputs of a network for windows that are flipped and rotated, each turned back.

    The average is over the network's output as it is: over logits, if the network has no final activation.
    The last two axes are turned; the first axis of a volume is not.

    Args:
        network: function from (batch, channels, …, height, width) to a tensor with that height and width.
        windows: batch of windows.
        orientations: 1 for none, 4 for the flips, which keep the shape of a rectangle, 8 for quarter turns
            too.

    Example:
        >>> corner = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
        >>> top_left = lambda windows: windows * torch.tensor([[8.0, 0.0], [0.0, 0.0]])
        >>> mean_of_orientations(top_left, corner, orientations=8)
        tensor([[[[2., 0.], [0., 0.]]]])
    """
    if orientations == 1:
        return network(windows)
    total: torch.Tensor | None = None
    turns = (False, True) if orientations == 8 else (False,)
    for turned, flips in product(turns, ((), (-1,), (-2,), (-2, -1))):
        oriented = windows.transpose(-2, -1) if turned else windows
        output = network(oriented.flip(flips)).flip(flips) if flips else network(oriented)
        output = output.transpose(-2, -1) if turned else output
        output = output if output.dtype == torch.float64 else output.float()
        total = output.clone() if total is None else total.add_(output)
    assert total is not None
    return total.div_(orientations)
