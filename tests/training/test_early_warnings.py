"""Warnings of trainings that lead nowhere, each in a case made for it, and none in a healthy one."""

import logging

import pytest
import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedTrainer

from cellseg_monai.training import EarlyWarnings, ResumeHandler, TimeLimit

EPOCHS = 20
CELLS = torch.tensor([[[0, 0, 3, 3]]])
CLASSES = torch.tensor([[[0, 1, 2, -1]]])


def one_hot(classes: torch.Tensor) -> torch.Tensor:
    return torch.stack([classes[0] == number for number in range(3)]).float()


class Course:
    """A training whose losses, scores and predictions are given, as functions of the epoch."""

    def __init__(self, *, loss, score, truth=CELLS, pred=lambda epoch: CELLS, label=CELLS, **options):
        self.epoch = 0
        self.network = torch.nn.Linear(1, 1)
        self.evaluator = Engine(
            lambda engine, batch: [
                {"label": truth, "pred": pred(self.epoch)},
                {"label": truth, "pred": pred(0)},
            ]
        )
        self.evaluator.state.key_metric_name = "dice"

        @self.evaluator.on(Events.EPOCH_COMPLETED)
        def finish(engine):
            engine.state.metrics["dice"] = score(self.epoch)

        self.warnings = EarlyWarnings(self.evaluator, **options)
        self.loss, self.label = loss, label

    def trainer(self):
        trainer = SupervisedTrainer(
            "cpu",
            EPOCHS,
            [{"image": torch.ones(1, 1), "label": self.label[None]}] * 2,
            self.network,
            torch.optim.SGD(self.network.parameters(), lr=0.0),
            lambda pred, label: pred.sum() * 0 + self.loss(self.epoch),
        )
        trainer.add_event_handler(Events.EPOCH_STARTED, self.start_epoch)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: self.evaluator.run([0]))
        self.warnings.attach(trainer)
        return trainer

    def start_epoch(self, engine):
        self.epoch = engine.state.epoch


def falling(epoch: int) -> float:
    return 1 / epoch


def rising(epoch: int) -> float:
    return 1 - 1 / epoch


def flat(value: float):
    return lambda epoch: value


