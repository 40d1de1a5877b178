"""Bring batches from one device to another while the next is made."""

from collections.abc import Callable, Iterable, Iterator

import torch

Arrival = Callable[[], torch.Tensor]
"""Waits until a transfer is done and returns the tensor."""


def brought(batches: Iterable[torch.Tensor], device: torch.device) -> Iterator[torch.Tensor]:
    """Move batches to a device, one ahead: each is on its way while its predecessor is worked on.

    To and from CUDA the copy runs on a stream of its own, through pinned memory. Batches that are there
    already are handed on at once.

    Args:
        batches: taken one by one.
        device: where they are wanted.

    Yields:
        The batches, in order.

    Example:
        >>> [batch.tolist() for batch in brought([torch.ones(1), torch.zeros(1)], torch.device("cpu"))]
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
    if stream is None:  # neither is CUDA: no stream, no pinned memory
        return lambda: batch.to(device)
    if device.type == "cuda":
        return _to_cuda(batch, device, stream)
    return _from_cuda(batch, stream)


def _to_cuda(batch: torch.Tensor, device: torch.device, stream: torch.cuda.Stream) -> Arrival:
    with torch.cuda.stream(stream):
        moved = batch.pin_memory().to(device, non_blocking=True)
        event = stream.record_event()

    def arrive() -> torch.Tensor:
        current = torch.cuda.current_stream(device)
        current.wait_event(event)
        moved.record_stream(current)  # its memory was taken on the other stream
        return moved

    return arrive


def _from_cuda(batch: torch.Tensor, stream: torch.cuda.Stream) -> Arrival:
    stream.wait_stream(torch.cuda.current_stream(batch.device))  # until the network has written it
    with torch.cuda.stream(stream):
        host = torch.empty(batch.shape, dtype=batch.dtype, pin_memory=True)
        host.copy_(batch, non_blocking=True)
        batch.record_stream(stream)
        event = stream.record_event()

    def arrive() -> torch.Tensor:
        event.synchronize()
        return host

    return arrive
