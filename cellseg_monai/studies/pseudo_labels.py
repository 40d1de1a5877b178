"""What images without labels add: the student of Yang et al., and a more careful one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellseg_monai.data import k_folds
from cellseg_monai.data.datalist import Item, file_of
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.outputs import write_text
from cellseg_monai.studies.bundle_options import known_options, options_of_trained
from cellseg_monai.studies.recipe import Recipe
from cellseg_monai.studies.run import Run, folds_of
from cellseg_monai.studies.training import write_listing

TEACHER, TRAINED_ON, PSEUDO, CONSISTENT = "teacher", "trained_on", "pseudo_labels", "consistent"


@dataclass(frozen=True)
class PseudoLabels:
    """A teacher trained on the labelled images, and three ways to continue, scored on the same test images.

    - *trained_on*: the teacher continues with the labelled images only, for as long as the consistent
      student. The difference between the two shows what the unlabelled images add.
    - *pseudo_labels*: as in Yang et al., a new network trains on the labelled images, and on the label maps
      that the teacher predicts for the other images.
    - *consistent*: training continues from the teacher's weights with the overlay ``semi_supervised``. Its
      teacher is a moving average of the student, only confident pixels count, the teacher sees weak and the
      student strong changes of the image, and the weight of the unlabelled images rises.

    Attributes:
        recipe: bundle and options of every training.
        labelled: labelled training images.
        unlabelled: images without labels; existing labels are ignored.
        test: labelled images to score.
        student: options of the two trainings that start from the teacher's weights.

    Example:
        >>> images = [{"image": f"{i}.tif", "label": f"{i}_mask.tif", "foreground": 0.2} for i in range(3)]
        >>> PseudoLabels(Recipe(Path("bundle")), images, [{"image": "b.tif"}], images).teacher().name
        'teacher-seed_0'
    """

    recipe: Recipe
    labelled: Sequence[Item]
    unlabelled: Sequence[Item]
    test: Sequence[Item]
    student: Mapping[str, Any] = field(default_factory=dict)

    def teacher(self, seed: int = 0) -> Run:
        """Return the run of the supervised model."""
        return self._run(TEACHER, seed, self.recipe)

    def students(self, weights: Path, folder: Path, seed: int = 0) -> list[Run]:
        """Return the three runs that follow the teacher.

        Args:
            weights: file of the teacher's weights.
            folder: folder for the teacher's label maps.
            seed: random seed of the trainings.

        Raises:
            ValueError: If the folder holds pseudo-labels of other images.
        """
        files = [file_of(item) for item in self.unlabelled]
        listing = write_listing([{"image": file} for file in files], folder / "unlabelled.json")
        labels = self._pseudo_labels(files, weights, folder / "pseudo_labels")
        pairs = [{"image": file, "label": label} for file, label in labels.items()]
        longer = self.recipe.with_options(known_options(self.recipe.bundle, "train", self.student))
        consistent = self.recipe.with_options(self.student, unlabelled_dir=str(listing))
        overlay = ("semi_supervised",)
        return [
            self._run(TRAINED_ON, seed, longer, pretrained=weights),
            self._run(PSEUDO, seed, self.recipe, pairs),
            self._run(CONSISTENT, seed, consistent, pretrained=weights, overlay=overlay),
        ]

    def _run(self, kind: str, seed: int, recipe: Recipe, further: Sequence[Item] = (), **more: Any) -> Run:
        """Return a run; all validate on the same labelled images, so no pseudo-label decides when to stop."""
        training, validation = k_folds(self.labelled, folds_of(self.labelled), seed=0)[0]
        return recipe.run(
            f"{kind}-seed_{seed}",
            [*training, *further],
            {"test": self.test},
            {"model": kind, "seed": seed},
            validation=validation,
            **more,
        )

    def _pseudo_labels(self, files: list[str], weights: Path, folder: Path) -> dict[str, str]:
        """Predict the label map of each image once, with the teacher."""
        record, bundle = folder / "done.json", self.recipe.bundle
        if not record.is_file():
            options = options_of_trained(bundle, weights, self.recipe.options)
            labels = map(str, predict(bundle, files, folder, options=options))
            write_text(record, json.dumps(dict(zip(files, labels, strict=True))))
        made: dict[str, str] = json.loads(record.read_text())
        if list(made) != files:
            raise ValueError(
                f"{folder}: the pseudo-labels are of other images; choose another --out, or delete the folder"
            )
        return made
