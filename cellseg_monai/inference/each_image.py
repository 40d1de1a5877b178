"""Image after image through an evaluator: one that fails is reported, and the others are done."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ignite.engine import Events
from monai.data import list_data_collate
from monai.engines import SupervisedEvaluator
from monai.engines.utils import IterationEvents
from monai.transforms import Compose, SaveImage, SaveImaged
from monai.utils import ensure_tuple

from cellseg_monai.inference.reports import STAGES, OneImage, report_each


@runtime_checkable
class Saver(Protocol):
    """A transform that writes, and knows where, such as :class:`~cellseg_monai.export.SaveTiffd`."""

    def path_of(self, source: str) -> Path:
        """The file that the result of an image is written to."""


class EachImage:
    """Run an evaluator on one image at a time, with two tables beside its results.

    ``failures.csv`` lists the images that could not be read, segmented or written, with the reason;
    ``timing.csv`` tells for each other one how long it took to read, in the network, after it, and to write.
    While the network works on an image the next one is read.

    MONAI's evaluator, run by itself, ends with the first image that fails.

    Args:
        evaluator: its own data loader is not used.
        dataset: preprocessed images, one a sample, read from ``dataset.data[i]["image"]``.
        postprocessing: the one of the evaluator; its savers are timed as writing. Before the first image it
            is made sure that those which know their files write over nothing but results of earlier runs.
        output_dir: folder of the results and of the two tables; it is created.

    Example:
        >>> import tempfile, torch
        >>> from monai.data import Dataset
        >>> output, network = tempfile.mkdtemp(), torch.nn.Conv2d(1, 1, 1)
        >>> postprocessing = Compose([])
        >>> evaluator = SupervisedEvaluator("cpu", [0], network, postprocessing=postprocessing)
        >>> load = lambda item: {"image": torch.zeros(1, 8, 8) if item["image"] == "a.tif" else 1 / 0}
        >>> images = Dataset([{"image": "a.tif"}, {"image": "b.tif"}], load)
        >>> EachImage(evaluator, images, postprocessing, output).run()
        Traceback (most recent call last):
        ...
        RuntimeError: 1 of 2 images failed; /.../failures.csv says which and why
        >>> print((Path(output) / "failures.csv").read_text())
        image,error
        b.tif,ZeroDivisionError: division by zero
    """

    def __init__(
        self,
        evaluator: SupervisedEvaluator,
        dataset: Any,
        postprocessing: Compose,
        output_dir: str | PathLike[str],
    ) -> None:
        self.evaluator = evaluator
        self.dataset = dataset
        self.postprocessing = postprocessing
        self.output_dir = Path(output_dir)
        self._seconds: dict[str, float] = {}
        self._began = 0.0
        self._error: Exception | None = None
        self._next: Future[tuple[Any, float]] | None = None
        evaluator.add_event_handler(Events.ITERATION_STARTED, self._start)
        evaluator.add_event_handler(IterationEvents.FORWARD_COMPLETED, self._forward_completed)
        # With a handler the evaluator comes to a proper end, and can run again; left to raise, it cannot.
        evaluator.add_event_handler(Events.EXCEPTION_RAISED, self._fail)

    def run(self) -> None:
        """Segment every image.

        Raises:
            RuntimeError: at the end, if an image failed.
        """
        savers = [step for step in self.postprocessing.transforms if isinstance(step, Saver)]
        with self._timed_postprocessing(), ThreadPoolExecutor(1) as reader:
            images = [
                OneImage(
                    item["image"],
                    [saver.path_of(ensure_tuple(item["image"])[0]) for saver in savers],
                    partial(self._segment, index, reader),
                )
                for index, item in enumerate(self.dataset.data)
            ]
            report_each(images, self.output_dir, progress=True)

    def _read(self, index: int) -> tuple[Any, float]:
        began = time.perf_counter()
        return self.dataset[index], time.perf_counter() - began

    def _read_ahead(self, index: int, reader: ThreadPoolExecutor) -> "Future[tuple[Any, float]]":
        """The reading of an image; the next one is read while the network works on it."""
        reading = self._next or reader.submit(self._read, index)
        reading.exception()  # waits; at most two images are in memory
        self._next = reader.submit(self._read, index + 1) if index + 1 < len(self.dataset) else None
        return reading

    def _segment(self, index: int, reader: ThreadPoolExecutor) -> dict[str, float]:
        self._seconds = dict.fromkeys(STAGES, 0.0)
        sample, self._seconds["read"] = self._read_ahead(index, reader).result()
        self.evaluator.data_loader = [list_data_collate([sample])]
        self.evaluator.state.epoch_length = 1
        self._error = None
        self.evaluator.run()
        if self._error is not None:
            raise self._error
        return self._seconds

    def _start(self, engine: Any) -> None:
        self._began = time.perf_counter()

    def _fail(self, engine: Any, error: Exception) -> None:
        self._error = error

    def _forward_completed(self, engine: Any) -> None:
        self._seconds["network"] = time.perf_counter() - self._began

    @contextmanager
    def _timed_postprocessing(self) -> Iterator[None]:
        """Have each transform add its time to its stage."""
        transforms = self.postprocessing.transforms
        self.postprocessing.transforms = tuple(map(self._timed, transforms))
        try:
            yield
        finally:
            self.postprocessing.transforms = transforms

    def _timed(self, transform: Callable[[Any], Any]) -> Callable[[Any], Any]:
        stage = "write" if isinstance(transform, SaveImage | SaveImaged) else "postprocessing"

        def run(data: Any) -> Any:
            began = time.perf_counter()
            result = transform(data)
            self._seconds[stage] += time.perf_counter() - began
            return result

        return run
