import os
import pickle
import stat
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cellseg_monai.training.tensor_file import as_plain, read_tensors, write_tensors

CONTENT = {"weight": torch.arange(300.0), "epoch": 3, "rates": [0.1, (0.2, None)]}


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    path = tmp_path_factory.mktemp("intact") / "state.pt"
    write_tensors(CONTENT, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    return tmp_path_factory.mktemp("spoilt") / "state.pt"


def test_round_trip_makes_the_folder(tmp_path):
    path = tmp_path / "new" / "state.pt"
    write_tensors(CONTENT, path)
    assert repr(read_tensors(path)) == repr(CONTENT)
    assert [file.name for file in path.parent.iterdir()] == ["state.pt"]


@given(data=st.data())
def test_flipped_bits_are_never_loaded(intact, spoilt, data):
    place = data.draw(st.integers(0, len(intact) - 1))
    changed = bytearray(intact)
    changed[place] ^= data.draw(st.integers(1, 255))
    spoilt.write_bytes(changed)
    try:
        content = read_tensors(spoilt)
    except ValueError:
        return
    assert repr(content) == repr(CONTENT)  # the archive has padding, and entries that nobody reads
    assert torch.equal(content["weight"], CONTENT["weight"])


@given(st.floats(0, 0.9999))
def test_cut_short(intact, spoilt, part):
    spoilt.write_bytes(intact[: int(part * len(intact))])
    with pytest.raises(ValueError, match=r"damaged, or not written by torch.save .* delete or replace it"):
        read_tensors(spoilt)


def test_pytorch_alone_loads_a_flipped_bit(intact, spoilt):
    """When it does no more, our look at the checksums can go."""
    place = intact.index(CONTENT["weight"].numpy().tobytes()) + 401
    spoilt.write_bytes(intact[:place] + bytes([intact[place] ^ 1]) + intact[place + 1 :])
    assert not torch.equal(torch.load(spoilt)["weight"], CONTENT["weight"])
    with pytest.raises(ValueError, match="does not match its checksum"):
        read_tensors(spoilt)


def test_old_file_stays_when_writing_fails(tmp_path):
    path = tmp_path / "state.pt"
    write_tensors({"epoch": 1}, path)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        write_tensors({"weight": torch.ones(3), "code": lambda: None}, path)
    assert read_tensors(path) == {"epoch": 1}
    write_tensors({"epoch": 2}, path)
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_others_may_read_it_as_any_file(tmp_path):
    write_tensors(CONTENT, tmp_path / "state.pt")
    (tmp_path / "plain").touch()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("state.pt", "plain")]
    assert modes[0] == modes[1]


def test_code_is_refused(tmp_path):
    torch.save(torch.nn.Linear(1, 1), tmp_path / "network.pt")
    with pytest.raises(
        ValueError, match=r"network\.pt: contains more than tensors .* save only network.state_dict"
    ):
        read_tensors(tmp_path / "network.pt")


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pt: the file does not exist"):
        read_tensors(tmp_path / "none.pt")


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
