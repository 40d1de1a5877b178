"""Move batches between devices while the next batch is computed."""

from collections.abc import Callable, Iterable, Iterator

import torch

Arrival = Callable[[], torch.Tensor]
"""Function that waits for a transfer and returns the tensor."""


def transferred(batches: Iterable[torch.Tensor], device: torch.device) -> Iterator[torch.Tensor]:
    """Move batches to a device, each while its predecessor is in use.

    To and from CUDA, the copy runs on its own stream, through pinned memory. Batches that are already on the
    device are passed on immediately.

    Args:
        batches: batches, taken one by one.
        device: target device.

    Yields:
        The batches, in order.

    Example:
        >>> [batch.tolist() for batch in transferred([torch.ones(1), torch.zeros(1)], torch.device("cpu"))]
        [[1.0], [0.0]]
    """
    stream = None
    waiting: list[Arrival] = []
    for batch in batches:
        if batch.device == device:
            yield batch
            continue
        if stream is None and "cuda" in (batch.device.type, device.type):
            cuda = device if device.type == "cuda" else batch.device
            stream = torch.cuda.Stream(cuda)  # type: ignore[no-untyped-call]
        waiting.append(_send(batch, device, stream))
        if len(waiting) > 1:
            yield waiting.pop(0)()
    for arrival in waiting:
        yield arrival()


def _send(batch: torch.Tensor, device: torch.device, stream: torch.cuda.Stream | None) -> Arrival:
    if stream is None:  # neither device is CUDA
        return lambda: batch.to(device)
    to_cuda = device.type == "cuda"
    if not to_cuda:
        stream.wait_stream(torch.cuda.current_stream(batch.device))  # until the network has written the batch
    with torch.cuda.stream(stream):
        if to_cuda:
            moved = batch.pin_memory().to(device, non_blocking=True)
        else:
            moved = torch.empty(batch.shape, dtype=batch.dtype, pin_memory=True)
            moved.copy_(batch, non_blocking=True)
            batch.record_stream(stream)
        event = stream.record_event()

    def arrive() -> torch.Tensor:
        if to_cuda:
            current = torch.cuda.current_stream(device)
            current.wait_event(event)
            moved.record_stream(current)  # its memory was allocated on the other stream
        else:
            event.synchronize()
        return moved

    return arrive
