"""One postprocessing for users and for scores."""

import numpy as np
import pytest
import torch
from monai.transforms import Compose, Invertd

from cellseg_monai.instances import (
    Cellsd,
    ClassMapd,
    Componentsd,
    Foregroundd,
    Probabilityd,
    RegrownInteriorsd,
    WatershedFromDistanced,
)

CASES = {
    "foreground": (Componentsd("pred"), 1),
    "foreground and distance": (WatershedFromDistanced("pred"), 2),
    "interior": (RegrownInteriorsd("pred"), 3),
    "classes": (ClassMapd("pred"), 4),
}


def logits(channels: int) -> torch.Tensor:
    return 4 * torch.randn(channels, 20, 30, generator=torch.Generator().manual_seed(channels))


@pytest.mark.parametrize("case", CASES)
def test_both_together_are_the_decoding(case: str) -> None:
    decoding, channels = CASES[case]
    item = Compose([Foregroundd("pred", decoding), Cellsd("pred", decoding)])({"pred": logits(channels)})
    assert set(item) == {"pred"}
    assert item["pred"].equal(decoding({"pred": logits(channels)})["pred"])


@pytest.mark.parametrize("case", CASES)
def test_without_what_monai_label_leaves_out_a_probability_stays(case: str) -> None:
    decoding, channels = CASES[case]
    steps = [Foregroundd("pred", decoding), Cellsd("pred", decoding)]
    left = [step for step in steps if not isinstance(step, Invertd)]
    raw = logits(channels).numpy().astype(np.float64)
    if channels < 3:
        expected = 1 / (1 + np.exp(-raw[:1]))
    else:
        expected = 1 - np.exp(raw[:1]) / np.exp(raw).sum(axis=0)
    found = Compose(left)({"pred": logits(channels)})["pred"]
    np.testing.assert_allclose(np.asarray(found), expected, atol=1e-6)


def test_probabilities_are_taken_as_they_are() -> None:
    probability = torch.tensor([[[0.25, 0.75]]])
    item = Foregroundd("pred", Componentsd("pred", logits=False), kept="raw")({"pred": probability})
    assert item["pred"].equal(probability)
    assert item["raw"].equal(probability)


def test_another_transform_is_rejected() -> None:
    decoding = Componentsd("pred")
    decoding.transform = lambda prediction: prediction
    with pytest.raises(TypeError, match="is not a decoding"):
        Foregroundd("pred", decoding)


@pytest.mark.parametrize("case", CASES)
def test_the_saved_probability(case: str) -> None:
    decoding, channels = CASES[case]
    raw = logits(channels)
    found = Probabilityd("pred", decoding)({"pred": raw})["pred"]
    if channels < 3:
        assert found.equal(torch.cat([raw[:1].sigmoid(), raw[1:]]))
    else:
        assert found.equal(raw.softmax(0))


def test_a_missing_key_is_passed_over_on_demand() -> None:
    decoding = Componentsd("pred")
    assert Foregroundd("pred", decoding, allow_missing_keys=True)({}) == {}
    assert Cellsd("pred", decoding, kept="raw", allow_missing_keys=True)({}) == {}
