"""The network of a bundle as a file that needs no source code: TorchScript, and ONNX."""

from pathlib import Path

import torch
from monai.networks.utils import convert_to_onnx, convert_to_torchscript
from torch import nn

ONNX_OPSET = 17


class RowsFirst(nn.Module):
    """A network of a bundle that takes rows before columns, as other programs give them.

    The bundles keep x before y, as MONAI does. Here the image is turned before the network and its answer
    back, so that the exported file gives what the bundle gives.

    Args:
        network: of a bundle.
        first_is_logit: the first channel of its answer gets a sigmoid.

    Shape:
        (batch, channels, rows, columns) to (batch, channels of the answer, rows, columns).

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
        """What the network says of the image, turned."""
        logits = self.network(image.transpose(2, 3))
        assert isinstance(logits, torch.Tensor)  # one with deep supervision gives a list in training alone
        answer = logits.transpose(2, 3)
        if self.first_is_logit:
            answer = torch.cat([answer[:, :1].sigmoid(), answer[:, 1:]], dim=1)
        return answer.contiguous()


def write_torchscript(network: nn.Module, file: Path, example: torch.Tensor, any_size: bool) -> None:
    """Compile a network and save it.

    Args:
        network: in evaluation mode.
        file: to write.
        example: an image that it takes.
        any_size: it must take other sizes as well. A network that cannot be compiled, but only recorded on an
            example, is right for the size of the example alone.

    Raises:
        ValueError: it cannot be compiled, and must take any size.
    """
    try:
        convert_to_torchscript(network, filename_or_obj=str(file))
    except RuntimeError as error:  # what torch.jit cannot compile
        if any_size:
            raise ValueError(
                f"the network cannot be compiled to TorchScript for images of any size: "
                f"{str(error).strip().splitlines()[0]}; set window to a number of pixels, which records it "
                "at that size"
            ) from error
        convert_to_torchscript(network, filename_or_obj=str(file), use_trace=True, inputs=[example])


def write_onnx(network: nn.Module, file: Path, example: torch.Tensor, any_size: bool) -> None:
    """Save a network as ONNX, by the exporter that records it on an example.

    Args:
        network: in evaluation mode.
        file: to write.
        example: an image that it takes.
        any_size: it must take other sizes as well.
    """
    sides = {2: "y", 3: "x"} if any_size else {}
    names = {"input_names": ["image"], "output_names": ["prediction"]}
    axes = {name: {0: "batch", **sides} for name in ("image", "prediction")}
    convert_to_onnx(
        network,
        [example],
        **names,
        opset_version=ONNX_OPSET,
        dynamic_axes=axes,
        filename=str(file),
        dynamo=False,
    )
