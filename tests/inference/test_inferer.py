import logging

import pytest
import torch
from monai.data import MetaTensor
from monai.engines import SupervisedEvaluator
from monai.inferers import SlidingWindowInferer
from torch import nn

from cellseg_monai.inference import TiledInferer
from cellseg_monai.networks import PatchAttentionUNet, SkipSwinUNet, SkipUNet


def network(dims: int = 2, channels: int = 1, outputs: int = 1) -> nn.Module:
    """Looks beyond its pixel, and tells the edge of a window from its middle: as real ones do."""
    torch.manual_seed(0)
    conv = nn.Conv2d if dims == 2 else nn.Conv3d
    return nn.Sequential(conv(channels, 4, 5, padding=2), nn.ReLU(), conv(4, outputs, 3, padding=1)).eval()


def monai_result(image, model, window, overlap=0.25, blending="constant", **options):
    with torch.no_grad():
        return SlidingWindowInferer(window, 4, overlap, blending, **options)(image, model)


@pytest.mark.parametrize("blending", ["constant", "gaussian"])
@pytest.mark.parametrize("overlap", [0, 0.25, 0.5, 0.7], ids=str)
@pytest.mark.parametrize(
    ("shape", "window"),
    [
        ((1, 1, 64, 64), (32, 32)),
        ((1, 3, 75, 53), (32, 24)),
        ((3, 1, 20, 70), (32, 32)),
        ((1, 1, 21, 19), (32, 32)),
        ((1, 1, 40, 40), (40, 40)),
        ((2, 1, 47, 33), (16, -1)),
        ((1, 2, 20, 25, 30), (16, 12, 16)),
        ((2, 1, 7, 25, 30), (8, 12, 64)),
    ],
    ids=["divides", "odd", "thin", "small", "equal", "whole-side", "3d", "3d-thin"],
)
def test_equals_monai(shape, window, overlap, blending):
    image, model = torch.rand(shape), network(len(shape) - 2, shape[1], outputs=2)
    found = TiledInferer(window, overlap, blending)(image, model)
    expected = monai_result(image, model, window, overlap, blending)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "model",
    [
        PatchAttentionUNet(2, 1, 1, channels=(8, 16)),
        SkipUNet(2, 1, 2, channels=(8, 16)),
        SkipSwinUNet(1, 1, feature_size=8, depths=(2, 2), num_heads=(1, 2)),
    ],
    ids=lambda model: type(model).__name__,
)
def test_equals_monai_with_networks_of_the_package(model):
    image = torch.rand(1, 1, 100, 130)
    found = TiledInferer(64, 0.25, "gaussian")(image, model.eval())
    torch.testing.assert_close(
        found, monai_result(image, model, (64, 64), 0.25, "gaussian"), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"sigma_scale": 0.3}, {"sigma_scale": 0.3}),
        ({"padding_mode": "reflect"}, {"padding_mode": "reflect"}),
        ({"batch_size": 3}, {}),
        ({"channels_last": True}, {}),
        ({"device": "cpu"}, {"device": "cpu"}),
        ({"progress": False}, {}),
    ],
    ids=lambda options: "-".join(options) or "default",
)
def test_options_of_monai(ours, theirs):
    image, model = torch.rand(1, 1, 30, 90), network()
    found = TiledInferer(40, blending="gaussian", **ours)(image, model)
    torch.testing.assert_close(
        found, monai_result(image, model, (40, 40), 0.25, "gaussian", **theirs), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("sigma_scale", [0.05, 0.3])
def test_sigma_scale_and_padding_matter(sigma_scale):
    image, model = torch.rand(1, 1, 30, 90), network()
    default = TiledInferer(40)(image, model)
    assert not torch.allclose(TiledInferer(40, sigma_scale=sigma_scale)(image, model), default)
    assert not torch.allclose(TiledInferer(40, padding_mode="replicate")(image, model), default)


def test_overlap_in_pixels():
    image, model = torch.rand(1, 1, 90, 90), network()
    torch.testing.assert_close(
        TiledInferer(40, overlap=10)(image, model), TiledInferer(40, overlap=0.25)(image, model)
    )


class ManyAnswers(nn.Module):
    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form
        self.conv = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, image):
        logits = self.conv(image)
        forms = {
            "list of one": [logits],
            "tuple": (logits, image),
            "dict": {"cells": logits, "again": image},
            "small": logits[..., ::2, ::2],
            "text": ["logits"],
        }
        return forms[self.form]


