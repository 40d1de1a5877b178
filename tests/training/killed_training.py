"""A small training with everything that is random, killed from outside and run again.

    python killed_training.py FOLDER KILL_AT...

runs it in a process that gets SIGKILL after each of these iterations in turn, then to its end; and once more
in one go; without workers, and with two. Processes are forked from this one, which has imported what they
need.
"""

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from ignite.engine import Events
from monai.data import CacheDataset, DataLoader
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.handlers import (
    EarlyStopHandler,
    LrScheduleHandler,
    MeanSquaredError,
    ValidationHandler,
    from_engine,
    stopping_fn_from_metric,
)
from monai.transforms import Compose, RandCropByPosNegLabeld, RandFlipd, RandGaussianNoise, ScaleIntensityd

from cellseg_monai.training import BestWeights, MeanTeacher, ResumeHandler

EPOCHS, ITERATIONS = 3, 6


def jitter(item):
    """Draws from the generators that belong to nobody."""
    factor = random.random() + np.random.rand() + torch.rand(()).item()
    return item | {"image": item["image"] * factor}


class Hidden:
    """Holds a random transform where no search for such finds it."""

    __slots__ = ("noise",)

    def __init__(self):
        self.noise = RandGaussianNoise(prob=1.0)

    def __call__(self, item):
        return item | {"image": self.noise(item["image"])}


def items(count: int) -> list[dict[str, torch.Tensor]]:
    made = torch.Generator().manual_seed(5)
    images = torch.rand(count, 1, 20, 20, generator=made)
    return [{"image": image, "label": (image > 0.6).float()} for image in images]


def train(folder: Path, num_workers: int, after_iteration: Callable[[int], None], seed: int = 0) -> None:
    torch.set_num_threads(1)
    transform = Compose(
        [
            ScaleIntensityd("image"),
            RandCropByPosNegLabeld(["image", "label"], "label", (16, 16), num_samples=2),
            RandFlipd(["image", "label"], prob=0.5),
            jitter,
            Hidden(),
        ]
    )
    data = CacheDataset(items(2 * ITERATIONS), transform, num_workers=0, progress=False)
    loader = DataLoader(data, batch_size=2, shuffle=True, num_workers=num_workers)
    validation = DataLoader(CacheDataset(items(2), num_workers=0, progress=False), batch_size=2)
    torch.manual_seed(3)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, padding=1),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.3),
        torch.nn.Conv2d(4, 1, 1),
    )
    random.seed(), np.random.seed(), torch.seed()  # no state from before is to matter but the first weights
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 2], gamma=0.5)
    best = BestWeights(folder / "models" / "model.pt", network, lower_is_better=True)
    evaluator = SupervisedEvaluator(
        "cpu",
        validation,
        network,
        key_val_metric={"error": MeanSquaredError(output_transform=from_engine(["pred", "label"]))},
        metric_cmp_fn=lambda now, before: now < before,
        val_handlers=[best],
    )
    early = EarlyStopHandler(patience=50, score_function=stopping_fn_from_metric("error"))
    early.attach(evaluator)
    teacher = MeanTeacher(network)
    state = {
        "network": network,
        "optimizer": optimizer,
        "scheduler": scheduler,
        "teacher": teacher.network,
        "best": best,
        "evaluator": evaluator,
        "early stop": early,
    }
    trainer = SupervisedTrainer(
        "cpu",
        EPOCHS,
        loader,
        network,
        optimizer,
        torch.nn.BCEWithLogitsLoss(),
        train_handlers=[
            teacher,
            ResumeHandler(folder / "run" / "state.pt", state, seed=seed),
            ValidationHandler(1, evaluator),
            LrScheduleHandler(scheduler, print_lr=False),
        ],
    )
    early.set_trainer(trainer)
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda engine: after_iteration(engine.state.iteration)
    )
    trainer.run()


def train_and_kill(folder: Path, num_workers: int, kill_at: int) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        train(folder, num_workers, lambda iteration: os.write(writer, bytes([iteration])))
        os._exit(0)
    os.close(writer)
    while (told := os.read(reader, 1)) and told[0] < kill_at:
        pass
    os.kill(child, signal.SIGKILL)
    os.close(reader)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        sys.exit(f"the training did not live to be killed at iteration {kill_at}")


def train_to_the_end(folder: Path, num_workers: int, seed: int = 0) -> None:
    child = os.fork()
    if child == 0:
        train(folder, num_workers, lambda iteration: None, seed)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("the training failed")


def main(folder: Path, kill_at: list[int]) -> None:
    for num_workers in (0, 2):
        killed, whole = folder / f"killed{num_workers}", folder / f"whole{num_workers}"
        for iteration in kill_at:
            train_and_kill(killed, num_workers, iteration)
        train_to_the_end(killed, num_workers)
        train_to_the_end(whole, num_workers)
    train_to_the_end(folder / "other seed", num_workers=0, seed=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(number) for number in sys.argv[2:]])
