"""Windows of images through a network, in batches."""

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from torch.nn import functional as F

from cellseg_monai.inference.orientations import mean_of_orientations
from cellseg_monai.inference.outputs import OutputForm, join_outputs
from cellseg_monai.inference.windows import Place, Tiling

logger = logging.getLogger(__name__)


def cut_windows(
    images: torch.Tensor, tiling: Tiling, batch_size: int, padding_mode: str
) -> Iterator[torch.Tensor]:
    r"""Cut images into batches of windows, image by image in reading order.

    Only windows are padded, never an image: a small pad would copy a large one.

    Args:
        images: shape (images, channels, …).
        tiling: of each of them.
        batch_size: windows in all batches but the last.
        padding_mode: of images smaller than the window, as PyTorch names it.

    Yields:
        Batches of shape (windows, channels, \*window), on the device of the images.

    Example:
        >>> tiling = Tiling(shape=(4,), window=(3,), starts=((0, 1),))
        >>> [batch.tolist() for batch in cut_windows(torch.arange(4).reshape(1, 1, 4), tiling, 8, "constant")]
        [[[[0, 1, 2]], [[1, 2, 3]]]]
    """
    places = ((image, place) for image in images for row in tiling.rows() for place in row.places)
    lacking = [side - length for side, length in zip(tiling.padded, tiling.shape, strict=True)]
    sides = [(half, lack - half) for half, lack in zip(tiling.before, lacking, strict=True)]
    padding = [pixels for side in reversed(sides) for pixels in side]
    while taken := list(islice(places, batch_size)):
        windows = torch.stack([image[(slice(None), *_box(place, tiling))] for image, place in taken])
        yield F.pad(windows, padding, mode=padding_mode) if any(padding) else windows


def _box(place: Place, tiling: Tiling) -> tuple[slice, ...]:
    """The pixels of a window that the image has."""
    return tuple(slice(start, start + side) for start, side in zip(place, tiling.window, strict=True))


class WindowNetwork:
    """A network on batches of windows, with fewer at a time when memory ends.

    Args:
        network: what MONAI's inferers take.
        device: of the network.
        amp: run it in the half precision of the device.
        channels_last: give it windows of images in this order of memory.
        orientations: average over so many, 1, 4 or 8.
        arguments: further ones of the network.
        options: and those with names.

    Attributes:
        most: windows that fit into memory at a time, as far as is known.
        form: of the network's answer, once there is one.

    Example:
        >>> network = WindowNetwork(lambda windows: windows + 1, torch.device("cpu"))
        >>> network(torch.zeros(1, 1, 2, 2)).tolist()
        [[[[1.0, 1.0], [1.0, 1.0]]]]
    """

    def __init__(
        self,
        network: Callable[..., Any],
        device: torch.device,
        amp: bool = False,
        channels_last: bool = False,
        orientations: int = 1,
        arguments: Sequence[Any] = (),
        options: dict[str, Any] | None = None,
    ) -> None:
        self.network = network
        self.device = device
        self.amp = amp
        self.channels_last = channels_last
        self.orientations = orientations
        self.arguments = arguments
        self.options = options or {}
        self.most: int | None = None
        self.form: OutputForm | None = None

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        """Answer to a batch on the device of the network.

        Raises:
            torch.cuda.OutOfMemoryError: even a single window does not fit.
        """
        pieces = torch.split(windows, self.most or len(windows))
        try:
            answers = [self._answer(piece) for piece in pieces]
        except torch.cuda.OutOfMemoryError:
            size = len(pieces[0])
            if size == 1:
                raise
            self.most = size // 2
        else:
            return answers[0] if len(answers) == 1 else torch.cat(answers)
        # outside of the handler, which keeps what the failed call had taken
        logger.warning("out of memory with %d windows at a time; going on with %d", size, self.most)
        torch.cuda.empty_cache()
        return self(windows)

    def _answer(self, windows: torch.Tensor) -> torch.Tensor:
        if self.channels_last and windows.ndim == 4:
            try:
                return self._oriented(_in_channels_last(windows))
            except RuntimeError as error:
                if "view size is not compatible" not in str(error):
                    raise
                self.channels_last = False
                logger.info("the network cannot work on channels_last, and gets the usual order: %s", error)
        return self._oriented(windows)

    def _oriented(self, windows: torch.Tensor) -> torch.Tensor:
        if self.orientations == 1:
            return self._once(windows)
        return mean_of_orientations(self._once, windows, quarter_turns=self.orientations == 8)

    def _once(self, windows: torch.Tensor) -> torch.Tensor:
        if self.amp:
            with torch.autocast(self.device.type):
                output = self.network(windows, *self.arguments, **self.options)
        else:
            output = self.network(windows, *self.arguments, **self.options)
        joined, self.form = join_outputs(output, windows.shape[2:])
        return joined


def _in_channels_last(windows: torch.Tensor) -> torch.Tensor:
    """Copy: of one channel PyTorch takes any order for both, and would compute in the usual one."""
    return torch.empty_like(windows, memory_format=torch.channels_last).copy_(windows)