@pytest.mark.parametrize("form", ["list of one", "tuple", "dict"])
def test_forms_of_answers_are_as_with_monai(form):
    image, model = MetaTensor(torch.rand(2, 1, 50, 60)), ManyAnswers(form)
    found, expected = (
        TiledInferer(32)(image, model),
        monai_result(image, model, (32, 32), blending="gaussian"),
    )
    assert type(found) is type(expected)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_answers_that_cannot_be_stitched_are_refused():
    image = torch.rand(1, 1, 50, 60)
    with pytest.raises(ValueError, match="returned 16 x 16 pixels for a window of 32 x 32"):
        TiledInferer(32)(image, ManyAnswers("small"))
    with pytest.raises(TypeError, match="returned a str"):
        TiledInferer(32)(image, ManyAnswers("text"))


def test_arguments_reach_the_network_but_no_second_image():
    image = torch.rand(1, 1, 50, 60)
    model = lambda windows, factor, shift: windows * factor + shift  # noqa: E731
    torch.testing.assert_close(TiledInferer(32)(image, model, 2, shift=1), image * 2 + 1)
    with pytest.raises(ValueError, match="second image among the arguments"):
        TiledInferer(32)(image, model, image, shift=1)


def test_meta_data_stay_as_with_monai():
    image = MetaTensor(torch.rand(1, 1, 50, 60), affine=torch.diag(torch.tensor([2.0, 3, 4, 1])))
    image.meta["filename_or_obj"] = "cells.tif"
    image.applied_operations = [{"class": "Flip"}]
    found, expected = TiledInferer(32)(image, network()), monai_result(image, network(), (32, 32))
    assert isinstance(found, MetaTensor)
    assert found.meta["filename_or_obj"] == expected.meta["filename_or_obj"] == "cells.tif"
    assert found.applied_operations == expected.applied_operations
    torch.testing.assert_close(found.affine, expected.affine)


def test_output_dtype_and_the_precision_of_sums():
    image, model = torch.rand(1, 1, 90, 50), network()
    assert TiledInferer(32)(image, model).dtype == torch.float32
    half = TiledInferer(32, output_dtype=torch.float16)(image, model)
    assert half.dtype == torch.float16
    torch.testing.assert_close(half.float(), TiledInferer(32)(image, model), atol=2e-3, rtol=0)
    assert TiledInferer(32)(image.double(), model.double()).dtype == torch.float64
    pixels = torch.randint(255, (1, 1, 90, 50), dtype=torch.uint8)
    found = TiledInferer(32)(pixels, lambda windows: windows.half() / 255)
    torch.testing.assert_close(found, pixels / 255, atol=1e-3, rtol=0)


def test_amp_computes_in_half_precision():
    seen = []
    model = network()
    model[2].register_forward_hook(lambda *call: seen.append(call[-1].dtype))
    image = torch.rand(1, 1, 40, 40)
    found = TiledInferer(32, amp=True)(image, model)
    assert set(seen) == {torch.bfloat16}
    assert not model[0]._forward_pre_hooks
    torch.testing.assert_close(found, TiledInferer(32)(image, model), atol=0.02, rtol=0)


def test_channels_last_reaches_the_network():
    orders = []

    def model(windows):
        orders.append(windows.stride())
        return windows

    image = torch.rand(1, 1, 32, 32)
    TiledInferer(32, channels_last=True)(image, model)
    TiledInferer("fit")(image, model)
    TiledInferer(32)(image, model)
    TiledInferer("fit", channels_last=False)(image, model)
    assert orders == [(1024, 1, 32, 1)] * 2 + [(1024, 1024, 32, 1)] * 2


