"""Scores of a MONAI evaluation as tables, written over nothing but those of an earlier one."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from monai.handlers import MetricsSaver

from cellseg_monai.outputs import claim_outputs, write_bytes


class ScoresSaver(MetricsSaver):
    r"""MONAI's ``MetricsSaver``, with tables that are written whole and never over other files.

    MONAI's own opens ``metrics.csv`` and ``*_raw.csv`` for writing whatever they are.

    Args:
        save_dir: folder of the tables.
        metrics: names of the metrics to write, or ``"*"``.
        metric_details: names of the metrics to write for each image, or ``"*"``.
        batch_transform: function that gives the metadata of the images of a batch.
        summary_ops: summaries over the images, such as ``"mean"``, or ``"*"``.

    Raises:
        FileExistsError: when an epoch ends, a table exists and is not of an earlier evaluation.

    Example:
        >>> import tempfile
        >>> from ignite.engine import Engine
        >>> folder = tempfile.mkdtemp()
        >>> evaluator = Engine(lambda engine, batch: None)
        >>> ScoresSaver(folder, metrics="*").attach(evaluator)
        >>> evaluator.state.metrics["dice"] = 0.5
        >>> state = evaluator.run([0])
        >>> (Path(folder) / "metrics.csv").read_text()
        'dice,0.5\n'
    """

    def __init__(
        self,
        save_dir: str | PathLike[str],
        metrics: str | Sequence[str] | None = "*",
        metric_details: str | Sequence[str] | None = None,
        batch_transform: Callable[[Any], Any] = lambda batch: (),
        summary_ops: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__(str(save_dir), metrics, metric_details, batch_transform, summary_ops)
        self.folder = Path(save_dir)

    def __call__(self, engine: Any) -> None:
        """Write the tables of an epoch."""
        with TemporaryDirectory() as temporary:
            self.save_dir = temporary
            super().__call__(engine)
            tables = {path.name: path.read_bytes() for path in sorted(Path(temporary).iterdir())}
        if tables:  # which one process has, where there are several
            with claim_outputs(self.folder, "score", tables):
                for name, content in tables.items():
                    write_bytes(self.folder / name, content)
