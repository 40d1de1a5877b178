import pytest
import torch

from cellseg_monai.losses import DynamicPatchLoss, JointLoss


def output_and_target(channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(2, channels, 6, 5, generator=generator, dtype=torch.float64)
    return output, (torch.rand(2, channels, 6, 5, generator=generator) > 0.5).double()


def test_without_distances_it_is_the_segmentation_loss() -> None:
    output, target = output_and_target(3)
    assert JointLoss(DynamicPatchLoss())(output, target) == DynamicPatchLoss()(output, target)


@pytest.mark.parametrize("weight", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("distances", [1, 2])
def test_last_channels_are_regressed(distances: int, weight: float) -> None:
    output, target = output_and_target(3)
    target = target * 0.5
    first = 3 - distances
    expected = DynamicPatchLoss()(output[:, :first], target[:, :first])
    expected = expected + weight * torch.nn.functional.mse_loss(output[:, first:].float(), target[:, first:])
    found = JointLoss(DynamicPatchLoss(), distances, weight)(output, target)
    torch.testing.assert_close(found, expected)


def test_gradients_reach_every_channel() -> None:
    output, target = output_and_target(2)
    output.requires_grad_()
    JointLoss(torch.nn.BCEWithLogitsLoss(), 1)(output, target).backward()
    assert output.grad is not None
    assert (output.grad.abs().sum(dim=(0, 2, 3)) > 0).all()


@pytest.mark.parametrize(
    ("output", "target"),
    [((1, 1, 4), (1, 1, 4)), ((1, 2, 4), (1, 1, 4))],
    ids=["no channel for the segmentation", "another target"],
)
def test_channels_that_do_not_fit_are_refused(output: tuple[int, ...], target: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"distance channel\(s\) after the segmentation channels"):
        JointLoss(torch.nn.BCEWithLogitsLoss(), 1)(torch.zeros(output), torch.zeros(target))


@pytest.mark.parametrize("arguments", [{"distances": -1}, {"distance_weight": -0.1}], ids=str)
def test_negative_arguments_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="negative"):
        JointLoss(torch.nn.BCEWithLogitsLoss(), **arguments)  # type: ignore[arg-type]