def test_network_that_cannot_work_on_channels_last_gets_the_usual_order(caplog):
    caplog.set_level(logging.INFO)

    def model(windows):
        return windows.view(len(windows), -1).view(windows.shape)

    image = torch.rand(1, 3, 50, 40)
    torch.testing.assert_close(TiledInferer(32, channels_last=True)(image, model), image)
    assert "does not support channels_last" in caplog.text


def test_other_errors_of_the_network_are_not_swallowed():
    with pytest.raises(RuntimeError, match="expected input"):
        TiledInferer(32)(torch.rand(1, 3, 50, 40), network(channels=1))


def test_batch_size():
    sizes = []

    def model(windows):
        sizes.append(len(windows))
        return windows

    TiledInferer(16, overlap=0, batch_size=6)(torch.rand(2, 1, 64, 64), model)
    assert sizes == [6, 6, 6, 6, 6, 2]


@pytest.mark.parametrize("window", ["auto", 48])
def test_compiled_network_is_kept(window, monkeypatch):
    calls = []
    monkeypatch.setattr(torch, "compile", lambda model: calls.append(model) or model)
    inferer, model = TiledInferer(window, compiled=True), network()
    for _ in range(2):
        inferer(torch.rand(1, 1, 60, 60), model)
    assert calls == [model]
    TiledInferer(window)(torch.rand(1, 1, 60, 60), model)
    assert calls == [model]


@pytest.mark.parametrize(
    ("shape", "window"),
    [((1, 1, 96, 64), 32), ((1, 1, 60, 90), "auto"), ((1, 1, 8, 24, 24), (8, 24, 24))],
    ids=["windows", "auto", "3d"],
)
def test_augmented_result_turns_with_the_image(shape, window):
    image, model = torch.rand(shape), network(len(shape) - 2)
    inferer = TiledInferer(window, overlap=0, blending="constant", patch_size=16, tta=True)
    upright = inferer(image, model)
    for turns in range(4):
        turned = inferer(image.rot90(turns, (-2, -1)), model)
        torch.testing.assert_close(turned, upright.rot90(turns, (-2, -1)), atol=1e-5, rtol=0)
        flipped = inferer(image.rot90(turns, (-2, -1)).flip(-1), model)
        torch.testing.assert_close(flipped, turned.flip(-1), atol=1e-5, rtol=0)
    plain = TiledInferer(window, overlap=0, blending="constant", patch_size=16)(image, model)
    assert not torch.allclose(plain, upright)


def test_given_rectangles_are_flipped_alone():
    shapes = []

    def model(windows):
        shapes.append(tuple(windows.shape[2:]))
        return windows

    image = torch.rand(1, 1, 32, 48)
    torch.testing.assert_close(TiledInferer((16, 48), tta=True, overlap=0)(image, model), image)
    assert set(shapes) == {(16, 48)}
    assert len(shapes) == 4


