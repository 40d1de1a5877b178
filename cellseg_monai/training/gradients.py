"""State of the gradients in MONAI's trainer: they may be scaled, and may be partial sums."""

from typing import Any


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
