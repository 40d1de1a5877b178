"""No checkpoint is at hand: small ones are made here, with the names and shapes of the published one."""

import logging
import os
import re
from math import prod

import pytest
import torch

from cellseg_monai.networks import SkipSwinUNet, load_swin_tiny

TINY_DEPTHS = (2, 2, 6, 2)
BUFFERS = ("relative_position_index", "attn_mask")


def published_shapes(width=96, depths=TINY_DEPTHS, heads=(3, 6, 12, 24), window=7, classes=1000):
    """Parameters of the Swin Transformer, listed from the publication's code and independent of ours."""
    shapes = {
        "patch_embed.proj.weight": (width, 3, 4, 4),
        "patch_embed.proj.bias": (width,),
        "patch_embed.norm.weight": (width,),
        "patch_embed.norm.bias": (width,),
    }
    for layer, depth in enumerate(depths):
        c = width * 2**layer
        for index in range(depth):
            block = {
                "norm1.weight": (c,),
                "norm1.bias": (c,),
                "attn.relative_position_bias_table": ((2 * window - 1) ** 2, heads[layer]),
                "attn.qkv.weight": (3 * c, c),
                "attn.qkv.bias": (3 * c,),
                "attn.proj.weight": (c, c),
                "attn.proj.bias": (c,),
                "norm2.weight": (c,),
                "norm2.bias": (c,),
                "mlp.fc1.weight": (4 * c, c),
                "mlp.fc1.bias": (4 * c,),
                "mlp.fc2.weight": (c, 4 * c),
                "mlp.fc2.bias": (c,),
            }
            shapes |= {f"layers.{layer}.blocks.{index}.{name}": shape for name, shape in block.items()}
        if layer < len(depths) - 1:
            shapes[f"layers.{layer}.downsample.reduction.weight"] = (2 * c, 4 * c)
            shapes[f"layers.{layer}.downsample.norm.weight"] = (4 * c,)
            shapes[f"layers.{layer}.downsample.norm.bias"] = (4 * c,)
    last = width * 2 ** (len(depths) - 1)
    shapes |= {"norm.weight": (last,), "norm.bias": (last,)}
    return shapes | {"head.weight": (classes, last), "head.bias": (classes,)}


NARROW = {"width": 4, "heads": (1, 2, 4, 8), "window": 3, "classes": 5}


@pytest.fixture
def weights():
    torch.manual_seed(1)
    return {name: torch.randn(shape) for name, shape in published_shapes(**NARROW).items()}


@pytest.fixture
def checkpoint(tmp_path, weights):
    path = tmp_path / "swin_tiny.pth"
    buffers = {
        f"layers.{layer}.blocks.1.attn.{name}": torch.zeros(9, 9) for layer in range(4) for name in BUFFERS
    }
    torch.save({"model": {**weights, **buffers}}, path)
    return path


def build(in_channels=3, **changes):
    torch.manual_seed(0)
    options = {"feature_size": 4, "num_heads": (1, 2, 4, 8), "window_size": 3, "skip": "fusion", **changes}
    return SkipSwinUNet(in_channels, 1, **options)


def own_name(name):
    return name.replace("mlp.fc", "mlp.linear")


def is_deeper_than_swin_unet(name):
    return name.startswith("layers.2.blocks.") and int(name.split(".")[3]) >= 2


def test_the_reference_list_is_that_of_swin_tiny():
    assert sum(map(prod, published_shapes().values())) == 28_288_354  # as published, with the classifier


def test_every_encoder_tensor_arrives_bit_for_bit(checkpoint, weights):
    network = build()
    report = load_swin_tiny(network, checkpoint, decoder=False)
    own = network.state_dict()
    expected = [n for n in weights if not n.startswith("head.") and not is_deeper_than_swin_unet(n)]
    for name in expected:
        assert torch.equal(own[own_name(name)], weights[name]), name
    assert sorted(report.matched) == sorted(map(own_name, expected))
    assert sorted(report.unexpected) == sorted(own_name(n) for n in weights if is_deeper_than_swin_unet(n))
    assert report.mismatched == ()


def test_matched_and_missing_are_the_whole_network(checkpoint):
    network = build()
    report = load_swin_tiny(network, checkpoint)
    assert sorted(report.matched + report.missing) == sorted(network.state_dict())
    heads = {name.split(".")[0] for name in report.missing}
    assert heads == {"skips", "layers_up", "concat_back_dim", "norm_up", "up", "output"}
    assert not [name for name in report.missing if ".blocks." in name]


def test_what_is_missing_keeps_its_values(checkpoint):
    network, untouched = build(), build().state_dict()
    report = load_swin_tiny(network, checkpoint)
    assert all(torch.equal(network.state_dict()[name], untouched[name]) for name in report.missing)


def test_the_decoder_starts_from_the_encoder_blocks_of_its_level(checkpoint, weights):
    network = build()
    load_swin_tiny(network, checkpoint)
    for level, stage in ((2, 1), (1, 2), (0, 3)):
        for name, tensor in network.layers_up[stage].blocks.state_dict().items():
            published = f"layers.{level}.blocks.{name}".replace("mlp.linear", "mlp.fc")
            assert torch.equal(tensor, weights[published]), name


