import math

import pytest
import torch

from cellseg_monai.losses import ConsistencyLoss, consistency_loss, sigmoid_rampup

GENERATOR = torch.Generator().manual_seed(0)
STUDENT = torch.randn(2, 3, 4, 5, generator=GENERATOR)
TEACHER = 2 * torch.randn(2, 3, 4, 5, generator=GENERATOR)


def test_kl_by_hand():
    """The student says 1/2, the teacher 3/4: 3/4·log(3/2) + 1/4·log(1/2)."""
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    value = consistency_loss(torch.zeros(1, 1, 1), torch.full((1, 1, 1), 0.75), "kl")
    assert value.item() == pytest.approx(expected, rel=1e-6)


def test_kl_is_that_of_torch():
    student, teacher = (torch.distributions.Bernoulli(logits=logits) for logits in (STUDENT, TEACHER))
    expected = torch.distributions.kl_divergence(teacher, student).mean(dim=(2, 3))
    torch.testing.assert_close(consistency_loss(STUDENT, TEACHER.sigmoid(), "kl"), expected)


@pytest.mark.parametrize("distance", ["mse", "kl"])
@pytest.mark.parametrize("softmax", [False, True], ids=["sigmoid", "softmax"])
def test_agreement_costs_nothing(distance, softmax):
    loss = ConsistencyLoss(distance, softmax=softmax)
    assert loss(TEACHER, TEACHER).item() == pytest.approx(0, abs=1e-7)
    assert loss(STUDENT, TEACHER).item() > 0.01


@pytest.mark.parametrize("softmax", [False, True], ids=["sigmoid", "softmax"])
def test_logits_and_probabilities_of_the_teacher(softmax):
    probabilities = TEACHER.softmax(dim=1) if softmax else TEACHER.sigmoid()
    from_logits = ConsistencyLoss(softmax=softmax)(STUDENT, TEACHER)
    from_probabilities = ConsistencyLoss(softmax=softmax, teacher_logits=False)(STUDENT, probabilities)
    assert torch.equal(from_logits, from_probabilities)


def test_logits_taken_for_probabilities_make_the_loss_nan():
    assert ConsistencyLoss(teacher_logits=False)(STUDENT, TEACHER).isnan()


def test_mse_of_softmax_is_that_of_the_probabilities():
    expected = ((STUDENT.softmax(dim=1) - TEACHER.softmax(dim=1)) ** 2).mean()
    torch.testing.assert_close(ConsistencyLoss(softmax=True)(STUDENT, TEACHER), expected)


@pytest.mark.parametrize("distance", ["mse", "kl"])
def test_doubtful_pixels_have_neither_loss_nor_gradient(distance):
    teacher = torch.tensor([[[0.9, 0.8, 0.79, 0.21, 0.2, 0.1]]])
    student = torch.zeros(1, 1, 6, requires_grad=True)
    consistency_loss(student, teacher, distance, confidence=0.8).sum().backward()
    assert (student.grad != 0).tolist() == [[[True, True, False, False, True, True]]]


def test_no_pixel_is_sure():
    assert ConsistencyLoss(confidence=0.99)(STUDENT, torch.zeros_like(STUDENT)).item() == 0


@pytest.mark.parametrize("distance", ["mse", "kl"])
def test_the_teacher_learns_nothing(distance):
    student, teacher = STUDENT.clone().requires_grad_(), TEACHER.clone().requires_grad_()
    ConsistencyLoss(distance)(student, teacher).backward()
    assert teacher.grad is None
    assert student.grad.abs().sum() > 0


def test_kl_has_the_gradient_of_soft_cross_entropy():
    student = STUDENT.clone().requires_grad_()
    (from_kl,) = torch.autograd.grad(ConsistencyLoss("kl")(student, TEACHER), student)
    cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits(student, TEACHER.sigmoid())
    torch.testing.assert_close(from_kl, torch.autograd.grad(cross_entropy, student)[0])


@pytest.mark.parametrize("distance", ["mse", "kl"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_sure_teachers_of_half_precision(distance, dtype):
    teacher = torch.tensor([[[1e4, -1e4, 0.0]]], dtype=dtype)
    student = (-teacher).requires_grad_()
    value = ConsistencyLoss(distance)(student, teacher)
    value.backward()
    assert value.isfinite()
    assert student.grad.isfinite().all()


@pytest.mark.parametrize(
    ("step", "length", "weight"),
    [(0, 40, math.exp(-5)), (10, 40, math.exp(-5 * 0.5625)), (40, 40, 1.0), (41, 40, 1.0), (0, 0, 1.0)],
)
def test_rampup(step, length, weight):
    assert sigmoid_rampup(step, length) == pytest.approx(weight)


@pytest.mark.parametrize(("step", "length"), [(-1, 10), (1, -10)])
def test_rampup_is_checked(step, length):
    with pytest.raises(ValueError, match=f"step={step} and length={length} must not be negative"):
        sigmoid_rampup(step, length)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"distance": "bce"}, r"distance must be one of \('mse', 'kl'\), not 'bce'"),
        ({"confidence": 0.4}, r"confidence must be from 0\.5 \(all pixels\) to below 1, not 0\.4"),
        ({"confidence": 1.0}, r"confidence must be .*, not 1\.0"),
    ],
    ids=str,
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        ConsistencyLoss(**arguments)
