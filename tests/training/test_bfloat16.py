import pytest
import torch
from monai.inferers import SimpleInferer

from cellseg_monai.networks import PatchAttentionUNet
from cellseg_monai.training import Bfloat16OnCpu, computes_bfloat16


@pytest.fixture
def network() -> PatchAttentionUNet:
    torch.manual_seed(0)
    return PatchAttentionUNet(2, 1, 2, channels=(8, 16))


@pytest.fixture
def batch() -> torch.Tensor:
    return torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def test_answer_is_nearly_that_of_float32(network: PatchAttentionUNet, batch: torch.Tensor) -> None:
    exact = SimpleInferer()(batch, network)
    found = Bfloat16OnCpu(enabled=True)(batch, network)
    assert found.dtype == torch.float32
    assert not torch.equal(found, exact)
    torch.testing.assert_close(found, exact, atol=0.05, rtol=0.05)


def test_weights_learn_in_float32(network: PatchAttentionUNet, batch: torch.Tensor) -> None:
    Bfloat16OnCpu(enabled=True)(batch, network).square().mean().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.dtype == torch.float32 for gradient in gradients)
    assert all(torch.isfinite(gradient).all() for gradient in gradients if gradient is not None)


def test_switched_off_it_is_the_simple_inferer(network: PatchAttentionUNet, batch: torch.Tensor) -> None:
    assert torch.equal(Bfloat16OnCpu(enabled=False)(batch, network), SimpleInferer()(batch, network))


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (None, True),
        ("DEFAULT", True),
        ("AVX512_CORE_AMX", True),
        ("avx512_core_bf16", True),
        ("AVX512_CORE", False),
        ("avx2", False),
    ],
)
def test_instructions_that_are_switched_off_do_not_count(
    limit: str | None, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA")
    if limit is not None:
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert computes_bfloat16() is expected


def test_by_default_where_the_processor_has_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA")
    assert Bfloat16OnCpu().enabled == computes_bfloat16()
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    assert not Bfloat16OnCpu().enabled
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")  # as of another version of PyTorch
    assert not Bfloat16OnCpu().enabled
