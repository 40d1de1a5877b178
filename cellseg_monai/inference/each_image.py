"""Run an evaluator on one image after another; if one fails, the others are still segmented."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
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

from cellseg_monai.cell_size import cell_diameter
from cellseg_monai.inference.configuration_hash import configuration_hash
from cellseg_monai.inference.failure_table import report_each
from cellseg_monai.inference.one_image import (
    STAGES,
    OneImage,
    Outcomes,
    Perform,
    Segmented,
    digest_if_readable,
    in_turn,
)
from cellseg_monai.inference.read_ahead import read_ahead
from cellseg_monai.inference.unsure import unsure_share
from cellseg_monai.label_maps import connected_components
from cellseg_monai.outputs.counts import number_of_cells
from cellseg_monai.outputs.origin import Origin


@dataclass(eq=False)
class EachImage:
    """Run an evaluator on one image at a time, and write three tables beside the results.

    ``failures.csv`` lists the images that could not be read, segmented or written, with the reason.
    ``timing.csv`` lists for all other images the seconds for reading, network, postprocessing and writing.
    ``counts.csv`` lists their number of cells, or of pieces of classes, the diameter of the typical cell in
    pixels, and how unsure the network is.
    Warnings name the images without any, and those of which it is unsure.
    While the network works on an image, the next one is read. If a run is killed and started again, it keeps
    the images that are done, as long as the image, the network and all options are the same.

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
        most_unsure: share of unsure pixels in the most difficult image that the network was judged on, as
            ``cellseg calibrate --keep`` measures it; None if it is not known.

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
    most_unsure: float | None = None

    def __post_init__(self) -> None:
        self._unsure: float | None = None
        self._seconds: dict[str, float] = {}
        self._began = 0.0
        self._error: Exception | None = None
        decodings = (getattr(step, "decoding", None) for step in self.postprocessing.transforms)
        self._decoding = next((decoding for decoding in decodings if decoding is not None), None)
        self._classes = getattr(self._decoding, "decodes", "") == "classes"
        self.evaluator.network.eval()  # otherwise MONAI switches each layer twice for every image
        self.evaluator.add_event_handler(Events.ITERATION_STARTED, self._start)
        self.evaluator.add_event_handler(IterationEvents.FORWARD_COMPLETED, self._forward_completed)
        # With a handler the evaluator ends properly and can run again; otherwise it cannot.
        self.evaluator.add_event_handler(Events.EXCEPTION_RAISED, self._fail)

    def run(self, perform: Perform | None = None) -> None:
        """Segment every image.

        Args:
            perform: way to work through the images; by default one after another.

        Raises:
            RuntimeError: at the end, if an image failed.
        """
        savers = [step for step in self.postprocessing.transforms if hasattr(step, "path_of")]
        images = [
            OneImage(
                source,
                [saver.path_of(ensure_tuple(source)[0]) for saver in savers],
                partial(self.segment_image, source),
            )
            for source in (item["image"] for item in self.dataset.data)
        ]
        settings = self._settings()
        noun = "piece" if self._classes else "cell"
        with self._timed_postprocessing():
            report_each(
                images,
                Path(self.output_dir),
                settings,
                perform or self._in_turn,
                progress=True,
                noun=noun,
                origin=self.origin,
            )

    def segment_image(self, source: Any) -> Segmented:
        """Segment a single image, and write its results.

        Args:
            source: file of the image, or files of its channels.
        """
        with self._timed_postprocessing():
            (reading,) = read_ahead(self._read, [source])
            return self._segment(reading)

    def _settings(self) -> str:
        """Hash of all that a result depends on besides its image."""
        return configuration_hash(
            version("cellseg_monai"),
            self.evaluator.network,
            self.evaluator.inferer,
            (self.evaluator.amp, self.evaluator.amp_kwargs),
            self.dataset.transform,
            self.postprocessing.transforms,
        )

    def _in_turn(self, images: Sequence[OneImage], begin: Callable[[OneImage], None]) -> Outcomes:
        readings = zip(images, read_ahead(self._read, [image.source for image in images]), strict=True)
        ahead = (image._replace(segment=partial(self._segment, reading)) for image, reading in readings)
        return in_turn(ahead, begin)

    def _read(self, source: Any) -> Any:
        for file in ensure_tuple(source):
            digest_if_readable(file)  # remembered for the manifest
        return self.dataset.transform({"image": source})

    def _segment(self, reading: Future[tuple[Any, float]]) -> Segmented:
        self._seconds = dict.fromkeys(STAGES, 0.0)
        sample, self._seconds["read"] = reading.result()
        self.evaluator.data_loader = [list_data_collate([sample])]
        self.evaluator.state.epoch_length = 1
        self._error, self._unsure = None, None
        self.evaluator.run()
        if self._error is not None:
            raise self._error
        return Segmented(self._seconds, *self._found(self.evaluator.state.output), self._unsure)

    def _found(self, output: Any) -> tuple[int | None, float | None]:
        """Number and diameter of the cells in a label map; number of pieces in a class map."""
        result = output[0].get(CommonKeys.PRED) if isinstance(output, list) else None
        if not isinstance(result, torch.Tensor) or result.is_floating_point() or len(result) != 1:
            return None, None
        labels = result[0].cpu().numpy()
        if self._classes:
            return int(connected_components(labels).max(initial=0)), None
        return number_of_cells(labels), cell_diameter(labels)

    def _start(self, engine: Any) -> None:
        self._began = time.perf_counter()

    def _fail(self, engine: Any, error: Exception) -> None:
        self._error = error

    def _forward_completed(self, engine: Any) -> None:
        self._seconds["network"] = time.perf_counter() - self._began
        if self.most_unsure and self._decoding is not None and not self._classes:
            foreground = self._decoding.foreground(engine.state.output[CommonKeys.PRED][0])
            self._unsure = unsure_share(foreground) / self.most_unsure

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
