"""When gradients are ready, in the terms of MONAI's trainer: they are scaled, and may be partial sums."""

from typing import Any


def step_follows(engine: Any) -> bool:
    """Whether the optimizer steps in this iteration, or gradients are only gathered."""
    accumulated: int = getattr(engine, "accumulation_steps", 1)  # new in MONAI 1.6
    length = engine.state.epoch_length
    done = engine.state.iteration if length is None else (engine.state.iteration - 1) % length + 1
    return bool(done % accumulated == 0 or done == length)


def scale_of(engine: Any) -> float | None:
    """The factor that mixed precision has put on the gradients, None without mixed precision."""
    if engine.scaler is None or not engine.scaler.is_enabled():
        return None
    return float(engine.scaler.get_scale())
