import torch

from cellseg_monai.training.mismatches import mismatches, summary


def test_nothing_differs():
    state = torch.nn.Conv2d(1, 2, 3).state_dict()
    assert mismatches(state, dict(reversed(state.items()))) == {}


def test_summary_is_short():
    faults = {f"layer{index}": "is missing" for index in range(7)}
    assert summary(faults).endswith("layer3 is missing, layer4 is missing, 2 more")
