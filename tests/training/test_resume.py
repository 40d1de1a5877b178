import pytest
import torch
from ignite.engine import Events
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator
from monai.handlers import EarlyStopHandler, LrScheduleHandler

from cellseg_monai.outputs.lock import FolderInUse
from cellseg_monai.training import ResumeHandler
from cellseg_monai.training.tensor_file import read_tensors, write_tensors
from tests.outputs.test_lock import holder


def conv(channels=1, bias=False):
    return torch.nn.Conv2d(1, channels, 1, bias=bias)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.pt"


@pytest.fixture
def run(path, make_trainer):
    """Train, and give the trainer; the same call goes on where the last one ended."""

    def run(epochs=1, network=None, items=None, handlers=(), scale=None, data=None, **options):
        network = network or conv()
        state = {"network": network, **(items or {})}
        resume = ResumeHandler(path, state, **options)
        trainer = make_trainer([resume, *handlers], network, epochs, scale=scale, data=data)
        trainer.run()
        return trainer

    return run


def test_goes_on_with_more_epochs(run):
    network = conv()
    start = network.weight.item()
    run(2, network)
    trainer = run(3)
    assert (trainer.state.epoch, trainer.state.iteration) == (3, 3)
    assert trainer.network.weight.item() == pytest.approx(start * 0.8**3)  # w ← w − 0.1·2·w


def test_complete_run_is_not_trained_again(run, path):
    first = run(2).network.weight.item()
    network = conv()
    seen = []
    run(2, network, handlers=[Counting(seen)])
    assert network.weight.item() == first
    assert seen == []
    assert read_tensors(path)["epoch"] == 2


def test_begins_anew_on_demand_and_replaces_what_was_left(run, path):
    run(3)
    network = conv()
    start = network.weight.item()
    trainer = run(2, network, resume=False)
    assert trainer.state.epoch == 2
    assert trainer.network.weight.item() == pytest.approx(start * 0.8**2)
    assert read_tensors(path)["epoch"] == 2


class Counting:
    def __init__(self, seen):
        self.seen = seen

    def attach(self, engine):
        engine.add_event_handler(
            Events.ITERATION_COMPLETED, lambda engine: self.seen.append(engine.state.epoch)
        )


@pytest.mark.parametrize(("interval", "saved"), [(1, [0, 1, 2, 3, 4, 5]), (2, [0, 2, 4, 5]), (9, [0, 5])])
def test_interval(run, path, monkeypatch, interval, saved):
    written = []
    monkeypatch.setattr(
        "cellseg_monai.training.resume.write_tensors", lambda content, path: written.append(content["epoch"])
    )
    run(5, interval=interval)
    assert written == saved


def test_short_epochs_are_saved_at_most_every_so_many_seconds(run, monkeypatch):
    written = []
    monkeypatch.setattr(
        "cellseg_monai.training.resume.write_tensors", lambda content, path: written.append(content["epoch"])
    )
    run(5, seconds=60.0)
    assert written == [0, 5]


def test_an_epoch_with_a_validation_is_saved_at_once(run, monkeypatch):
    written = []
    monkeypatch.setattr(
        "cellseg_monai.training.resume.write_tensors", lambda content, path: written.append(content["epoch"])
    )
    validator = SupervisedEvaluator("cpu", [], conv(), epoch_length=1)

    class Validation:
        def attach(self, engine):
            engine.add_event_handler(Events.EPOCH_COMPLETED(every=2), self.validate)

        def validate(self, engine):
            validator.state.epoch = engine.state.epoch

    run(5, items={"validator": validator}, handlers=[Validation()], seconds=60.0)
    assert written == [0, 2, 4, 5]


def test_second_run_of_a_trainer_saves_each_epoch_once(make_trainer, path, monkeypatch):
    written = []
    trainer = make_trainer([])
    ResumeHandler(path, {"network": trainer.network}).attach(trainer)
    trainer.run()
    monkeypatch.setattr(
        "cellseg_monai.training.resume.write_tensors", lambda content, path: written.append(content["epoch"])
    )
    trainer.state.max_epochs = 3
    trainer.run()
    assert written == [2, 3]


def test_handlers_listed_later_belong_to_the_epoch(run, path):
    network = conv()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    optimizer.step()  # else torch warns: the trainer has an optimizer of its own
    run(2, network, {"scheduler": scheduler}, [LrScheduleHandler(scheduler)])
    assert read_tensors(path)["items"]["scheduler"]["last_epoch"] == 2


@pytest.mark.parametrize("length", [2, 5], ids=["part of the data", "more than the data"])
def test_epoch_of_another_length_than_the_data(make_trainer, tmp_path, length):
    """Else the second epoch would begin where the first one left the data."""
    shades = [torch.full((1, 2, 2), value) for value in (0.1, 0.2, 0.3, 0.4)]
    data = DataLoader([{"image": shade, "label": shade**2} for shade in shades], shuffle=True)

    def train(name, epochs):
        trainer = make_trainer([], epochs=epochs, data=data, epoch_length=length)
        ResumeHandler(tmp_path / name, {"network": trainer.network}).attach(trainer)
        trainer.run()
        return trainer.network.weight.item()

    train("in two runs", 1)
    assert train("in two runs", 2) == train("in one run", 2)


