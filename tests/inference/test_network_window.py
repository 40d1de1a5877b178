import pytest
import torch
from monai.networks.nets import UNETR, BasicUNetPlusPlus, SwinUNETR, UNet
from torch import nn

from cellseg_monai.inference.network_window import window_bound
from cellseg_monai.networks import AttentionUNetPlusPlus, PatchAttentionUNet, SkipSwinUNet, SkipUNet

SMALL = {"spatial_dims": 2, "in_channels": 1, "out_channels": 1, "channels": (8, 16, 32)}


@pytest.mark.parametrize(
    ("network", "kind"),
    [
        (PatchAttentionUNet(**SMALL), "GroupNorm"),
        (PatchAttentionUNet(**SMALL, weight_standardised=False, norm="batch"), None),
        (AttentionUNetPlusPlus(**SMALL, gates=[]), None),
        (SkipUNet(**SMALL), None),
        (torch.jit.script(SkipUNet(**SMALL).eval()), None),
        (SkipSwinUNet(1, 1, feature_size=8, depths=(2, 2), num_heads=(1, 2)), "LayerNorm"),
        (UNet(**SMALL, strides=(2, 2), norm="batch"), None),
        (UNet(**SMALL, strides=(2, 2)), "InstanceNorm2d"),
        (BasicUNetPlusPlus(2, 1, 1, features=(8,) * 6), "InstanceNorm2d"),
        (SwinUNETR(1, 1, feature_size=12, spatial_dims=2), "LayerNorm"),
        (UNETR(1, 1, 32, hidden_size=24, num_heads=2, mlp_dim=24, spatial_dims=2), "PatchEmbeddingBlock"),
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.AdaptiveAvgPool2d(1)), "AdaptiveAvgPool2d"),
        (nn.BatchNorm2d(1, track_running_stats=False), "BatchNorm2d"),
    ],
    ids=[
        "group",
        "ours-batch",
        "unetpp",
        "unet",
        "scripted",
        "swin",
        "monai-batch",
        "monai",
        "basic",
        "swin_unetr",
        "unetr",
        "global-pool",
        "no-statistics",
    ],
)
def test_parts_that_look_at_the_whole_window_are_found(network, kind):
    found = window_bound(network.eval())
    assert (found is None) if kind is None else found.endswith(f"({kind})")


def test_batch_norm_in_training_normalises_over_the_window():
    assert window_bound(nn.BatchNorm2d(1).eval()) is None
    assert window_bound(nn.BatchNorm2d(1).train()) == "the network (BatchNorm2d)"


def test_what_cannot_be_looked_into_is_bound():
    assert "function" in window_bound(lambda windows: windows)


@pytest.mark.parametrize(
    "network", [SkipUNet(**SMALL), UNet(**SMALL, strides=(2, 2), norm="batch")], ids=["ours", "monai"]
)
def test_far_from_its_edge_a_window_without_such_parts_is_like_any_other(network):
    image = torch.rand(1, 1, 160, 160)
    with torch.no_grad():
        whole, part = network.eval()(image), network(image[..., :128])
    assert window_bound(network) is None
    torch.testing.assert_close(part[..., :64], whole[..., :64], atol=1e-5, rtol=0)
