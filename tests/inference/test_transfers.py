import pytest
import torch
from torch import nn

from cellseg_monai.inference.transfers import transferred
from cellseg_monai.inference.window_options import WindowOptions

HOST, GPU = torch.device("cpu"), torch.device("cuda")


def test_batches_to_another_device_come_one_behind():
    made = []

    def batches():
        for number in range(3):
            made.append(number)
            yield torch.ones(number + 1)

    arriving = transferred(batches(), torch.device("meta"))  # as far as one gets without a second device
    assert next(arriving).shape == (1,)
    assert made == [0, 1]
    assert [(batch.shape[0], batch.device.type) for batch in arriving] == [(2, "meta"), (3, "meta")]


def test_batches_that_are_there_come_at_once():
    batch = torch.ones(2)
    assert next(transferred(iter([batch]), HOST)) is batch


@pytest.mark.parametrize(
    ("window", "device", "may_move", "expected"),
    [
        (64, GPU, True, [("cuda", ""), ("cpu", "stitching on the host")]),
        (64, GPU, False, [("cuda", "")]),
        (64, HOST, True, [("cpu", "")]),
        (
            "auto",
            GPU,
            True,
            [
                ("cuda", ""),
                ("cpu", "stitching on the host"),
                ("cpu", "using windows of 65,536 pixels"),
                ("cpu", "using windows of 16,384 pixels"),
            ],
        ),
    ],
    ids=["given", "result-asked-for", "host", "auto"],
)
def test_what_is_tried_without_memory(window, device, may_move, expected):
    options = WindowOptions(window)
    attempts = options.attempts(device, may_move, nn.Conv2d(1, 1, 1), dims=2)
    assert [(attempt.device.type, attempt.remedy) for attempt in attempts] == expected


@pytest.mark.gpu
def test_to_cuda_and_back():
    batches = [torch.full((1000, 1000), float(number)) for number in range(5)]
    there = (batch * 2 for batch in transferred(batches, torch.device("cuda", 0)))
    for number, batch in enumerate(transferred(there, HOST)):
        assert batch.device == HOST
        assert batch.unique().tolist() == [2 * number]
