"""What images without labels add: the teacher and students of Yang et al., and a more careful student."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cellseg_monai.data import k_folds
from cellseg_monai.data.datalist import Item, file_of
from cellseg_monai.studies.bundle_options import known_options
from cellseg_monai.studies.plans import NETWORKS, networks
from cellseg_monai.studies.recipe import Recipe
from cellseg_monai.studies.run import Run, folds_of
from cellseg_monai.studies.training import write_listing

SUPERVISED, STUDENT, CONSISTENT, TRAINED_ON = "supervised", "student", "consistent", "trained_on"
VALIDATION, TEST, F1 = "validation", "test", "f1@0.5"


@dataclass(frozen=True)
class PseudoLabels:
    """Networks with and without unlabelled images, scored on the same test images.

    - *supervised*: each network, trained on the labelled images. The one with the best F1 is the teacher, as
      in Yang et al. They do not say on which images; here it is the validation images, so that the test
      images decide nothing.
    - *student*: each network, trained again from random weights with the overlay ``fixed_teacher``. Yang et
      al. say that the teacher labels the unlabelled images, that these train the students, and that the loss
      is the consistency loss. We read it in the usual way: the loss of the labelled images stays, and each
      batch adds the consistency loss of unlabelled patches, the mean of (p − q)² over all pixels, where p is
      the probability of the student and q that of the teacher. The teacher never changes.
    - *consistent*: training continues from the teacher's weights with the overlay ``semi_supervised``. Its
      teacher is a moving average of the student, only confident pixels count, the teacher sees weak and the
      student strong changes of the image, and the weight of the unlabelled images rises.
    - *trained_on*: the teacher continues with the labelled images only, for as long as *consistent*. The
      difference between the two shows what the unlabelled images add.

    Attributes:
        recipe: bundle and options of every training.
        labelled: labelled training images; all trainings use the same fifth of them for validation.
        unlabelled: images without labels; existing labels are ignored.
        test: labelled images to score.
        names: networks, by their names in ``configs/choices.json``.
        continued: options of the two trainings that continue from the teacher's weights.

    Example:
        >>> images = [{"image": f"{i}.tif", "label": f"{i}_mask.tif", "foreground": 0.2} for i in range(3)]
        >>> study = PseudoLabels(Recipe(Path("bundle")), images, [{"image": "b.tif"}], images, ["unet"])
        >>> [run.name for run in study.supervised()]
        ['supervised_unet-seed_0']
    """

    recipe: Recipe
    labelled: Sequence[Item]
    unlabelled: Sequence[Item]
    test: Sequence[Item]
    names: Sequence[str] = NETWORKS
    continued: Mapping[str, Any] = field(default_factory=dict)

    def supervised(self, seed: int = 0) -> list[Run]:
        """Return the supervised run of each network; they are scored on the validation images too."""
        variants = networks(self.recipe, self.names)
        return [
            self._run(SUPERVISED, name, seed, recipe, {VALIDATION: self._split[1]})
            for name, recipe in variants.items()
        ]

    def followers(self, teacher: str, weights: Path, folder: Path, seed: int = 0) -> list[Run]:
        """Return the student of each network, and the two runs that continue from the teacher's weights.

        Args:
            teacher: name of the teacher's network.
            weights: file of the teacher's weights.
            folder: folder for the list of unlabelled images.
            seed: random seed of the trainings.
        """
        files = [{"image": file_of(item)} for item in self.unlabelled]
        listing = str(write_listing(files, folder / "unlabelled.json"))
        variants = networks(self.recipe, self.names)
        learning = {"unlabelled_dir": listing, "teacher_weights": str(weights)}
        longer = variants[teacher].with_options(known_options(self.recipe.bundle, "train", self.continued))
        consistent = variants[teacher].with_options(self.continued, unlabelled_dir=listing)
        return [
            *(
                self._run(STUDENT, name, seed, recipe.with_options(learning), overlay=("fixed_teacher",))
                for name, recipe in variants.items()
            ),
            self._run(
                CONSISTENT, teacher, seed, consistent, pretrained=weights, overlay=("semi_supervised",)
            ),
            self._run(TRAINED_ON, teacher, seed, longer, pretrained=weights),
        ]

    @property
    def _split(self) -> tuple[Sequence[Item], Sequence[Item]]:
        """Training and validation images, the same for all runs, so that their scores can be compared."""
        return k_folds(self.labelled, folds_of(self.labelled), seed=0)[0]

    def _run(
        self,
        model: str,
        network: str,
        seed: int,
        recipe: Recipe,
        further: Mapping[str, Sequence[Item]] | None = None,
        **more: Any,
    ) -> Run:
        training, validation = self._split
        return recipe.run(
            f"{model}_{network}-seed_{seed}",
            training,
            {TEST: self.test, **(further or {})},
            {"model": model, "network": network, "seed": seed},
            validation=validation,
            **more,
        )


def best_by_f1(images: pd.DataFrame) -> str:
    """Return the network with the best mean F1 at IoU 0.5 over the validation images.

    Args:
        images: scores of every image, as :func:`~cellseg_monai.studies.gather` returns them.

    Raises:
        ValueError: If no validation image has an F1.

    Example:
        The other network is better on the test image, which does not count:

        >>> rows = [("unet", "validation", 0.75), ("unet", "test", 0.5), ("unetr", "validation", 0.5),
        ...         ("unetr", "test", 1.0)]
        >>> best_by_f1(pd.DataFrame(rows, columns=["network", "test", "f1@0.5"]))
        'unet'
    """
    validation = images[images["test"] == VALIDATION]
    means = validation.groupby("network", sort=False)[F1].mean() if F1 in images else pd.Series(dtype=float)
    if means.isna().all():
        raise ValueError(
            "no validation image has an F1, which chooses the teacher; the masks must separate cells, or add "
            "--pieces if each connected piece of a mask is a cell"
        )
    return str(means.idxmax())
