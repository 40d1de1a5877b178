from collections.abc import Callable

import pytest
import torch
from ignite.engine import Events
from monai.data import MetaTensor
from monai.engines import SupervisedTrainer


@pytest.fixture
def make_batch() -> Callable[..., dict[str, torch.Tensor]]:
    """Batches of constant images, one for each value, and the files that they are of; labels of zeros."""

    def make(values=(1.0, 1.0), names=("one.tif", "two.tif")):
        image = torch.tensor(values).reshape(-1, 1, 1, 1).expand(-1, 1, 2, 2)
        return {
            "image": MetaTensor(image, meta={"filename_or_obj": list(names)}),
            "label": torch.zeros(len(values), 1, 2, 2),
        }

    return make


class CPUScaler:
    """Scales the loss; MONAI makes a scaler for CUDA only, though the arithmetic is that of any device."""

    def __init__(self, scale: float):
        self.scale = scale

    def attach(self, engine):
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine):
        engine.scaler, engine.amp = torch.amp.GradScaler("cpu", init_scale=self.scale), True


@pytest.fixture
def make_trainer(make_batch) -> Callable[..., SupervisedTrainer]:
    """Trainers of one weight w, which starts at 1; on a batch of ones the loss is w², its gradient 2·w."""

    def make(handlers, network=None, epochs=1, data=None, lr=0.1, scale=None, **options):
        if network is None:
            network = torch.nn.Conv2d(1, 1, 1, bias=False)
            torch.nn.init.ones_(network.weight)
        return SupervisedTrainer(
            "cpu",
            epochs,
            data or [make_batch()],
            network,
            torch.optim.SGD(network.parameters(), lr=lr),
            torch.nn.MSELoss(),
            train_handlers=[*([] if scale is None else [CPUScaler(scale)]), *handlers],
            **options,
        )

    return make
