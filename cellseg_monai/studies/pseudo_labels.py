"""What images without labels add: the student of Yang et al., and one taught with more care."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellseg_monai.data import k_folds
from cellseg_monai.data.datalist import Item, file_of
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.outputs import write_text
from cellseg_monai.studies.options import inference_options, known_options
from cellseg_monai.studies.run import Run, folds_of

TEACHER, TRAINED_ON, PSEUDO, CONSISTENT = "teacher", "trained_on", "pseudo_labels", "consistent"


@dataclass(frozen=True)
class PseudoLabels:
    """A teacher from the labelled images, and three ways to go on from it, scored on the same test images.

    - *trained_on*: the teacher goes on with the labelled images alone, as long as the consistent student;
      what that one gains beyond it comes from the unlabelled images.
    - *pseudo_labels*: what Yang et al. did. A new network learns from the labelled images and from
      the teacher's label maps of the others as if they were true.
    - *consistent*: goes on from the teacher's weights with the overlay ``semi_supervised``: a teacher
      that is the student's moving average, only pixels that it is sure of, weak changes of the image for
      it and strong ones for the student, and a weight that rises.

    Attributes:
        bundle: folder of the bundle.
        labelled: images to learn from.
        unlabelled: images without labels; labels that are there are not looked at.
        test: labelled images to score.
        options: of every training, by id.
        student: of the two that go on from the teacher.
        seed: of the trainings.
        pieces: binary masks, whose connected pieces are the objects.

    Example:
        >>> images = [{"image": f"{i}.tif", "label": f"{i}_mask.tif", "foreground": 0.2} for i in range(3)]
        >>> PseudoLabels(Path("bundle"), images, [{"image": "b.tif"}], images).teacher().name
        'teacher-seed_0'
    """

    bundle: Path
    labelled: Sequence[Item]
    unlabelled: Sequence[Item]
    test: Sequence[Item]
    options: Mapping[str, Any] = field(default_factory=dict)
    student: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    pieces: bool = False

    def teacher(self) -> Run:
        """The supervised model."""
        return self._run(TEACHER)

    def students(self, weights: Path, folder: Path) -> list[Run]:
        """The three ways to go on.

        Args:
            weights: of the teacher.
            folder: for the teacher's label maps.
        """
        files = [file_of(item) for item in self.unlabelled]
        listing = folder / "unlabelled.json"
        write_text(listing, json.dumps({"training": [{"image": file} for file in files]}, indent=1))
        labels = self._pseudo_labels(files, weights, folder / "pseudo_labels")
        said = [{"image": file, "label": str(label)} for file, label in zip(files, labels, strict=True)]
        consistent = {**self.student, "unlabelled_dir": str(listing)}
        return [
            self._run(
                TRAINED_ON, options=known_options(self.bundle, "train", self.student), pretrained=weights
            ),
            self._run(PSEUDO, said),
            self._run(CONSISTENT, options=consistent, pretrained=weights, overlay=("semi_supervised",)),
        ]

    def _run(
        self, kind: str, further: Sequence[Item] = (), options: Mapping[str, Any] | None = None, **more: Any
    ) -> Run:
        """All validate on the same labelled images, so that no pseudo-label decides when to stop."""
        training, validation = k_folds(self.labelled, folds_of(self.labelled), seed=0)[0]
        return Run(
            f"{kind}-seed_{self.seed}",
            self.bundle,
            [*training, *further],
            {"test": self.test},
            {**self.options, **(options or {}), "seed": self.seed},
            validation=validation,
            factors={"model": kind, "seed": self.seed},
            pieces=self.pieces,
            **more,
        )

    def _pseudo_labels(self, files: list[str], weights: Path, folder: Path) -> list[Path]:
        """The teacher's label maps, made once."""
        record = folder / "done.json"
        if not record.is_file():
            options = inference_options(self.bundle, weights, self.options)
            labels = predict(self.bundle, files, folder, options=options)
            made = {file: str(label) for file, label in zip(files, labels, strict=True)}
            write_text(record, json.dumps(made))
        made = json.loads(record.read_text())
        if list(made) != files:
            raise ValueError(
                f"{folder}: holds pseudo-labels of other images; give another --out, or delete it"
            )
        return [Path(label) for label in made.values()]
