"""Handlers of the loss and the gradients of MONAI's trainers: clip them, and stop if they are not finite."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from monai.engines.utils import IterationEvents
from monai.utils import CommonKeys, ImageMetaKey


@dataclass(eq=False)
class GradientClipper:
    """Scale the gradients down if their norm is too large; MONAI's trainers have no option for that.

        g ← g · min(1, max_norm / ‖g‖)

    The norm is over all parameters of the network together. In mixed precision the gradients are unscaled
    first. With gradient accumulation, the sum of the gradients is clipped.

    Args:
        max_norm: largest Euclidean norm allowed.

    Raises:
        ValueError: max_norm is not positive.

    Example:
        >>> from monai.engines import SupervisedTrainer
        >>> network = torch.nn.Conv2d(1, 1, 1, bias=False)
        >>> trainer = SupervisedTrainer(
        ...     "cpu", 1, [{"image": torch.ones(1, 1, 1, 1), "label": torch.full((1, 1, 1, 1), 100.0)}],
        ...     network, torch.optim.SGD(network.parameters(), lr=1), torch.nn.MSELoss(),
        ...     train_handlers=[GradientClipper(0.5)],
        ... )
        >>> before = network.weight.item()
        >>> trainer.run()
        >>> round(network.weight.item() - before, 4)
        0.5
    """

    max_norm: float

    def __post_init__(self) -> None:
        if not self.max_norm > 0:
            raise ValueError(
                f"max_norm, the largest norm of the gradients, must be above 0, not {self.max_norm}"
            )

    def attach(self, engine: Engine) -> None:
        """Register with a MONAI trainer."""
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)

    def __call__(self, engine: Any) -> None:
        """Clip the gradients if the optimizer steps in this iteration."""
        if not step_follows(engine):
            return
        if scale_of(engine) is not None:
            engine.scaler.unscale_(engine.optimizer)  # the scaler remembers this and does not unscale again
        torch.nn.utils.clip_grad_norm_(engine.network.parameters(), self.max_norm)


class FiniteGuard:
    """Stop the training when the loss or a gradient is NaN or infinite; MONAI's trainers would continue.

    In mixed precision an infinite gradient is not an error as long as the scale can decrease, because the
    scaler skips the step. It is an error when the scale has reached 1.

    The check waits for the device once or twice per iteration.

    Raises:
        ValueError: during training, with epoch, iteration, files, and the cause.

    Example:
        >>> from monai.engines import SupervisedTrainer
        >>> network = torch.nn.Conv2d(1, 1, 1)
        >>> image = MetaTensor(torch.full((1, 1, 2, 2), torch.nan), meta={"filename_or_obj": ["dark.tif"]})
        >>> trainer = SupervisedTrainer(
        ...     "cpu", 1, [{"image": image, "label": torch.zeros(1, 1, 2, 2)}], network,
        ...     torch.optim.SGD(network.parameters(), lr=1), torch.nn.MSELoss(),
        ...     train_handlers=[FiniteGuard()],
        ... )
        >>> trainer.run()
        Traceback (most recent call last):
        ...
        ValueError: the loss is nan in epoch 1, iteration 1, files dark.tif; the image has NaN or infinite
        pixels in dark.tif: correct or remove the file, or check its normalisation
    """

    def attach(self, engine: Engine) -> None:
        """Register with a MONAI trainer."""
        engine.add_event_handler(IterationEvents.LOSS_COMPLETED, self.check_loss)
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self.check_gradients)

    def check_loss(self, engine: Any) -> None:
        """Raise if the loss is not finite."""
        loss = engine.state.output[CommonKeys.LOSS].item()
        if not math.isfinite(loss):
            raise ValueError(f"the loss is {loss} {_place(engine)}; {_remedy(engine)}")

    def check_gradients(self, engine: Any) -> None:
        """Raise if a gradient is not finite, unless mixed precision can still lower its scale."""
        scale = scale_of(engine)
        if not step_follows(engine) or (scale is not None and scale > 1):
            return
        gradients = {
            name: tensor.grad for name, tensor in engine.network.named_parameters() if tensor.grad is not None
        }
        if not gradients:
            return
        finite = torch.stack([gradient.isfinite().all() for gradient in gradients.values()])
        if not finite.all():
            names = [name for name, good in zip(gradients, finite.tolist(), strict=True) if not good]
            raise ValueError(
                f"{len(names)} of {len(gradients)} gradients are NaN or infinite, the first is that of "
                f"{names[0]}, {_place(engine)}; {_remedy(engine)}"
            )


def _place(engine: Any) -> str:
    names = dict.fromkeys(name for value in _parts(engine).values() for name in _file_names(value) if name)
    files = f"files {', '.join(names)}" if names else "in a batch without file names"
    return f"in epoch {engine.state.epoch}, iteration {engine.state.iteration}, {files}"


def _remedy(engine: Any) -> str:
    """Return what to do: correct the data if they are not finite, otherwise take shorter steps."""
    for key, value in _parts(engine).items():
        if isinstance(value, torch.Tensor) and value.ndim and value.is_floating_point():
            bad = [index for index, sample in enumerate(value) if not sample.isfinite().all()]
            if bad:
                names = _file_names(value) or [f"sample {index}" for index in range(len(value))]
                culprits = ", ".join(dict.fromkeys(names[index] for index in bad))
                return (
                    f"the {key} has NaN or infinite pixels in {culprits}: correct or remove the file, or "
                    "check its normalisation"
                )
    return "the data are finite: lower the learning rate, or clip the gradients with GradientClipper"


def _parts(engine: Any) -> dict[Any, Any]:
    """Return the parts of the batch by key or by number."""
    batch = engine.state.batch
    if isinstance(batch, Mapping):
        return dict(batch)
    return dict(enumerate(batch if isinstance(batch, Sequence) else [batch]))


def _file_names(value: Any) -> list[str]:
    """Return the file of each sample of a batch; an empty list if they are not all known."""
    if not isinstance(value, MetaTensor):
        return []
    names = value.meta.get(ImageMetaKey.FILENAME_OR_OBJ, [])
    names = [names] if isinstance(names, str) else [str(name) for name in names]
    return names if len(names) == len(value) else []


def step_follows(engine: Any) -> bool:
    """Whether the optimizer steps in this iteration, rather than accumulating gradients."""
    accumulated: int = getattr(engine, "accumulation_steps", 1)  # new in MONAI 1.6
    length = engine.state.epoch_length
    done = engine.state.iteration if length is None else (engine.state.iteration - 1) % length + 1
    return bool(done % accumulated == 0 or done == length)


def scale_of(engine: Any) -> float | None:
    """Return the factor of the gradients in mixed precision, or None without mixed precision."""
    if engine.scaler is None or not engine.scaler.is_enabled():
        return None
    return float(engine.scaler.get_scale())
