"""Mixed precision on a CPU; MONAI's engines know it on CUDA alone."""

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import SimpleInferer

_INSTRUCTIONS = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


def computes_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16, without which it would only be slower.

    Example:
        >>> computes_bfloat16() in (True, False)
        True
    """
    return any(getattr(torch.cpu, name, bool)() for name in _INSTRUCTIONS)


class Bfloat16OnCpu(SimpleInferer):
    """The network of a training, in bfloat16 where the CPU computes in it; its answer is float32.

    Weights and their sums stay float32, as the bfloat16 of :func:`torch.autocast` keeps them. Elsewhere it is
    MONAI's ``SimpleInferer``: on a GPU the engines have ``amp``.

    Args:
        enabled: also where the CPU has no instructions for it, or not at all; by default where it has.

    Example:
        >>> network = torch.nn.Conv2d(1, 2, kernel_size=3, padding=1)
        >>> Bfloat16OnCpu(enabled=True)(torch.rand(1, 1, 8, 8), network).dtype
        torch.float32
    """

    def __init__(self, enabled: bool | None = None) -> None:
        super().__init__()
        self.enabled = computes_bfloat16() if enabled is None else enabled

    def __call__(
        self, inputs: torch.Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        """What the network says of a batch.

        Args:
            inputs: the batch.
            network: that answers with one tensor.
            args: passed to the network.
            kwargs: passed to the network.
        """
        answer: torch.Tensor
        if inputs.device.type != "cpu" or not self.enabled:
            answer = super().__call__(inputs, network, *args, **kwargs)
            return answer
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answer = super().__call__(inputs, network, *args, **kwargs)
        return answer.float()