NOTHING = 0 * CELLS
CASES = {
    "empty": ({"score": flat(0.0), "pred": flat(NOTHING)}, 2, "no cell is predicted", "lower threshold"),
    "score": ({"score": flat(0.049)}, 3, "score is still 0.049 after 15%", "cellseg data check DATA"),
    "loss": (
        {"loss": lambda epoch: 1 - 0.049 * (epoch == 2), "score": flat(0.4)},
        7,
        "the loss has fallen by less than 5%, from 1 to 0.951, after 35%",
        "a larger patch_size",
    ),
    "no class": (
        {"truth": CLASSES, "pred": flat(0 * CLASSES), "label": one_hot(CLASSES), "classes": [0, 1, 2]},
        2,
        "no class but 0 is predicted in any validation image after 10%",
        "train longer",
    ),
    "predicted": (
        {"truth": CLASSES, "pred": flat(CLASSES == 1), "label": one_hot(CLASSES), "classes": [0, 1, 2]},
        10,
        "class 2 is in masks of the validation, but not predicted after 50%",
        "annotate more images",
    ),
    "annotated": (
        {"truth": CLASSES, "pred": flat(CLASSES), "label": one_hot(0 * CLASSES), "classes": [0, 1, 2]},
        5,
        "classes 1, 2 are in no training patch after 25%",
        "compare the option classes",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("options", "epoch", "said", "remedy"), CASES.values(), ids=CASES)
def test_each_warning_is_given_once_at_its_time(options, epoch, said, remedy, caplog):
    course = Course(**{"loss": falling, "score": rising, **options})
    epochs = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: epochs.append(course.epoch)
    logger = logging.getLogger("cellseg_monai.training.early_warnings")
    logger.addHandler(handler)
    try:
        course.trainer().run()
    finally:
        logger.removeHandler(handler)
    assert epochs == [epoch]
    assert said in caplog.text
    assert remedy in caplog.text


HEALTHY = {
    "cells": {},
    "cells that are found late": {"pred": lambda epoch: CELLS if epoch > 1 else NOTHING},
    "no cell in any image": {"truth": NOTHING, "pred": flat(NOTHING), "score": flat(1.0)},
    "a good start whose loss stays": {"loss": flat(0.1), "score": flat(0.5)},
    "a loss that rises after it has fallen": {"loss": lambda epoch: 1 - 0.06 * (epoch == 3)},
    "a loss below zero": {"loss": lambda epoch: -1 - 0.1 * epoch, "score": flat(0.4)},
    "a score that was better once": {"score": lambda epoch: 0.06 if epoch == 1 else float("nan")},
    "classes": {
        "truth": CLASSES, "pred": flat(CLASSES.clamp(0)), "label": one_hot(CLASSES), "classes": [0, 1, 2]
    },
    "a number without a class": {
        "truth": 2 * CLASSES.clamp(0, 1), "pred": flat(2 * CLASSES.clamp(0, 1)),
        "label": one_hot(2 * CLASSES.clamp(0, 1)), "classes": [0, 2],
    },
}  # fmt: skip


@pytest.mark.parametrize("options", HEALTHY.values(), ids=HEALTHY)
def test_no_warning_of_a_healthy_training(options, caplog):
    Course(**{"loss": falling, "score": rising, **options}).trainer().run()
    assert caplog.messages == []


def test_one_image_with_a_cell_is_enough(caplog):
    Course(loss=falling, score=rising, pred=lambda epoch: CELLS if epoch else NOTHING).trainer().run()
    assert caplog.messages == []


def test_a_class_that_only_some_patches_have(caplog):
    course = Course(
        loss=falling, score=rising, truth=CLASSES, pred=flat(CLASSES.clamp(0)), label=one_hot(0 * CLASSES),
        classes=[0, 1, 2],
    )  # fmt: skip
    trainer = course.trainer()

    @trainer.on(Events.EPOCH_STARTED(once=2))
    def change(engine):
        engine.state.dataloader[0]["label"] = one_hot(CLASSES)[None]

    trainer.run()
    assert caplog.messages == []


def test_by_the_clock(caplog, monkeypatch):
    """Half of the time is over after the first epoch; of the epochs it is a twentieth."""
    now = [0.0]
    monkeypatch.setattr("cellseg_monai.training.time_limit.time.monotonic", lambda: now[0])
    course = Course(loss=flat(1.0), score=flat(0.01))
    course.warnings.time_limit = TimeLimit(1, torch.optim.SGD(course.network.parameters()), course.evaluator)
    trainer = course.trainer()
    trainer.add_event_handler(Events.EPOCH_STARTED(once=1), lambda: now.__setitem__(0, now[0] + 30))
    trainer.run()
    assert [message.partition(":")[0] for message in caplog.messages] == [
        "the validation score is still 0.010 after 50% of the training",
        "the loss has fallen by less than 5%, from 1 to 1, after 50% of the training",
    ]


def test_a_resumed_training_knows_what_was_seen_and_said(caplog, tmp_path):
    """The loss falls by 90 % in the first epochs and then stays; the warning of the score was given."""
    said = []
    for epochs in (4, EPOCHS):
        course = Course(loss=lambda epoch: 1.0 if epoch == 1 else 0.1, score=flat(0.01))
        state = {"network": course.network, "warnings": course.warnings}
        trainer = course.trainer()
        ResumeHandler(tmp_path / "state.pt", state).attach(trainer)
        if epochs < EPOCHS:
            trainer.add_event_handler(Events.EPOCH_COMPLETED(once=epochs), trainer.terminate)
        else:
            saved = torch.load(tmp_path / "state.pt", weights_only=True)
            torch.save(saved | {"stopped": False}, tmp_path / "state.pt")
        trainer.run()
        said.append([message for message in caplog.messages if "score" in message or "loss" in message])
        caplog.clear()
    assert course.epoch == EPOCHS
    assert [len(messages) for messages in said] == [1, 0]