class Limited(nn.Module):
    """Runs out of memory above so many pixels, like a small GPU."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        self.pixels = pixels
        self.seen: list[int] = []

    def forward(self, windows):
        pixels = windows.numel()
        self.seen.append(pixels)
        if pixels > self.pixels:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return self.conv(windows)


def test_out_of_memory_halves_the_batch_and_says_so(caplog):
    image, model = torch.rand(1, 1, 128, 128), Limited(pixels=2 * 32**2)
    inferer = TiledInferer(32, overlap=0, batch_size=8)
    found = inferer(image, model)
    assert [pixels // 32**2 for pixels in model.seen] == [8, 4, 2, 2, 2, 2, 2, 2, 2, 2]
    assert "out of memory with 8 windows at a time; continuing with 4" in caplog.text
    assert "continuing with 2" in caplog.text
    model.seen.clear()
    inferer(image, model)
    assert model.seen[0] == 2 * 32**2, "the next image begins with what fitted"
    model.pixels = 10**9
    torch.testing.assert_close(found, monai_result(image, model, (32, 32), 0))


def test_out_of_memory_makes_found_windows_smaller(caplog):
    image, model = torch.rand(1, 1, 600, 600), Limited(pixels=200**2)
    found = TiledInferer("auto", patch_size=64)(image, model)
    assert "using windows of 65,536 pixels" in caplog.text
    assert "using windows of 16,384 pixels" in caplog.text
    model.pixels = 10**9
    torch.testing.assert_close(found[..., 9:-9, 9:-9], model.conv(image)[..., 9:-9, 9:-9], atol=0.05, rtol=0)


def test_out_of_memory_with_one_given_window_is_an_error():
    with pytest.raises(RuntimeError, match="with one window of 32 x 32; set a smaller window"):
        TiledInferer(32)(torch.rand(1, 1, 64, 64), Limited(pixels=100))


def test_auto_keeps_the_patch_for_networks_that_depend_on_the_window(caplog):
    caplog.set_level(logging.INFO)
    image = torch.rand(1, 1, 200, 150)
    model = PatchAttentionUNet(2, 1, 1, channels=(8, 16)).eval()
    inferer = TiledInferer("auto", patch_size=64)
    for _ in range(2):
        found = inferer(image, model)
    torch.testing.assert_close(found, TiledInferer(64)(image, model), atol=1e-3, rtol=0)
    assert caplog.text.count("windows stay at patch_size=64") == 1
    assert "encoder.first.1.N (GroupNorm)" in caplog.text


def test_fit_enlarges_for_any_network():
    image = torch.rand(1, 1, 192, 160)
    model = PatchAttentionUNet(2, 1, 1, channels=(8, 16)).eval()
    with torch.no_grad():
        fitted = TiledInferer("fit", patch_size=64)(image, model)
        torch.testing.assert_close(fitted, model(image), atol=1e-3, rtol=0)


def test_auto_is_nearer_to_the_whole_image_than_small_windows():
    torch.manual_seed(1)
    model = SkipUNet(2, 1, 1, channels=(8, 16, 32)).eval()
    image = torch.rand(1, 1, 704, 1088)
    with torch.no_grad():
        whole = model(image)
    deviation = {
        window: (TiledInferer(window, patch_size=64)(image, model) - whole).abs().mean()
        for window in (64, "auto")
    }
    assert deviation["auto"] < 0.5 * deviation[64]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": "large"}, "window must be a size, 'auto' or 'fit', not 'large'"),
        ({"window": 64, "overlap": 64}, "pixels below the 64 of the window, not 64"),
        ({"overlap": 1.0}, "overlap must be a fraction from 0 to below 1"),
        ({"overlap": -0.1}, "overlap must be a fraction from 0 to below 1"),
        ({"blending": "linear"}, "blending must be one of gaussian, constant, not 'linear'"),
        ({"sigma_scale": 0}, "sigma_scale must be above 0, not 0"),
        ({"patch_size": 0}, "patch_size must be at least 1 pixel, not 0"),
        ({"batch_size": 0}, "batch_size must be at least 1 window, not 0"),
        ({"padding_mode": "mirror"}, "padding_mode must be one of constant, reflect"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_options_are_checked_when_made(options, message):
    with pytest.raises(ValueError, match=message):
        TiledInferer(**options)


def test_images_without_batch_are_refused():
    with pytest.raises(ValueError, match=r"shape \(images, channels, …\), not \(64, 64\)"):
        TiledInferer(32)(torch.rand(64, 64), network())


def test_in_an_evaluator_of_monai():
    images = [{"image": MetaTensor(torch.rand(1, 1, 50, 70))} for _ in range(2)]
    evaluator = SupervisedEvaluator(
        "cpu", images, network(), inferer=TiledInferer(window="auto", patch_size=32)
    )
    evaluator.run()
    assert evaluator.state.output[0]["pred"].shape == (1, 50, 70)


@pytest.mark.gpu
@pytest.mark.parametrize("home", ["cpu", "cuda"])
@pytest.mark.parametrize("result", [None, "cpu", "cuda"])
def test_devices_give_the_same(home, result):
    image, model = torch.rand(2, 1, 300, 200), network()
    expected = TiledInferer(64)(image, model)
    found = TiledInferer(64, device=result)(image.to(home), model.cuda())
    assert found.device.type == (result or home)
    torch.testing.assert_close(found.cpu(), expected, atol=1e-4, rtol=0)