def test_stopped_early_stays_stopped(run):
    def early():
        return EarlyStopHandler(patience=2, score_function=lambda engine: 0.0)

    def train(stop):
        class Stop:
            def attach(self, engine):
                stop.set_trainer(engine)
                stop.attach(engine)

        return run(9, conv(), {"early stop": stop}, [Stop()])

    stopped = train(early())
    assert stopped.state.epoch == 3
    again = train(early())
    assert again.state.epoch == 3
    assert torch.equal(again.network.weight, stopped.network.weight)


def test_best_metric_of_the_evaluator(run, make_batch):
    def evaluator():
        return SupervisedEvaluator("cpu", [make_batch()], conv())

    first, second = evaluator(), evaluator()
    first.state.best_metric, first.state.best_metric_epoch = 0.75, 4
    run(1, items={"evaluator": first})
    run(2, items={"evaluator": second})
    assert (second.state.best_metric, second.state.best_metric_epoch) == (0.75, 4)


def test_scaler(run):
    run(1, scale=8.0)
    assert run(2, scale=4.0).scaler.get_scale() == 8.0
    with pytest.raises(ValueError, match="saved with amp True, but this training has False"):
        run(2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": conv(3)}, r"another network: weight has shape \(1, 1, 1, 1\), not \(3, 1, 1, 1\)"),
        ({"network": conv(bias=True)}, "another network: bias is missing"),
        ({"seed": 1}, "saved with seed 0, but this training has 1"),
        ({"items": {"teacher": conv()}}, "saved with teacher None"),
        ({"data": "two batches"}, "saved with iterations an epoch 1, but this training has 2"),
    ],
    ids=["shape", "missing", "seed", "teacher", "data"],
)
def test_another_training(run, make_batch, change, message):
    run(1)
    if "data" in change:
        change = {"data": [make_batch(), make_batch()]}
    with pytest.raises(
        ValueError, match=rf"state\.pt: .*{message}.*; to start a new training, delete the file"
    ):
        run(2, **change)


def test_another_optimizer(run):
    network = conv()
    run(1, network, {"optimizer": torch.optim.Adam(network.parameters())})
    with pytest.raises(
        ValueError, match=r"saved with optimizer torch\.optim\.adam\.Adam, but this training has .*SGD"
    ):
        run(2, network, {"optimizer": torch.optim.SGD(network.parameters())})


def test_other_parameter_groups(run):
    network = conv()
    run(1, network, {"optimizer": torch.optim.Adam(network.parameters())})
    two = torch.optim.Adam([*network.parameters(), torch.nn.Parameter(torch.ones(1))])
    with pytest.raises(ValueError, match=r"optimizer rejects its saved state: .*parameter group"):
        run(2, network, {"optimizer": two})


def test_refused_state_changes_nothing(run):
    run(1)
    network = conv(3)
    before = network.weight.clone()
    with pytest.raises(ValueError, match="another network"):
        run(2, network)
    assert torch.equal(network.weight, before)


def test_foreign_file(run, path):
    write_tensors({"weight": torch.ones(1)}, path)
    with pytest.raises(ValueError, match="not a training state of format 1"):
        run(1)


def test_damaged_file(run, path):
    run(1)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged"):
        run(1)


@pytest.mark.parametrize(
    ("error", "message", "path", "options"),
    [
        (ValueError, "models folder is published", "models/state.pt", {"state": {"network": conv()}}),
        (ValueError, "at least 1 epoch, not 0", "state.pt", {"state": {"network": conv()}, "interval": 0}),
        (
            ValueError,
            r"no network, only \['a'\]",
            "state.pt",
            {"state": {"a": torch.optim.SGD(conv().parameters())}},
        ),
        (
            TypeError,
            "'rate' is a float, which has no state_dict",
            "state.pt",
            {"state": {"network": conv(), "rate": 0.1}},
        ),
    ],
    ids=["models", "interval", "no network", "no state"],
)
def test_arguments(error, message, path, options):
    with pytest.raises(error, match=message):
        ResumeHandler(path, **options)


def test_early_stop_without_trainer(run):
    early = EarlyStopHandler(patience=2, score_function=lambda engine: 0.0)
    with pytest.raises(ValueError, match=r"call set_trainer\(\) before the training"):
        run(1, items={"early stop": early})


def test_a_second_training_into_the_folder_is_refused(run, path):
    with (
        holder(path.parent) as other,
        pytest.raises(FolderInUse, match=f"process {other.pid} on .* is writing here"),
    ):
        run(1)
    assert not path.exists()


def test_a_training_that_ended_lets_others_in(run, path):
    run(1)
    with holder(path.parent):
        pass
