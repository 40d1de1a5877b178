"""Work on one item after another, or by the workers of a cluster; what fails does not stop the others."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from cellseg_monai.outputs.causes import cause_of, in_one_line
from cellseg_monai.outputs.failures import Failures
from cellseg_monai.outputs.whole import OutputError


class _Answer(NamedTuple):
    result: Any
    reason: str = ""


def collected(
    work: Callable[[Any], Any], items: Mapping[str, Any], failures: Failures, cluster: str | None = None
) -> Iterator[tuple[str, Any]]:
    """Results in the order of the items; what failed is added to the failures instead.

    Args:
        work: function of an item.
        items: items by name.
        failures: failures to add to.
        cluster: cluster as in :func:`~cellseg_monai.runtime.cluster.connected`; None for this process.

    Yields:
        Name and result of each item that did not fail.

    Raises:
        OutputError: a result cannot be written because the disk is full or read-only.

    Example:
        >>> failures = Failures()
        >>> list(collected(lambda item: 1 / item, {"a": 2, "b": 0}, failures))
        [('a', 0.5)]
        >>> failures.rows
        [('b', 'ZeroDivisionError: division by zero')]
    """
    attempt = partial(_attempted, work)
    answers: Iterator[Any]
    if cluster is None:
        answers = map(attempt, items.values())
    else:
        from cellseg_monai.runtime.spreading import answers_of  # which needs PyTorch

        answers = answers_of(attempt, list(items.values()), cluster)
    for name, answer in zip(items, answers, strict=True):
        if isinstance(answer, _Answer) and not answer.reason:
            yield name, answer.result
        else:
            failures.add(name, answer.reason if isinstance(answer, _Answer) else str(answer))


def _attempted(work: Callable[[Any], Any], item: Any) -> _Answer:
    try:
        return _Answer(work(item))
    except Exception as error:
        if isinstance(cause_of(error), OutputError):
            raise
        return _Answer(None, in_one_line(error))
