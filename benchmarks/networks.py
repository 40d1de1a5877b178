"""Every network of the registry compared with MONAI's AttentionUnet: `python benchmarks/networks.py`.

Convolutional networks have the same widths; transformers are as published or have their default sizes.
"""

import argparse
from collections.abc import Callable
from functools import partial

import torch
from harness import compare
from monai.networks.nets import UNETR, AttentionUnet, BasicUNetPlusPlus, SwinUNETR, UNet
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cellseg_monai.networks import AttentionUNetPlusPlus, PatchAttentionUNet, SkipSwinUNet, SkipUNet

WIDTHS = (32, 64, 128, 256, 512)
PATCHES, IMAGE = (4, 1, 128, 128), (1, 1, 512, 512)


def networks(side: int) -> dict[str, nn.Module]:
    """Networks with one input and one output channel for images of a size; the reference is first."""
    any_width = {"spatial_dims": 2, "in_channels": 1, "out_channels": 1}
    ours = {**any_width, "channels": WIDTHS}
    return {
        "MONAI AttentionUnet": AttentionUnet(**ours, strides=(2, 2, 2, 2)),
        "PatchAttentionUNet": PatchAttentionUNet(**ours),
        "PatchAttentionUNet, additive gates": PatchAttentionUNet(**ours, gate="additive"),
        "PatchAttentionUNet, plain weights": PatchAttentionUNet(**ours, weight_standardised=False),
        "PatchAttentionUNet, plain, batch norm": PatchAttentionUNet(
            **ours, weight_standardised=False, norm="batch"
        ),
        "AttentionUNetPlusPlus": AttentionUNetPlusPlus(**ours),
        "AttentionUNetPlusPlus, no gates": AttentionUNetPlusPlus(**ours, gates=[]),
        "AttentionUNetPlusPlus, output_depth=2": AttentionUNetPlusPlus(
            **ours, deep_supervision=True, output_depth=2
        ),
        "SkipUNet, standard": SkipUNet(**ours),
        "SkipUNet, convolutional": SkipUNet(**ours, skip="convolutional"),
        "SkipUNet, fusion": SkipUNet(**ours, skip="fusion"),
        "SkipUNet, nontrainable": SkipUNet(**ours, upsample="nontrainable"),
        "SkipSwinUNet": SkipSwinUNet(1, 1),
        "MONAI UNet": UNet(**ours, strides=(2, 2, 2, 2), num_res_units=2),
        "MONAI BasicUNetPlusPlus": BasicUNetPlusPlus(**any_width, features=(*WIDTHS, WIDTHS[0])),
        "MONAI SwinUNETR": SwinUNETR(**any_width, feature_size=24),
        "MONAI UNETR": UNETR(**any_width, img_size=side),
    }


def forward(network: nn.Module, image: torch.Tensor) -> None:
    """Predict once."""
    network.eval()
    with torch.inference_mode():
        network(image)


def training_step(network: nn.Module, image: torch.Tensor) -> None:
    """Run a forward pass, a backward pass and an optimiser step."""
    network.train()
    outputs = network(image)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    sum(logits.square().mean() for logits in outputs).backward()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.grad is not None:
                parameter.sub_(parameter.grad, alpha=1e-6)
                parameter.grad = None


def giga_multiply_adds(network: nn.Module, image: torch.Tensor) -> float:
    """Multiply-adds of the convolutions in one prediction, in billions."""
    with FlopCounterMode(display=False) as counter:
        forward(network, image)
    return counter.get_total_flops() / 2e9


def mebibytes_kept(network: nn.Module, image: torch.Tensor) -> float:
    """MiB that a training step keeps for the backward pass, without weights; shared memory counts once."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept: dict[int, int] = {}

    def count(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()  # a tensor with its graph, stored in the graph, would never be freed

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        outputs = network.train()(image)  # kept until everything is counted, so that no address is reused
    del outputs
    return sum(kept.values()) / 2**20


def work(shape: tuple[int, ...]) -> None:
    """Print parameters, multiply-adds and memory for training, which do not depend on the machine."""
    image = torch.rand(shape)
    rows = {
        name: (
            sum(parameter.numel() for parameter in network.parameters()),
            giga_multiply_adds(network, image),
            mebibytes_kept(network, image),
        )
        for name, network in networks(shape[-1]).items()
    }
    _, yardstick, _ = next(iter(rows.values()))
    print(f"\nwork of one prediction of {size(shape)}")
    print(f"{'':40} parameters  G mult-adds   ratio  MiB kept for backward")
    for name, (parameters, operations, kept) in rows.items():
        print(f"{name:40} {parameters:10,} {operations:12.2f} {operations / yardstick:7.2f} {kept:12,.0f}")


def size(shape: tuple[int, ...]) -> str:
    """Format a shape, such as 4 x 128²."""
    return f"{shape[0]} x {shape[-1]}²"


def timed(
    title: str, step: Callable[[nn.Module, torch.Tensor], None], shape: tuple[int, ...], repeats: int
) -> None:
    """Time every network at one size."""
    calls = {name: partial(step, network, torch.rand(shape)) for name, network in networks(shape[-1]).items()}
    compare(f"{title} of {size(shape)}", calls, repeats)


def memory_orders(shape: tuple[int, ...], repeats: int) -> None:
    """Time the network of the first bundle and the reference in both memory formats."""
    image = torch.rand(shape)
    chosen = ("MONAI AttentionUnet", "PatchAttentionUNet")
    for title, step in (("prediction", forward), ("training step", training_step)):
        calls = {}
        for name in chosen:
            calls[name] = partial(step, networks(shape[-1])[name], image)
            last = networks(shape[-1])[name].to(memory_format=torch.channels_last)
            calls[f"{name}, channels last"] = partial(step, last, image)
        compare(f"{title} of {size(shape)} in two memory formats", calls, repeats)


def compiled(shape: tuple[int, ...], repeats: int) -> None:
    """Time the network of the first bundle without and with torch.compile."""
    network, image = networks(shape[-1])["PatchAttentionUNet"], torch.rand(shape)
    for title, step in (("prediction", forward), ("training step", training_step)):
        calls = {
            "eager": partial(step, network, image),
            "torch.compile": partial(step, torch.compile(network), image),
        }
        compare(f"{title} of {size(shape)}, compiled", calls, repeats)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="patches only, not compiled")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    repeats = 3
    for shape in (PATCHES,) if quick else (PATCHES, IMAGE):
        work(shape)
        timed("prediction", forward, shape, repeats)
        timed("training step", training_step, shape, repeats)
        memory_orders(shape, repeats)
    if not quick:
        compiled(PATCHES, repeats)


if __name__ == "__main__":
    main()
