"""Half precision on a CPU: where the processor has instructions for it, unless it is switched off."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser

from cellseg_monai.runtime import bfloat16_on

BUNDLE = Path(__file__).resolve().parents[2] / "bundles/patch_attention_unet"


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that computes in bfloat16."""
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)


def parsed(config: str, **options: Any) -> ConfigParser:
    parser = ConfigParser(ConfigParser.load_config_file(BUNDLE / f"configs/{config}.json"))
    parser.update({"bundle_root": str(BUNDLE), "device": "$torch.device('cpu')", **options})
    return parser


@pytest.mark.usefixtures("able")
@pytest.mark.parametrize(
    ("device", "wanted", "expected"),
    [
        ("cpu", None, True),
        ("cpu", False, False),
        ("cpu", True, True),
        ("cuda", None, False),
        ("mps", True, False),
    ],
)
def test_on_a_cpu_that_has_the_instructions(device: str, wanted: bool | None, expected: bool) -> None:
    assert bfloat16_on(torch.device(device), wanted) is expected


def test_without_the_instructions_only_if_it_is_wanted() -> None:
    assert not bfloat16_on("cpu")
    assert bfloat16_on("cpu", wanted=True)


@pytest.mark.usefixtures("able")
@pytest.mark.parametrize("config", ["inference", "train"])
def test_a_bundle_uses_it_and_says_so_once(config: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    parser = parsed(config)
    names = ["inferer"] if config == "inference" else ["validate#inferer", "inferer"]
    assert all(parser.get_parsed_content(name).amp for name in names)
    assert caplog.text.count("bfloat16_on_cpu=False computes in float32") == 1


@pytest.mark.usefixtures("able")
@pytest.mark.parametrize("options", [{"bfloat16_on_cpu": False}, {"inferer#amp": False}], ids=str)
def test_it_can_be_switched_off(options: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert not parsed("inference", **options).get_parsed_content("inferer").amp
    assert not parsed("train", **options).get_parsed_content("validate#inferer").amp
    assert "bfloat16" not in caplog.text


def test_the_overlay_for_scores_follows_the_inference() -> None:
    files = [BUNDLE / f"configs/{name}.json" for name in ("train", "evaluate")]
    parser = ConfigParser(ConfigParser.load_config_files([str(file) for file in files]))
    parser.update({"bundle_root": str(BUNDLE), "bfloat16_on_cpu": True, "device": "$torch.device('cpu')"})
    assert parser.get_parsed_content("validate#inferer").amp
