import math

import pytest
import torch
from ignite.engine import Engine, Events
from monai.handlers import CheckpointSaver

from cellseg_monai.training import BestWeights


@pytest.fixture
def path(tmp_path):
    return tmp_path / "models" / "model.pt"


@pytest.fixture
def network():
    return torch.nn.Linear(1, 1, bias=False)


def validate(handler, network, scores, metric="f1"):
    """An epoch for each score; the weight is the number of the epoch."""
    evaluator = Engine(lambda engine, batch: None)

    @evaluator.on(Events.EPOCH_COMPLETED)
    def judge(engine):
        torch.nn.init.constant_(network.weight, engine.state.epoch)
        engine.state.metrics[metric] = scores[engine.state.epoch - 1]

    handler.attach(evaluator)
    evaluator.run([0], max_epochs=len(scores))


def kept(path):
    return torch.load(path, weights_only=True)["weight"].item()


@pytest.mark.parametrize(
    ("scores", "lower", "best"),
    [
        ([0.2, 0.7, 0.5], False, 2),
        ([0.2, 0.7, 0.5], True, 1),
        ([0.5, 0.5], False, 1),
        ([math.nan, 0.1], False, 2),
        ([0.1, math.nan], False, 1),
        ([torch.tensor(-3.0), torch.tensor(-2.0)], False, 2),
    ],
    ids=["higher", "lower", "tie", "NaN first", "NaN last", "negative tensors"],
)
def test_keeps_the_best(path, network, scores, lower, best):
    validate(BestWeights(path, network, "f1", lower_is_better=lower), network, scores)
    assert kept(path) == best


def test_nan_alone_is_told(path, network, caplog):
    validate(BestWeights(path, network, "f1"), network, [math.nan])
    assert not path.exists()
    assert "f1 is NaN in epoch 1; its weights are not kept" in caplog.text


def test_goes_on_from_the_best_so_far(path, network):
    first, second = BestWeights(path, network, "f1"), BestWeights(path, network, "f1")
    validate(first, network, [0.1, 0.9])
    second.load_state_dict(first.state_dict())
    validate(second, network, [0.5])
    assert kept(path) == 2


def test_monai_forgets_the_best_so_far(tmp_path, network):
    """The reason for a saver of our own; should this fail, MONAI's may do."""
    for scores in ([0.1, 0.9], [0.5]):
        saver = CheckpointSaver(
            str(tmp_path),
            {"network": network},
            save_key_metric=True,
            key_metric_name="f1",
            key_metric_filename="model.pt",
        )
        validate(saver, network, scores)
    assert kept(tmp_path / "model.pt") == 1


def test_no_such_metric(path, network):
    with pytest.raises(ValueError, match=r"no metric 'dice', only \['f1'\]; choose one"):
        validate(BestWeights(path, network, "dice"), network, [0.5])


def test_no_key_metric(path, network):
    with pytest.raises(ValueError, match=r"no metric None, only .* or give the evaluator a key metric"):
        validate(BestWeights(path, network), network, [0.5])


def test_metric_of_several_numbers(path, network):
    with pytest.raises(ValueError, match=r"'f1' is .*, not a single number"):
        validate(BestWeights(path, network, "f1"), network, [torch.tensor([0.1, 0.2])])
