"""Work on many items by the workers of a cluster, with one item a worker at a time."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, Queue
from typing import Any, NamedTuple
from uuid import uuid4

from cellseg_monai.runtime.cluster import connected

logger = logging.getLogger(__name__)

_FETCHING = 10.0
"""Seconds in which a result must come from its worker; they are small."""

DEATHS = 3
"""Workers that an item may kill before it is set aside."""

_PATIENCE = 1.0
"""Seconds after which the list of workers is read again."""


class Killed(NamedTuple):
    """What came of an item whose workers died.

    Attributes:
        deaths: number of workers that died while they worked on it.
        worker: address of the last one.

    Example:
        >>> print(Killed(3, "tcp://127.0.0.1:40001"))
        3 workers died of it, the last at tcp://127.0.0.1:40001; it may need more memory than a worker has
    """

    deaths: int
    worker: str

    def __str__(self) -> str:
        """Reason for the table of failures."""
        died = f"{self.deaths} workers died of it, the last at {self.worker}"
        return f"{died}; it may need more memory than a worker has"


def spread(
    client: Any, work: Callable[[Any], Any], items: Sequence[Any], begin: Callable[[int], None] | None = None
) -> Iterator[tuple[int, Any]]:
    """Let the workers of a cluster work on items; at most one item a worker is on its way.

    If a worker dies, its item is done by another one. An item that has killed three workers is answered by
    :class:`Killed`. Workers may come and go.

    Args:
        client: Dask client.
        work: function of an item, with a small result.
        items: items, which are sent to the workers one by one.
        begin: function that is called with the number of an item before it is sent.

    Yields:
        Number of the item, and its result, as they come in.

    Raises:
        ConnectionError: the scheduler was lost.
        Exception: any that `work` raised.

    Example:
        >>> from dask.distributed import Client
        >>> threads = {"processes": False, "n_workers": 1, "dashboard_address": None}
        >>> with Client(**threads) as client:
        ...     list(spread(client, abs, [-1, -2]))
        [(0, 1), (1, 2)]
    """
    return _Spreading(client, work, items, begin).answers()


def answers_of(work: Callable[[Any], Any], items: Sequence[Any], cluster: str | None = None) -> Iterator[Any]:
    """Answers in the order of the items, by this process or by the workers of a cluster.

    Args:
        work: function of an item.
        items: items.
        cluster: cluster as in :func:`~cellseg_monai.runtime.cluster.connected`; None for this process.

    Yields:
        Result of each item, or :class:`Killed`.

    Example:
        >>> list(answers_of(abs, [-1, -2]))
        [1, 2]
    """
    if cluster is None or not items:
        yield from map(work, items)
        return
    with connected(cluster) as client:
        answers = dict(spread(client, work, items))
    yield from (answers[number] for number in range(len(items)))


class _Spreading:
    def __init__(
        self,
        client: Any,
        work: Callable[[Any], Any],
        items: Sequence[Any],
        begin: Callable[[int], None] | None,
    ) -> None:
        self._client, self._work, self._items, self._begin = client, work, items, begin
        self._run = uuid4().hex
        self._next = 0
        self._again: list[int] = []
        self._deaths: Counter[int] = Counter()
        self._sent: dict[str, tuple[int, str, Any]] = {}  # number, worker and future by key
        self._answered: Queue[Any] = Queue()
        self._workers: set[str] = set()
        self._read_at = 0.0

    def answers(self) -> Iterator[tuple[int, Any]]:
        try:
            while self._sent or self._again or self._next < len(self._items):
                self._send()
                try:
                    future = self._answered.get(timeout=_PATIENCE)
                except Empty:
                    self._read_workers()
                    continue
                if future.key not in self._sent:  # taken back
                    continue
                number = self._sent.pop(future.key)[0]
                self._send()  # first, so that no worker waits for what the caller does
                answer = self._answer(number, future)
                del future  # otherwise its worker keeps the result, and another one repeats it if that dies
                if answer is self:
                    self._again.append(number)
                else:
                    yield number, answer
        finally:
            if self._sent and self._client.status == "running":
                self._client.cancel([future for _, _, future in self._sent.values()])

    def _send(self) -> None:
        """Send an item to each worker that has none."""
        if time.monotonic() - self._read_at > _PATIENCE:
            self._read_workers()
        left = len(self._again) + len(self._items) - self._next
        free = sorted(self._workers - self._busy()) if left else []
        for worker in free[: max(0, min(left, len(self._workers) - len(self._sent)))]:
            if self._again:
                number = self._again.pop()
            else:
                number, self._next = self._next, self._next + 1
            if self._begin is not None:
                self._begin(number)
            key = f"{self._run}-{number}-{uuid4().hex}"
            # Another worker takes the item if this one has left.
            future = self._client.submit(
                self._work, self._items[number], key=key, workers=[worker], allow_other_workers=True
            )
            self._sent[key] = number, worker, future
            future.add_done_callback(self._answered.put)

    def _busy(self) -> set[str]:
        """Workers that have an item; where one has left, the scheduler knows who took over its item."""
        busy = {worker for _, worker, _ in self._sent.values()}
        if busy <= self._workers:
            return busy
        return {worker for worker, keys in self._asked("processing").items() if keys} | busy

    def _read_workers(self) -> None:
        workers = set(self._asked("nthreads"))
        if any(worker not in workers for _, worker, _ in self._sent.values()):
            self._take_back(workers)
        if not workers and (self._workers or not self._read_at):
            logger.warning("there is no worker yet; waiting for one")
        self._workers, self._read_at = workers, time.monotonic()

    def _take_back(self, workers: set[str]) -> None:
        """Take back items that were sent to a worker that had just left: Dask would wait for it for ever."""
        placed = {key for keys in self._asked("processing").values() for key in keys}
        for key, (number, worker, future) in list(self._sent.items()):
            if worker not in workers and key not in placed and future.status == "pending":
                del self._sent[key]
                self._again.append(number)
                self._client.cancel([future])

    def _asked(self, what: str) -> Any:
        """Ask the scheduler."""
        try:
            return getattr(self._client, what)()
        except (OSError, RuntimeError) as error:
            raise ConnectionError(_LOST) from error

    def _answer(self, number: int, future: Any) -> Any:
        """The answer to an item; this object if it must be sent again."""
        from dask.distributed import CancelledError, KilledWorker
        from dask.distributed import TimeoutError as TooLong

        if future.status == "lost":
            return self
        try:
            return future.result(timeout=_FETCHING if future.status == "finished" else None)
        except TooLong:  # its worker died before the result was fetched; Dask may wait for it for ever
            if future.status == "error":
                raise
            return self
        except CancelledError as error:
            raise ConnectionError(_LOST) from error
        except KilledWorker as error:
            self._read_at = 0.0
            self._deaths[number] += error.allowed_failures + 1
            if self._deaths[number] < DEATHS:
                return self
            return Killed(self._deaths[number], error.last_worker.address)


_LOST = (
    "the scheduler of the cluster was lost; start it again if it is yours, and run the same command again to "
    "continue"
)
