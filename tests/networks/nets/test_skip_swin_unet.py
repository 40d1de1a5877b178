import numpy as np
import onnxruntime
import pytest
import torch

from cellseg_monai.networks import SkipSwinUNet
from tests.networks.contract import NetworkContract, Subject

# Stochastic depth is off, so that the contract's tests in training mode can compare two runs.
NARROW = {
    "feature_size": 4,
    "depths": (2, 1, 1),
    "num_heads": (1, 2, 4),
    "window_size": 5,
    "drop_path_rate": 0.0,
}
SKIPPED_FEATURES = (96, 192, 384)


class TestStandardSkips(NetworkContract):
    subject = Subject(network=SkipSwinUNet, narrow=NARROW, published={}, parameters=27_168_132)


class TestConvolutionalSkips(NetworkContract):
    subject = Subject(
        network=SkipSwinUNet,
        narrow={**NARROW, "skip": "convolutional"},
        published={"skip": "convolutional"},
        parameters=27_168_132 + sum(width * width + width for width in SKIPPED_FEATURES),
    )


class TestFusionSkips(NetworkContract):
    subject = Subject(
        network=SkipSwinUNet,
        narrow={**NARROW, "skip": "fusion"},
        published={"skip": "fusion"},
        # the features of each level to each, and biases
        parameters=27_168_132 + sum(SKIPPED_FEATURES) ** 2 + 3 * sum(SKIPPED_FEATURES),
    )


def build(**changes):
    torch.manual_seed(0)
    return SkipSwinUNet(**{"in_channels": 1, "out_channels": 1, **NARROW, **changes})


@pytest.mark.parametrize("how", ["script", "trace"])
def test_compiled_networks_take_other_sizes_than_the_example(how):
    network, example = build(skip="fusion").eval(), torch.rand(1, 1, 80, 64)
    compiled = torch.jit.script(network) if how == "script" else torch.jit.trace(network, example)
    for sides in ((16, 16), (17, 40), (113, 16)):
        image = torch.rand(2, 1, *sides)
        torch.testing.assert_close(compiled(image), network(image), atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_the_newer_onnx_exporter_agrees_too(tmp_path):
    network = build(depths=(1, 1), num_heads=(1, 2)).eval()
    path, any_height = tmp_path / "network.onnx", ({2: torch.export.Dim.DYNAMIC},)
    example, image = torch.rand(1, 1, 48, 32), torch.rand(1, 1, 29, 32)
    torch.onnx.export(network, (example,), path, dynamo=True, verbose=False, dynamic_shapes=any_height)
    session = onnxruntime.InferenceSession(path)
    (exported,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
    np.testing.assert_allclose(exported, network(image).detach(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("sides", [(15, 64), (64, 15)], ids=str)
def test_less_than_one_token_at_the_deepest_level_is_refused(sides):
    with pytest.raises(
        ValueError, match=f"{sides[0]} x {sides[1]} pixels is too small: this network needs at least 16"
    ):
        build()(torch.rand(1, 1, *sides))


def test_padding_repeats_the_edge_and_is_cropped():
    network, image = build().eval(), torch.rand(1, 1, 30, 32)
    padded = torch.cat([image, image[:, :, -1:], image[:, :, -1:]], dim=2)
    torch.testing.assert_close(network(image), network(padded)[:, :, :30])


@pytest.mark.parametrize(
    ("changes", "own"),
    [
        ({"window_size": 4}, "layers.0.blocks.0.attn.relative_position_bias_table"),
        ({"patch_size": 2}, "patch_embed.proj.weight"),
        ({"feature_size": 8}, "norm.weight"),
        ({"num_heads": (2, 2, 4)}, "layers.0.blocks.0.attn.relative_position_bias_table"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_widths_have_an_effect(changes, own):
    assert build(**changes).state_dict()[own].shape != build().state_dict()[own].shape


def test_depths_count_the_blocks_of_encoder_and_decoder():
    network = build(depths=(1, 3, 2))
    assert [len(stage.blocks) for stage in network.layers] == [1, 3, 2]
    assert [len(stage.blocks) for stage in network.layers_up[1:]] == [3, 1]


def test_every_second_block_is_shifted_by_half_a_window():
    network = build(depths=(3, 1, 1), window_size=7)
    assert [block.shift for block in network.layers[0].blocks] == [0, 3, 0]


def test_stochastic_depth_grows_to_its_rate_and_acts_in_training_alone():
    network, image = build(drop_path_rate=0.6), torch.rand(1, 1, 16, 16)
    rates = [block.drop_path.drop_prob for stage in network.layers for block in stage.blocks]
    assert rates == pytest.approx([0, 0.2, 0.4, 0.6])
    assert [block.drop_path.drop_prob for block in network.layers_up[2].blocks] == pytest.approx([0, 0.2])
    assert len({network(image).sum().item() for _ in range(16)}) > 1
    network.eval()
    assert torch.equal(network(image), network(image))


def test_the_skips_are_what_the_decoder_joins():
    """With the fused maps at zero, nothing of the encoder is left but its deepest map."""
    network, image = build(skip="fusion").eval(), torch.rand(1, 1, 32, 32)
    for level in network.skips.levels:
        torch.nn.init.zeros_(level.mix.weight)
        torch.nn.init.zeros_(level.mix.bias)
    tokens = network.patch_embed(image)
    for stage in network.layers:
        tokens = stage(tokens)
    tokens = network.layers_up[0](network.norm(tokens))
    for join, stage in zip(network.concat_back_dim[1:], network.layers_up[1:], strict=True):
        tokens = stage(join(torch.cat([tokens, torch.zeros_like(tokens)], dim=-1)))
    expected = network.output(network.up(network.norm_up(tokens)).permute(0, 3, 1, 2))
    torch.testing.assert_close(network(image), expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"in_channels": 0}, "in_channels must be at least 1, not 0"),
        ({"out_channels": 0}, "out_channels must be at least 1, not 0"),
        ({"window_size": 0}, "window_size must be at least 1, not 0"),
        ({"patch_size": 0}, "patch_size must be at least 1, not 0"),
        ({"feature_size": 0}, "feature_size must be at least 1, not 0"),
        ({"depths": (2, 0, 2)}, "depths must be at least 1, not 0"),
        ({"num_heads": (1, 0, 2)}, "num_heads must be at least 1, not 0"),
        ({"depths": (2, 2)}, r"depths \(2, 2\) and num_heads \(1, 2, 4\) must have one number for each"),
        ({"depths": (2,), "num_heads": (1,)}, "at least two levels"),
        ({"num_heads": (1, 3, 4)}, "3 heads do not divide the 8 features of level 1"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, not 1.0"),
        ({"drop_path_rate": -0.1}, "drop_path_rate must be at least 0 and below 1, not -0.1"),
        ({"skip": "none"}, "skip must be one of standard, convolutional, fusion, not 'none'"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)
