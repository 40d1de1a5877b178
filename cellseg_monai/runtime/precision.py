"""Half precision where the device has it."""

import torch


def on_gpu(device: str | torch.device) -> bool:
    """Whether a device is a GPU, which computes in half precision.

    Example:
        >>> on_gpu("cpu")
        False
    """
    return torch.device(device).type == "cuda"


def half_precision() -> torch.dtype:
    """bfloat16 where the GPU has it, which overflows less easily; else float16.

    Example:
        >>> half_precision().is_floating_point
        True
    """
    fits = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return torch.bfloat16 if fits else torch.float16
