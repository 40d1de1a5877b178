from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch

from cellseg_monai.training.plain import as_plain


def test_copies_tensors():
    weight = torch.ones(2, requires_grad=True)
    plain = as_plain({"weight": weight})
    with torch.no_grad():
        weight.zero_()
    assert plain["weight"].tolist() == [1, 1]
    assert not plain["weight"].requires_grad


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (OrderedDict(a=1), {"a": 1}),
        ((1, [None, "x"]), (1, [None, "x"])),
        (Counter([4, 4]), Counter({4: 2})),
    ],
    ids=lambda value: type(value).__name__,
)
def test_strips_classes(value, expected):
    plain = as_plain(value)
    assert plain == expected
    assert type(plain) is type(expected)


@pytest.mark.parametrize(
    "scheduler",
    [
        lambda optimizer: torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 1, 2]),
        lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=9),
        lambda optimizer: torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer),
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3),
        lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9**epoch),
    ],
    ids=["steps", "one cycle", "plateau", "cosine", "lambda"],
)
def test_schedulers_survive_a_file_without_code(tmp_path, scheduler):
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))], lr=0.5)
    state = scheduler(optimizer).state_dict()
    torch.save(as_plain(state), tmp_path / "state.pt")
    assert torch.load(tmp_path / "state.pt", weights_only=True) == state


def test_names_what_is_not_plain():
    with pytest.raises(TypeError, match=r"scheduler\['rule'\]\[1\] is a function, .* use only tensors"):
        as_plain({"rule": [1, test_copies_tensors]}, "scheduler")
