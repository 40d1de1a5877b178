"""Mixed precision on a CPU, which MONAI's engines offer only on CUDA."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from monai.inferers import SimpleInferer

_INSTRUCTIONS = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
_WITHOUT = {
    *("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2"),
    *("AVX512_CORE", "AVX512_CORE_VNNI"),
}
"""Values of ``ONEDNN_MAX_CPU_ISA`` that leave out the instructions."""


def computes_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16; without them bfloat16 is only slower.

    The environment variable ``ONEDNN_MAX_CPU_ISA``, which limits the instructions that PyTorch's convolutions
    use, counts too: with ``AVX512_CORE``, every processor computes in float32.

    Example:
        >>> computes_bfloat16() in (True, False)
        True
    """
    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() in _WITHOUT:
        return False
    return any(getattr(torch.cpu, name, bool)() for name in _INSTRUCTIONS)


class Bfloat16OnCpu(SimpleInferer):
    """Run the network in bfloat16 during training if the CPU computes in it; the output is float32.

    Weights and their sums stay float32, as in ``torch.autocast``. Otherwise this is MONAI's
    ``SimpleInferer``: on a GPU the engines have ``amp``.

    Args:
        enabled: True to use bfloat16 on every CPU, False to never use it; by default it is used if the CPU
            has instructions for it.

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
        """Return the output of the network for a batch.

        Args:
            inputs: batch of images.
            network: network that returns one tensor.
            args: further arguments of the network.
            kwargs: further keyword arguments of the network.
        """
        halved = self.enabled and inputs.device.type == "cpu"
        with torch.autocast("cpu", dtype=torch.bfloat16) if halved else nullcontext():
            output: torch.Tensor = super().__call__(inputs, network, *args, **kwargs)
        return output.float() if halved else output
