"""One training in the folder of a bundle: its images, its weights, and its command."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cellseg_monai.data.datalist import Item
from cellseg_monai.outputs import write_text
from cellseg_monai.planning.process import Report, run_monai

WORK = "training"
"""Sub-folder of the bundle for its trainings."""


@dataclass(frozen=True)
class Run:
    """A training with some of the images, validated on others.

    Attributes:
        bundle: folder of the bundle.
        name: name of the training, and of its folder.

    Example:
        >>> Run(Path("cells"), "fold 2").weights.as_posix()
        'cells/training/fold 2/model.pt'
    """

    bundle: Path
    name: str

    @property
    def folder(self) -> Path:
        """Folder of the training."""
        return self.bundle / WORK / self.name

    @property
    def weights(self) -> Path:
        """Trained weights, with their settings beside them."""
        return self.folder / "model.pt"

    @property
    def validation(self) -> Path:
        """List of the validation images."""
        return self.folder / "validation.json"

    @property
    def learned(self) -> list[Item]:
        """Training images."""
        items: list[Item] = json.loads(self._training.read_text(encoding="utf-8"))["training"]
        return items

    @property
    def _training(self) -> Path:
        return self.folder / "train.json"

    @property
    def picture(self) -> Path:
        """Picture of a validation image with its cells, drawn after each validation."""
        return self.folder / "validation.png"

    @property
    def log(self) -> Path:
        """Log of the training."""
        return self.folder / "training.log"

    def begin(self, learned: Sequence[Item], held_out: Sequence[Item]) -> None:
        """Write the lists of images.

        Args:
            learned: training images.
            held_out: validation images.
        """
        for file, items in ((self._training, learned), (self.validation, held_out)):
            write_text(file, json.dumps({"training": items}, indent=1, default=str))

    def train(self, minutes: float, start: Path | None, report: Report) -> None:
        """Train, or go on with a training that was interrupted.

        Args:
            minutes: duration of the training.
            start: weights to start from; None for random ones.
            report: function that is called with each line of progress.
        """
        run_monai(self.arguments(minutes, start, self.folder), self.bundle, self.log, report)

    def arguments(self, minutes: float, start: Path | None, out: Path) -> list[str]:
        """Arguments of ``python -m monai.bundle`` in the folder of the bundle.

        Args:
            minutes: duration of the training.
            start: weights to start from; None for random ones.
            out: folder of the new weights.
        """
        here = self.bundle.resolve()
        options = {
            "config_file": "configs/train.json",
            "dataset_dir": self._training.resolve().relative_to(here),
            "validation_dir": self.validation.resolve().relative_to(here),
            "output_dir": out,
            "ckpt_dir": out,
            "minutes": f"{minutes:.4g}",
            **({} if start is None else {"pretrained": start.resolve().relative_to(here)}),
        }
        return ["run", *(word for name, value in options.items() for word in (f"--{name}", str(value)))]

    def command(self, minutes: float, start: Path | None) -> str:
        """Command that repeats the training with MONAI alone, into another folder."""
        words = shlex.join(["python", "-m", "monai.bundle", *self.arguments(minutes, start, Path("again"))])
        return f"cd {shlex.quote(str(self.bundle))} && {words}"
