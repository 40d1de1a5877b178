"""Read the next image while the current one is in use."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Content = TypeVar("Content")


def read_ahead(
    read: Callable[[Item], Content], items: Iterable[Item]
) -> "Iterator[Future[tuple[Content, float]]]":
    """Read items in a thread, each while the caller works on the one before.

    Args:
        read: function that reads an item.
        items: items to read.

    Yields:
        For each item the future of its content and of the seconds that reading took. An error in ``read`` is
        raised by the future. At most two contents are in memory.

    Example:
        >>> [future.result()[0] for future in read_ahead(str.upper, ["a", "b"])]
        ['A', 'B']
    """

    def timed(item: Item) -> tuple[Content, float]:
        began = time.perf_counter()
        return read(item), time.perf_counter() - began

    with ThreadPoolExecutor(1) as reader:
        following: Future[tuple[Content, float]] | None = None
        for item in items:
            current, following = following, reader.submit(timed, item)
            if current is not None:
                yield current
            del current  # which holds the content
        if following is not None:
            yield following
