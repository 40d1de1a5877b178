"""The network of a bundle as a file that needs no source code: TorchScript and ONNX."""

from pathlib import Path

import torch
from monai.networks.utils import convert_to_onnx, convert_to_torchscript
from torch import nn

ONNX_OPSET = 17


class RowsFirst(nn.Module):
    """Network that takes rows before columns, as other programs give them.

    Bundles use x before y, as MONAI does. This module transposes the image before the network and the
    output after it, so the exported file gives the same result as the bundle.

    Args:
        network: network of a bundle.
        first_is_logit: whether to apply a sigmoid to the first channel.

    Shape:
        (batch, channels, rows, columns) to (batch, output channels, rows, columns).

    Example:
        >>> right = nn.Conv2d(1, 1, (1, 3), padding=(0, 1), bias=False)  # along the last axis, which is y
        >>> _ = right.weight.data.copy_(torch.tensor([[[[1.0, 0.0, 0.0]]]]))
        >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> RowsFirst(right, first_is_logit=False)(image).tolist()
        [[[[0.0, 0.0], [1.0, 2.0]]]]
    """

    def __init__(self, network: nn.Module, first_is_logit: bool) -> None:
        super().__init__()
        self.network = network
        self.first_is_logit = first_is_logit

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Predict an image with rows before columns."""
        logits = self.network(image.transpose(2, 3))
        assert isinstance(logits, torch.Tensor)  # deep supervision gives a list in training only
        answer = logits.transpose(2, 3)
        if self.first_is_logit:
            answer = torch.cat([answer[:, :1].sigmoid(), answer[:, 1:]], dim=1)
        return answer.contiguous()


def write_torchscript(network: nn.Module, file: Path, example: torch.Tensor, any_size: bool) -> None:
    """Compile a network and save it.

    Args:
        network: network in evaluation mode.
        file: file to write.
        example: image that the network takes.
        any_size: whether the file must take other sizes too. A network that cannot be compiled is traced,
            and is then right for the size of the example only.

    Raises:
        ValueError: If the network cannot be compiled and must take any size.
    """
    try:
        convert_to_torchscript(network, filename_or_obj=str(file))
    except RuntimeError as error:  # raised for code that torch.jit cannot compile
        if any_size:
            raise ValueError(
                "the network cannot be compiled to TorchScript for images of any size: "
                f"{str(error).strip().splitlines()[0]}; set window to a number of pixels to trace it at "
                "that size"
            ) from error
        convert_to_torchscript(network, filename_or_obj=str(file), use_trace=True, inputs=[example])


def write_onnx(network: nn.Module, file: Path, example: torch.Tensor, any_size: bool) -> None:
    """Trace a network and save it as ONNX.

    Args:
        network: network in evaluation mode.
        file: file to write.
        example: image that the network takes.
        any_size: whether the file must take other sizes too.
    """
    axes = {0: "batch", **({2: "y", 3: "x"} if any_size else {})}
    convert_to_onnx(
        network,
        [example],
        input_names=["image"],
        output_names=["prediction"],
        opset_version=ONNX_OPSET,
        dynamic_axes={"image": axes, "prediction": axes},
        filename=str(file),
        dynamo=False,
    )
