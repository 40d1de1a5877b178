"""The sliding window of MONAI, faster and in less memory."""

import logging
import math
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import torch
from monai.inferers import Inferer
from monai.utils import convert_data_type
from torch import nn

from cellseg_monai.inference.network_window import window_bound
from cellseg_monai.inference.outputs import size
from cellseg_monai.inference.planning import Window, WindowOptions
from cellseg_monai.inference.prediction import WindowNetwork, cut_windows
from cellseg_monai.inference.progress import WindowProgress
from cellseg_monai.inference.stitching import assemble
from cellseg_monai.inference.transfers import brought
from cellseg_monai.inference.windows import Blending, Tiling

logger = logging.getLogger(__name__)

PADDING_MODES = ("constant", "reflect", "replicate", "circular")


class TiledInferer(Inferer):
    """Run a network over images of any size; takes the place of MONAI's ``SlidingWindowInferer``.

    With the same window, overlap and blending the result is MONAI's. What is different:

    - **The window may be found.** With small windows much of an image is computed twice, or with too little
      around it. ``window="auto"`` makes equal windows of about 512² pixels that fit the image; they share as
      many pixels as patches of ``patch_size`` would, so that no pixel has less of the image around it. A
      network that normalises over the window (group, instance, layer normalisation), attends over it, or has
      a part not known to be local, would answer otherwise to a larger one: it keeps windows of
      ``patch_size``, and the log says why. ``"fit"`` fits windows for any network; measure first what that
      does to yours.
    - **Memory.** Sums and weights are held for the height of one window, not for the whole image.
    - **Devices.** Windows go to the device of the network, wherever the image is. On CUDA transfers overlap
      with the network. Out of memory, the batch is halved; if one window does not fit, the result is stitched
      on the host; if that is not enough, windows that were found become smaller. The log tells each step.
    - **Precision.** Sums are float32, whatever the precision of image and network.

    No gradients are kept.

    Args:
        window: size of a window, one number or one for each axis, "auto" or "fit". As in MONAI, a side below
            1 stands for that of the image.
        overlap: of neighbours, a fraction below 1 or a whole number of pixels; one or one for each axis. A
            fraction is of the window, or of ``patch_size`` for windows that are found.
        blending: weights of the pixels of a window, "gaussian" or "constant".
        sigma_scale: deviation of the Gaussian, in sides of the window, or of ``patch_size``.
        patch_size: size of the patches that the network learned from, for windows that are found.
        batch_size: windows at a time; by default as many as keep the device busy.
        padding_mode: of images smaller than the window, as PyTorch names it. By default zeros, as in MONAI;
            for windows that are made to fit, where at most 31 pixels lack, "replicate".
        tta: average over the eight flips and quarter turns of each window, or the four that keep a given
            window that is not square. What is averaged is what the network returns: logits, if it ends so.
        amp: run the network in half precision: float16 on CUDA, bfloat16 on a CPU. The option of that name of
            MONAI's evaluators does the same; MONAI Label has none.
        channels_last: give windows of images in this order of memory, which convolutions are faster with; the
            last digits of the result change. By default for "auto" and "fit". A network that cannot work on
            it, by a ``view`` of its maps, gets the usual order, and the log says so.
        compiled: call ``torch.compile`` on the network first.
        device: of the result; by default that of the image, or the host where memory does not suffice.
        output_dtype: of the result; by default that of the sums. ``torch.float16`` halves its memory.
        progress: show a bar on a terminal when it takes long; elsewhere log a line each minute.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> network = nn.Conv2d(1, 2, kernel_size=3, padding=1)
        >>> TiledInferer(window="auto", patch_size=64)(torch.rand(1, 1, 300, 400), network).shape
        torch.Size([1, 2, 300, 400])
    """

    def __init__(
        self,
        window: Window = "auto",
        overlap: Sequence[float] | float = 0.25,
        blending: Blending = "gaussian",
        sigma_scale: float = 0.125,
        patch_size: Sequence[int] | int = 128,
        batch_size: int | None = None,
        padding_mode: str | None = None,
        tta: bool = False,
        amp: bool = False,
        channels_last: bool | None = None,
        compiled: bool = False,
        device: torch.device | str | None = None,
        output_dtype: torch.dtype | None = None,
        progress: bool = True,
    ) -> None:
        super().__init__()
        self.windows = WindowOptions(window, overlap, blending, sigma_scale, patch_size)
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size must be at least 1 window, not {batch_size}")
        if padding_mode is not None and padding_mode not in PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {', '.join(PADDING_MODES)}, not {padding_mode!r}")
        self.batch_size = batch_size
        self.padding_mode = padding_mode
        self.tta = tta
        self.amp = amp
        self.channels_last = isinstance(window, str) if channels_last is None else channels_last
        self.compiled = compiled
        self.device = None if device is None else torch.device(device)
        self.output_dtype = output_dtype
        self.progress = progress
        self._compiled: tuple[Any, Any] = (None, None)
        self._told: set[str] = set()
        self._most: dict[tuple[int, ...], int | None] = {}  # windows of a size that fitted at a time

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> torch.Tensor | tuple[torch.Tensor, ...] | dict[Any, torch.Tensor]:
        """Run the network over each image of a batch.

        Args:
            inputs: shape (images, channels, …), of any size.
            network: gives a tensor of the size of its input, with any number of channels, or a sequence or
                dictionary of such tensors.
            args: passed to the network, alike for all windows.
            kwargs: passed to the network, alike for all windows.

        Returns:
            What the network gives for a window, for whole images, with their meta data if they have any.

        Raises:
            RuntimeError: the memory does not suffice for one window.
            TypeError: the network returns something else than tensors.
            ValueError: the image does not fit the options, or the network's answer not the window.
        """
        images = convert_data_type(inputs, torch.Tensor)[0]
        _refuse(images, (*args, *kwargs.values()))
        self._tell(network)
        runner = WindowNetwork(
            self._compile(network),
            device_of(network, images.device),
            amp=self.amp,
            channels_last=self.channels_last,
            arguments=args,
            options=kwargs,
        )
        with torch.no_grad():
            stitched = self._within_memory(images, network, runner)
        assert runner.form is not None
        return runner.form.part(stitched, like=inputs)  # type: ignore[no-any-return]

    def _within_memory(
        self, images: torch.Tensor, network: Callable[..., Any], runner: WindowNetwork
    ) -> torch.Tensor:
        """As asked for, then with less and less memory."""
        shape = images.shape[2:]
        window: tuple[int, ...] = ()
        error: torch.cuda.OutOfMemoryError | None = None
        wanted = self.device or images.device
        for attempt in self.windows.attempts(wanted, self.device is None, network, len(shape)):
            if attempt.remedy:
                logger.warning("out of memory with one window of %s; %s", size(window), attempt.remedy)
                torch.cuda.empty_cache()
            tiling = self.windows.tiling(shape, network, attempt.pixels)
            window = tiling.window
            runner.most = self._most.get(window)
            try:
                return self._stitched(images, network, runner, tiling, attempt.device)
            except torch.cuda.OutOfMemoryError as failed:
                error = failed.with_traceback(None)  # which would hold what the failed attempt had taken
            finally:
                self._most[window] = runner.most
        raise RuntimeError(
            f"out of memory with one window of {size(window)}; give a smaller window, or amp=True"
        ) from error

    def _stitched(
        self,
        images: torch.Tensor,
        network: Callable[..., Any],
        runner: WindowNetwork,
        tiling: Tiling,
        device: torch.device,
    ) -> torch.Tensor:
        weights = self.windows.weights(tiling, network)
        if self.tta:
            turns = tiling.window[-1] == tiling.window[-2] or self.windows.fitted(network)
            runner.orientations = 8 if turns else 4
        batch_size = self.batch_size or max(1, pixels_at_a_time(runner.device) // math.prod(tiling.window))
        mode = self.padding_mode or ("replicate" if self.windows.fitted(network) else "constant")
        windows = cut_windows(images, tiling, batch_size, mode)
        with WindowProgress(len(tiling) * len(images), self.progress) as progress:
            answers = progress.through(map(runner, brought(windows, runner.device)))
            predictions = (window for batch in brought(answers, device) for window in batch)
            return assemble(tiling, weights, predictions, len(images), self.output_dtype)

    def _compile(self, network: Callable[..., Any]) -> Callable[..., Any]:
        """The compiled network, which is kept as long as the same one is given."""
        if not self.compiled:
            return network
        if self._compiled[0] is not network:
            self._compiled = (network, torch.compile(network))
        compiled: Callable[..., Any] = self._compiled[1]
        return compiled

    def _tell(self, network: Callable[..., Any]) -> None:
        """Once for each reason, why windows are not enlarged."""
        bound = window_bound(network) if self.windows.window == "auto" else None
        if bound is not None and bound not in self._told:
            self._told.add(bound)
            logger.info(
                "windows stay at patch_size=%s: the network's answer may depend on their size, by %s",
                self.windows.patch_size,
                bound,
            )


def device_of(network: object, default: torch.device) -> torch.device:
    """Device of a network's first weight; a default for what has none.

    Example:
        >>> device_of(nn.Conv2d(1, 1, 1), torch.device("cuda"))
        device(type='cpu')
    """
    if isinstance(network, nn.Module):
        for tensor in chain(network.parameters(), network.buffers()):
            return tensor.device
    return default


def pixels_at_a_time(device: torch.device) -> int:
    """Pixels of a batch that keep a device busy; on a CPU more would only leave its cache.

    Example:
        >>> pixels_at_a_time(torch.device("cpu")) == 8 * 128**2
        True
    """
    return 2**17 if device.type == "cpu" else 2**22


def _refuse(images: torch.Tensor, arguments: Sequence[Any]) -> None:
    """What cannot be cut into windows."""
    if images.ndim < 3 or 0 in images.shape:
        raise ValueError(f"images must have the shape (images, channels, …), not {tuple(images.shape)}")
    for argument in arguments:
        if isinstance(argument, torch.Tensor) and argument.shape[2:] == images.shape[2:]:
            raise ValueError(
                "a second image among the arguments of the network would not be cut into windows; "
                "concatenate it to the channels of the first"
            )
