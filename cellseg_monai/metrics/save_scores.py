"""Scores of a MONAI evaluation as tables, which replace only tables of an earlier evaluation."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from monai.handlers import MetricsSaver

from cellseg_monai.outputs import claim_outputs, write_bytes


class ScoresSaver(MetricsSaver):
    r"""MONAI's ``MetricsSaver``, but each table is written in one step and never replaces another file.

    MONAI's class overwrites any files named ``metrics.csv`` and ``*_raw.csv``.

    It takes the arguments of MONAI's class: ``save_dir``, ``metrics``, ``metric_details``,
    ``batch_transform``, ``summary_ops``.

    Raises:
        FileExistsError: At the end of an epoch, if a table exists that an earlier evaluation did not write.

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

    save_dir: str

    def __call__(self, engine: Any) -> None:
        """Write the tables at the end of an epoch."""
        folder = self.save_dir
        with TemporaryDirectory() as self.save_dir:
            try:
                super().__call__(engine)
                tables = {path.name: path.read_bytes() for path in sorted(Path(self.save_dir).iterdir())}
            finally:
                self.save_dir = folder
        if tables:  # with several processes, only one of them has tables
            with claim_outputs(folder, "score", tables):
                for name, content in tables.items():
                    write_bytes(Path(folder) / name, content)
