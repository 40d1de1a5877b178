"""Run an evaluator on one image after another; if one fails, the others are still segmented."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Events
from monai.data import list_data_collate
from monai.engines import SupervisedEvaluator
from monai.engines.utils import IterationEvents
from monai.transforms import Compose, SaveImage, SaveImaged
from monai.utils import CommonKeys, ensure_tuple

from cellseg_monai.inference.failure_table import STAGES, OneImage, Segmented, report_each
from cellseg_monai.inference.read_ahead import read_ahead
from cellseg_monai.label_maps import connected_components
from cellseg_monai.outputs.counts import number_of_cells
from cellseg_monai.outputs.origin import Origin


@dataclass(eq=False)
class EachImage:
    """Run an evaluator on one image at a time, and write three tables beside the results.

    ``failures.csv`` lists the images that could not be read, segmented or written, with the reason.
    ``timing.csv`` lists for all other images the seconds for reading, network, postprocessing and writing.
    ``counts.csv`` lists their number of cells, or of pieces of classes; a warning names the
    images without any.
    While the network works on an image, the next one is read.

    MONAI's evaluator on its own stops at the first image that fails.

    Args:
        evaluator: evaluator to run; its own data loader is not used.
        dataset: preprocessed images, one per sample, read from ``dataset.data[i]["image"]``.
        postprocessing: postprocessing of the evaluator; its savers are timed as writing. A saver with a
            method ``path_of(image)``, such as :class:`~cellseg_monai.export.SaveTiffd`, is checked before the
            first
            image: it may replace only results of earlier runs.
        output_dir: folder of the results and of the tables, created if necessary.
        origin: bundle and weights, for ``run.json``.

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
        RuntimeError: 1 of 2 images failed; see /.../failures.csv for the reasons
        >>> print((Path(output) / "failures.csv").read_text())
        image,error
        b.tif,ZeroDivisionError: division by zero
    """

    evaluator: SupervisedEvaluator
    dataset: Any
    postprocessing: Compose
    output_dir: str | PathLike[str]
    origin: Origin | None = None

    def __post_init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._began = 0.0
        self._error: Exception | None = None
        decodings = (getattr(step, "decoding", None) for step in self.postprocessing.transforms)
        self.evaluator.network.eval()  # otherwise MONAI switches each layer twice for every image
        self._classes = any(getattr(decoding, "decodes", "") == "classes" for decoding in decodings)
        self.evaluator.add_event_handler(Events.ITERATION_STARTED, self._start)
        self.evaluator.add_event_handler(IterationEvents.FORWARD_COMPLETED, self._forward_completed)
        # With a handler the evaluator ends properly and can run again; otherwise it cannot.
        self.evaluator.add_event_handler(Events.EXCEPTION_RAISED, self._fail)

    def run(self) -> None:
        """Segment every image.

        Raises:
            RuntimeError: at the end, if an image failed.
        """
        savers = [step for step in self.postprocessing.transforms if hasattr(step, "path_of")]
        with self._timed_postprocessing():
            readings = read_ahead(self.dataset.__getitem__, range(len(self.dataset)))
            images = [
                OneImage(
                    item["image"],
                    [saver.path_of(ensure_tuple(item["image"])[0]) for saver in savers],
                    partial(self._segment, readings),
                )
                for item in self.dataset.data
            ]
            noun = "piece" if self._classes else "cell"
            report_each(images, Path(self.output_dir), progress=True, noun=noun, origin=self.origin)

    def _segment(self, readings: Iterator[Any]) -> Segmented:
        self._seconds = dict.fromkeys(STAGES, 0.0)
        sample, self._seconds["read"] = next(readings).result()
        self.evaluator.data_loader = [list_data_collate([sample])]
        self.evaluator.state.epoch_length = 1
        self._error = None
        self.evaluator.run()
        if self._error is not None:
            raise self._error
        return Segmented(self._seconds, self._found(self.evaluator.state.output))

    def _found(self, output: Any) -> int | None:
        """Number of cells in a label map, or of pieces in a class map; None if it is neither."""
        result = output[0].get(CommonKeys.PRED) if isinstance(output, list) else None
        if not isinstance(result, torch.Tensor) or result.is_floating_point() or len(result) != 1:
            return None
        labels = result[0].cpu().numpy()
        if self._classes:
            return int(connected_components(labels).max(initial=0))
        return number_of_cells(labels)

    def _start(self, engine: Any) -> None:
        self._began = time.perf_counter()

    def _fail(self, engine: Any, error: Exception) -> None:
        self._error = error

    def _forward_completed(self, engine: Any) -> None:
        self._seconds["network"] = time.perf_counter() - self._began

    @contextmanager
    def _timed_postprocessing(self) -> Iterator[None]:
        """Make each transform add its time to its stage."""
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