def test_without_the_decoder_it_keeps_its_values(checkpoint):
    network, untouched = build(), build().state_dict()
    report = load_swin_tiny(network, checkpoint, decoder=False)
    assert not [name for name in report.matched if name.startswith("layers_up")]
    assert all(
        torch.equal(t, untouched[n]) for n, t in network.state_dict().items() if n.startswith("layers_up")
    )


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_other_channels_share_the_colour_filters(checkpoint, weights, channels):
    network = build(in_channels=channels)
    load_swin_tiny(network, checkpoint)
    grey = torch.rand(1, 1, 8, 8)
    colour = torch.nn.functional.conv2d(
        grey.expand(1, 3, 8, 8),
        weights["patch_embed.proj.weight"],
        weights["patch_embed.proj.bias"],
        stride=4,
    )
    torch.testing.assert_close(network.patch_embed.proj(grey.expand(1, channels, 8, 8)), colour)


def test_weights_alone_are_read_too(tmp_path, weights):
    torch.save(weights, tmp_path / "alone.pth")
    network = build()
    assert load_swin_tiny(network, tmp_path / "alone.pth").matched
    assert torch.equal(network.norm.weight, weights["norm.weight"])


def timm_name(name):
    """Names of timm 0.9 and later, listed from its ``SwinTransformer``: no buffers, a nested classifier."""
    stage = re.match(r"layers\.(\d)\.downsample\.(.+)", name)
    if stage:
        return f"layers.{int(stage[1]) + 1}.downsample.{stage[2]}"
    return name.replace("head.", "head.fc.")


@pytest.mark.parametrize("head", [True, False], ids=["classifier", "features"])
def test_names_of_timm_give_the_same_encoder(tmp_path, checkpoint, weights, head):
    named = {timm_name(name): tensor for name, tensor in weights.items() if head or "head" not in name}
    assert "layers.0.downsample.norm.weight" not in named
    assert ("head.fc.weight" in named) == head
    torch.save(named, tmp_path / "timm.pth")
    published, packaged = build().eval(), build().eval()
    assert load_swin_tiny(packaged, tmp_path / "timm.pth") == load_swin_tiny(published, checkpoint)
    image = torch.rand(1, 3, 96, 96)
    features = []
    for network in (published, packaged, build().eval()):
        tokens = network.patch_embed(image)
        for stage in network.layers:
            tokens = stage(tokens)
        features.append(network.norm(tokens))
    assert features[0].equal(features[1])
    assert not torch.allclose(features[0], features[2])


def test_the_published_widths_fit(tmp_path):
    shapes = published_shapes()
    torch.save(
        {"model": {n: torch.zeros(1).expand(shape) for n, shape in shapes.items()}}, tmp_path / "tiny.pth"
    )
    with torch.device("meta"):
        network = SkipSwinUNet(3, 1)
    own = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    for name, shape in shapes.items():
        if not name.startswith("head.") and not is_deeper_than_swin_unet(name):
            assert own[own_name(name)] == shape


def test_another_window_is_a_mismatch_by_name_and_shape(checkpoint, caplog):
    with caplog.at_level(logging.INFO):
        report = load_swin_tiny(build(window_size=2), checkpoint, decoder=False)
    assert len(report.mismatched) == sum((2, 2, 2, 2))
    assert report.mismatched[0] == (
        "layers.0.blocks.0.attn.relative_position_bias_table: (25, 1) in the file, (9, 1) in the network"
    )
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert report.mismatched[0] in caplog.text


def test_a_complete_encoder_is_logged_as_information(checkpoint, caplog):
    with caplog.at_level(logging.INFO):
        load_swin_tiny(build(), checkpoint)
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert str(checkpoint) in caplog.text


def test_a_missing_encoder_tensor_is_a_warning(tmp_path, weights, caplog):
    del weights["norm.weight"]
    torch.save(weights, tmp_path / "part.pth")
    report = load_swin_tiny(build(), tmp_path / "part.pth")
    assert "norm.weight" in report.missing
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_nothing_that_fits_is_refused(tmp_path):
    path = tmp_path / "resnet.pth"
    torch.save({"conv1.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(ValueError, match=r"no tensor of .*resnet.pth fits .* 1 unexpected \(conv1.weight\)"):
        load_swin_tiny(build(), path)


class Executed:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_nothing_in_the_file_is_executed(tmp_path):
    path, trace = tmp_path / "evil.pth", tmp_path / "executed"
    torch.save({"model": {"norm.weight": torch.ones(32)}, "config": Executed(trace)}, path)
    with pytest.raises(
        ValueError, match=r"evil.pth is not a checkpoint of plain tensors; save only the state"
    ):
        load_swin_tiny(build(), path)
    assert not trace.exists()


@pytest.mark.parametrize(
    "content", [b"", b"not a checkpoint", b"PK\x03\x04 broken"], ids=["empty", "text", "broken zip"]
)
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "other.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"other.pth is not a checkpoint of plain tensors"):
        load_swin_tiny(build(), path)


@pytest.mark.parametrize("content", [[torch.ones(2)], {"model": {"epoch": 3}}, torch.ones(2)], ids=str)
def test_tensors_in_another_form_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "form.pth")
    with pytest.raises(
        ValueError, match=r"form.pth does not contain a dictionary of tensors; save only the state"
    ):
        load_swin_tiny(build(), tmp_path / "form.pth")


def test_a_path_without_a_file(tmp_path):
    message = r"absent.pth: there is no such .* download https://github.com/SwinTransformer/\S+ there, .*None"
    with pytest.raises(FileNotFoundError, match=message):
        load_swin_tiny(build(), tmp_path / "absent.pth")
