"""SkipSwinUNet compared with MONAI's SwinUNETR: `python benchmarks/skip_swin_unet.py`.

The table also has the matrix products of SkipSwinUNet alone. SwinUNETR needs the package einops. With 48
features it has 25 million parameters; ours has 27.
"""

from functools import partial

import torch
from harness import compare
from monai.networks.nets import SwinUNETR
from torch import Tensor, nn

from cellseg_monai.networks import SkipSwinUNet


def matrix_products(network: nn.Module, image: Tensor) -> list[tuple[nn.Module, Tensor]]:
    """Linear layers and convolutions of the network with their inputs."""
    calls: list[tuple[nn.Module, Tensor]] = []
    hooks = [
        layer.register_forward_hook(lambda module, inputs, _: calls.append((module, inputs[0])))
        for layer in network.modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    ]
    network(image)
    for hook in hooks:
        hook.remove()
    return calls


def replay(calls: list[tuple[nn.Module, Tensor]]) -> None:
    """Run the layers alone."""
    for layer, features in calls:
        layer(features)


@torch.inference_mode()
def main() -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    ours = SkipSwinUNet(3, 1).eval()
    fusion = SkipSwinUNet(3, 1, skip="fusion").eval()
    peer = SwinUNETR(in_channels=3, out_channels=1, feature_size=48, spatial_dims=2).eval()
    for side, repeats in ((224, 7), (512, 3)):
        image = torch.rand(1, 3, side, side)
        calls = {
            "MONAI SwinUNETR, 48 features": partial(peer, image),
            "SkipSwinUNet": partial(ours, image),
            "SkipSwinUNet, fusion": partial(fusion, image),
            "its matrix products alone": partial(replay, matrix_products(ours, image)),
        }
        compare(f"prediction of 1 x 3 x {side}², one thread", calls, repeats)


if __name__ == "__main__":
    main()
