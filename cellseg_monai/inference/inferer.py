"""MONAI's sliding window, faster and in less memory."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import chain
from typing import Any

import torch
from monai.inferers import Inferer
from monai.utils import convert_data_type
from torch import nn

from cellseg_monai.inference.fixed_size import back_to_size, to_size
from cellseg_monai.inference.network_output import size
from cellseg_monai.inference.network_window import window_bound
from cellseg_monai.inference.progress_bar import with_progress
from cellseg_monai.inference.stitching import assemble
from cellseg_monai.inference.transfers import transferred
from cellseg_monai.inference.window_network import WindowNetwork, cut_windows
from cellseg_monai.inference.window_options import WindowOptions
from cellseg_monai.inference.windows import Tiling

logger = logging.getLogger(__name__)

PADDING_MODES = ("constant", "reflect", "replicate", "circular")


@dataclass(eq=False)
class TiledInferer(WindowOptions, Inferer):
    """Run a network over images of any size, in place of MONAI's ``SlidingWindowInferer``.

    With the same window, overlap and blending, the result is that of MONAI. The differences are:

    - **Window size.** With small windows, much of an image is computed twice, or with too little context.
      ``window="auto"`` uses equal windows of about 512² pixels that fit the image. They overlap by as many
      pixels as patches of ``patch_size`` would, so no pixel has less context. A network gives another output
      for a larger window if it normalises over the window (group, instance or layer normalisation), attends
      over it, or has a part that is not known to be local. Such a network keeps windows of ``patch_size``,
      and the log gives the reason. ``"fit"`` fits windows for any network; measure first what that does to
      yours.
    - **Memory.** Sums and weights are held for the height of one window, not for the whole image.
    - **Devices.** Windows are sent to the device of the network, wherever the image is. On CUDA, transfers
      overlap with the network. When memory runs out, the batch is halved. If one window does not fit, the
      result is stitched on the host. If that does not suffice, fitted windows become smaller. The log reports
      each step.
    - **Precision.** Sums are float32, whatever the precision of image and network.

    No gradients are computed.

    Args:
        window: size of a window, one number or one for each axis, "auto" or "fit". As in MONAI, a side below
            1 stands for the side of the image.
        overlap: overlap of neighbours, a fraction below 1 or a whole number of pixels, one value or one for
            each axis. A fraction refers to the window, or to ``patch_size`` for "auto" and "fit".
        blending: weights of the pixels of a window, "gaussian" or "constant".
        sigma_scale: standard deviation of the Gaussian, in sides of the window, or of ``patch_size`` for
            "auto" and "fit".
        patch_size: size of the training patches, for "auto" and "fit".
        resize: size to which every whole image is brought before it is cut into windows, one number for each
            axis, as in training; the result has the size of the image again. None for no change.
        batch_size: number of windows at a time; by default as many as keep the device busy.
        padding_mode: padding of images smaller than the window, as PyTorch names it. By default zeros, as in
            MONAI; for fitted windows, which need at most 31 more pixels, "replicate".
        tta: average over the eight flips and quarter turns of each window, or over the four that keep the
            shape of a given window that is not square. The average is over the output of the network: over
            logits, if it has no final activation.
        amp: run the network in half precision, float16 on CUDA, bfloat16 on a CPU, but for its first
            convolutions, which see the image in float32. MONAI's evaluators have an option ``amp`` for CUDA,
            MONAI Label does not.
        channels_last: pass windows of images in the memory format in which convolutions are faster; the last
            digits of the result change. By default on for "auto" and "fit". For a network that does not
            support it, because of a ``view`` of its maps, it is switched off, and the log reports it.
        compiled: call ``torch.compile`` on the network first.
        device: device of the result; by default that of the image, or the host if memory does not suffice.
        output_dtype: dtype of the result; by default that of the sums. ``torch.float16`` halves its memory.
        progress: show a bar on a terminal if it takes long; elsewhere, log a line every minute.

    Raises:
        ValueError: an option is out of range.

    Example:
        >>> network = nn.Conv2d(1, 2, kernel_size=3, padding=1)
        >>> TiledInferer(window="auto", patch_size=64)(torch.rand(1, 1, 300, 400), network).shape
        torch.Size([1, 2, 300, 400])
    """

    _: KW_ONLY
    resize: Sequence[int] | None = None
    batch_size: int | None = None
    padding_mode: str | None = None
    tta: bool = False
    amp: bool = False
    channels_last: bool | None = None
    compiled: bool = False
    device: torch.device | str | None = None
    output_dtype: torch.dtype | None = None
    progress: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1 window, not {self.batch_size}")
        if self.resize is not None and min(self.resize) < 1:
            raise ValueError(f"resize must be at least 1 pixel along each axis, not {self.resize}")
        if self.padding_mode not in (None, *PADDING_MODES):
            names = ", ".join(PADDING_MODES)
            raise ValueError(f"padding_mode must be one of {names}, not {self.padding_mode!r}")
        self._compiled: tuple[Any, Any] = (None, None)
        self._logged: set[str] = set()
        self._most: dict[tuple[int, ...], int] = {}

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> torch.Tensor | tuple[torch.Tensor, ...] | dict[Any, torch.Tensor]:
        """Run the network over each image of a batch.

        Args:
            inputs: images of shape (images, channels, …), of any size.
            network: function that returns a tensor of the size of its input, with any number of channels, or
                a sequence or dictionary of such tensors.
            args: further arguments of the network, the same for all windows.
            kwargs: further keyword arguments of the network, the same for all windows.

        Returns:
            Output of the network for whole images, in the form that it has for a window, with the metadata of
            the images if they have any.

        Raises:
            RuntimeError: there is not enough memory for one window.
            TypeError: the network returns something other than tensors.
            ValueError: the image does not fit the options, or the output does not fit the window.
        """
        images = convert_data_type(inputs, torch.Tensor)[0]
        _check_inputs(images, (*args, *kwargs.values()))
        self._log_bound(network)
        runner = WindowNetwork(
            self._compile(network),
            device_of(network, images.device),
            amp=self.amp,
            channels_last=isinstance(self.window, str) if self.channels_last is None else self.channels_last,
            arguments=args,
            options=kwargs,
            most=self._most,
        )
        with torch.no_grad():
            stitched = self._within_memory(to_size(images, self.resize), network, runner)
            stitched = back_to_size(stitched, images.shape[2:])
        assert runner.form is not None
        return runner.form.part(stitched, like=inputs)  # type: ignore[no-any-return]

    def _within_memory(
        self, images: torch.Tensor, network: Callable[..., Any], runner: WindowNetwork
    ) -> torch.Tensor:
        """Try the settings as given, then with less and less memory."""
        shape = images.shape[2:]
        window: tuple[int, ...] = ()
        error: torch.cuda.OutOfMemoryError | None = None
        wanted = images.device if self.device is None else torch.device(self.device)
        for attempt in self.attempts(wanted, self.device is None, network, len(shape)):
            if attempt.remedy:
                logger.warning("out of memory with one window of %s; %s", size(window), attempt.remedy)
                torch.cuda.empty_cache()
            tiling = self.tiling(shape, network, attempt.pixels)
            window = tiling.window
            try:
                return self._stitched(images, network, runner, tiling, attempt.device)
            except torch.cuda.OutOfMemoryError as failed:
                error = failed.with_traceback(None)  # the traceback holds the memory of the failed attempt
        raise RuntimeError(
            f"out of memory with one window of {size(window)}; set a smaller window, or amp=True"
        ) from error

    def _stitched(
        self,
        images: torch.Tensor,
        network: Callable[..., Any],
        runner: WindowNetwork,
        tiling: Tiling,
        device: torch.device,
    ) -> torch.Tensor:
        fitted = self.fitted(network)
        if self.tta:
            runner.orientations = 8 if fitted or tiling.window[-1] == tiling.window[-2] else 4
        batch_size = self.batch_size or max(1, pixels_at_a_time(runner.device) // math.prod(tiling.window))
        mode = self.padding_mode or ("replicate" if fitted else "constant")
        windows = cut_windows(images, tiling, batch_size, mode)
        outputs = map(runner, transferred(windows, runner.device))
        total = len(tiling) * len(images)
        counted = with_progress(outputs, total, shown=self.progress, unit="window", size=len)
        predictions = (window for batch in transferred(counted, device) for window in batch)
        weights = self.weights(tiling, network)
        return assemble(tiling, weights, predictions, len(images), self.output_dtype)

    def _compile(self, network: Callable[..., Any]) -> Callable[..., Any]:
        """Return the compiled network, which is cached for the last network."""
        if not self.compiled:
            return network
        if self._compiled[0] is not network:
            self._compiled = (network, torch.compile(network))
        compiled: Callable[..., Any] = self._compiled[1]
        return compiled

    def _log_bound(self, network: Callable[..., Any]) -> None:
        """Log once for each reason why windows are not enlarged."""
        bound = window_bound(network) if self.window == "auto" else None
        if bound is not None and bound not in self._logged:
            self._logged.add(bound)
            logger.info(
                "windows stay at patch_size=%s: the output may depend on the window size, because of %s",
                self.patch_size,
                bound,
            )


def device_of(network: object, default: torch.device) -> torch.device:
    """Return the device of the first weight of a network, or the default if it has no weights.

    Example:
        >>> device_of(nn.Conv2d(1, 1, 1), torch.device("cuda"))
        device(type='cpu')
    """
    tensors = chain(network.parameters(), network.buffers()) if isinstance(network, nn.Module) else ()
    return next((tensor.device for tensor in tensors), default)


def pixels_at_a_time(device: torch.device) -> int:
    """Return the pixels of a batch that keep a device busy; more would not fit into the cache of a CPU.

    Example:
        >>> pixels_at_a_time(torch.device("cpu")) == 8 * 128**2
        True
    """
    return 2**17 if device.type == "cpu" else 2**22


def _check_inputs(images: torch.Tensor, arguments: Sequence[Any]) -> None:
    """Raise if the inputs cannot be cut into windows."""
    if images.ndim < 3 or 0 in images.shape:
        raise ValueError(f"images must have the shape (images, channels, …), not {tuple(images.shape)}")
    for argument in arguments:
        if isinstance(argument, torch.Tensor) and argument.shape[2:] == images.shape[2:]:
            raise ValueError(
                "a second image among the arguments of the network is not cut into windows; concatenate it "
                "to the channels of the first image"
            )
