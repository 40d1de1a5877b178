"""A new network learns from a finished one: the loss by hand, and what a real training leaves as it was."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser
from monai.utils import set_determinism

from cellseg_monai.runtime import fixed_network
from cellseg_monai.transforms import BinaryTargetd
from tests.bundles.reduced import BUNDLES, Bundle, copied

UNET = {
    "network_def": "@networks#unet",
    "networks#unet#architecture#channels": [4, 8],
    "networks#unet#architecture#strides": [2],
}


def parsed(bundle: Path, overlay: str, **options: Any) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config([str(bundle / f"configs/{name}.json") for name in ("train", "choices", overlay)])
    parser.update({"bundle_root": str(bundle), "device": "$torch.device('cpu')", **options})
    parser.parse()
    return parser


@pytest.fixture(scope="module")
def teacher(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A network with batch normalisation, trained for an epoch."""
    bundle = copied("attention_unetpp", tmp_path_factory.mktemp("teacher"))
    bundle.run("train", dataset_dir=dataset, output_dir=bundle.path / "run", max_epochs=1, folds=4)
    return bundle


@pytest.fixture
def _seeds() -> Iterator[None]:
    """Undo the seeds that a training sets in this process."""
    yield
    set_determinism(None)


def student(teacher: Bundle, dataset: Path, folder: Path, **options: Any) -> ConfigParser:
    """The configuration of a student of one epoch, ready to run."""
    given = {**teacher.options, "dataset_dir": str(dataset), "unlabelled_dir": str(dataset / "images")}
    where = {"output_dir": str(folder), "ckpt_dir": str(folder), "max_epochs": 1, "folds": 4, "batch_size": 2}
    parser = parsed(teacher.path, "fixed_teacher", **(given | where | options))
    parser.get_parsed_content("initialize")
    return parser


def values(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers of a network, copied."""
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize(("overlay", "foreground"), [("fixed_teacher", 0.085), ("semi_supervised", 0.08)])
def test_the_loss_by_hand(overlay: str, foreground: float) -> None:
    """Two pixels. The student's p is 1/2, the teacher's q is 0.9 and 0.6: (0.4² + 0.1²) / 2 = 0.085.

    The careful overlay leaves the uncertain second pixel out: 0.4² / 2 = 0.08. The depths are 0 and 0.5 in
    the first pixel, and equal in the second: 0.5² / 2.
    """
    loss = parsed(BUNDLES / "attention_unetpp", overlay).get_parsed_content("unlabelled#loss")
    logits = torch.tensor([[[[0.0, 0.0]], [[0.0, 0.0]]]], requires_grad=True)
    expected = torch.tensor([[[[math.log(9), math.log(1.5)]], [[0.5, 0.0]]]], requires_grad=True)
    value = loss(logits, expected)
    assert value.item() == pytest.approx(foreground + 0.125, abs=1e-6)
    value.backward()
    assert logits.grad.abs().sum() > 0
    assert expected.grad is None or not expected.grad[:, :1].any()


@pytest.mark.usefixtures("_seeds")
def test_a_training_changes_the_student_only(teacher: Bundle, dataset: Path, tmp_path: Path) -> None:
    """The student is of another kind. Its whole consistency loss counts from the first iteration."""
    parser = student(teacher, dataset, tmp_path, **UNET)
    network, pupil = (parser.get_parsed_content(name) for name in ("teacher_network", "network"))
    assert type(network).__name__ == "AttentionUNetPlusPlus"
    assert type(pupil).__name__ == "UNet"
    finished = torch.load(teacher.path / "models/model.pt", weights_only=True)
    before, start = values(network), values(pupil)
    assert all(tensor.equal(finished[name]) for name, tensor in before.items())
    handler = parser.get_parsed_content("consistency")
    assert (handler.weight, handler.rampup(0)) == (1, 1)
    batch = next(iter(handler.batches))
    assert batch["image"].equal(batch["strong"])
    parser.get_parsed_content("run")
    assert all(tensor.equal(before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not network.training
    assert any(not tensor.equal(start[name]) for name, tensor in pupil.state_dict().items())
    assert (tmp_path / "model.pt").is_file()


@pytest.mark.usefixtures("_seeds")
def test_a_student_of_the_same_kind_starts_from_random_weights(
    teacher: Bundle, dataset: Path, tmp_path: Path
) -> None:
    parser = student(teacher, dataset, tmp_path, seed=1)
    own, its = (values(parser.get_parsed_content(name)) for name in ("network", "teacher_network"))
    assert own.keys() == its.keys()
    convolutions = [name for name, tensor in own.items() if tensor.ndim == 4]
    assert convolutions
    assert not any(torch.allclose(own[name], its[name], atol=1e-2) for name in convolutions)


def test_a_teacher_of_other_settings_is_refused(teacher: Bundle, tmp_path: Path) -> None:
    weights = teacher.path / "models/model.pt"
    with pytest.raises(ValueError, match=r"model\.pt: trained with in_channels=3, not 1; use the same in_"):
        fixed_network(weights, in_channels=1)
    with pytest.raises(ValueError, match=r"trained with target=.*ForegroundDistanceTargetd.*, not .*Binary"):
        fixed_network(weights, target=BinaryTargetd("label"))
    with pytest.raises(FileNotFoundError, match=r"none\.pt: there are no such weights; train this network"):
        fixed_network(tmp_path / "none.pt")
    (tmp_path / "bare.pt").write_bytes(weights.read_bytes())
    with pytest.raises(ValueError, match=r"bare\.pt: the network is not kept beside these weights; train it"):
        fixed_network(tmp_path / "bare.pt")
