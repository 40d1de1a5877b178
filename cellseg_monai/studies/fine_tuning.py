"""How many new images it takes when the microscope changes, and what is lost on the old images.

After "Finetuning existing models trained using Patch-based Attention U-Net for better generalization across
different datasets".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cellseg_monai.data.datalist import Item
from cellseg_monai.outputs import write_text
from cellseg_monai.studies.choosing_images import choose
from cellseg_monai.studies.execution import folder_of
from cellseg_monai.studies.recipe import Recipe
from cellseg_monai.studies.run import Run, require_counts
from cellseg_monai.studies.strip_picture import overlay_strip

OLD, NEW, BASE = "old_data", "new_data", "base"
STRIP = 4
"""Number of test images in the picture of each dataset."""


@dataclass(frozen=True)
class FineTuning:
    """Two datasets and their split: in name order, the last images of each are test images, the others train.

    A run sets a fifth of its training images aside to choose the epoch, unless `last_epoch` is set: of "5
    images", 4 teach and 1 chooses.

    Attributes:
        recipe: bundle, options of both trainings, and seeds; the base model uses the first seed.
        old: labelled images of the data of the base model.
        new: labelled images of the shifted data.
        old_test: number of old test images; 6 in the publication.
        new_test: number of new test images; 11 in the publication.
        tuning: options of the fine-tuning only.
        rehearsal: number of old training images for each new one, against forgetting.
        base_count: number of old training images, the first of the list; by default all but the test images.
        last_epoch: whether each run learns from all of its images and keeps the weights of the last epoch.

    Raises:
        ValueError: If too few images remain for training, there are fewer than `base_count`, or rehearsal is
            negative.

    Example:
        >>> images = [{"image": f"{i}.tif", "label": f"{i}_mask.tif"} for i in range(20)]
        >>> run = FineTuning(Recipe(Path("bundle")), images, images, old_test=6, new_test=11).base()
        >>> run.name, len(run.train), {name: len(items) for name, items in run.tests.items()}
        ('base', 14, {'old_data': 6, 'new_data': 11})
    """

    recipe: Recipe
    old: Sequence[Item]
    new: Sequence[Item]
    old_test: int = 6
    new_test: int = 11
    tuning: Mapping[str, Any] = field(default_factory=dict)
    rehearsal: float = 0.0
    base_count: int | None = None
    last_epoch: bool = False

    def __post_init__(self) -> None:
        for name, items, test in (("old", self.old, self.old_test), ("new", self.new, self.new_test)):
            if not 0 < test < len(items) - 1:
                raise ValueError(
                    f"{name}_test={test} must be at least 1, and leave at least 2 of the {len(items)} images "
                    "for training"
                )
        if self.rehearsal < 0:
            raise ValueError(f"rehearsal={self.rehearsal} must be at least 0")
        left = len(self.old) - self.old_test
        if self.base_count is not None and not 2 <= self.base_count <= left:
            raise ValueError(
                f"base_count={self.base_count} is not between 2 and {left}, the number of old images "
                "without the test images"
            )

    @property
    def tests(self) -> dict[str, Sequence[Item]]:
        """Images that every model is scored on."""
        return {OLD: self.old[-self.old_test :], NEW: self.new[-self.new_test :]}

    @property
    def old_training(self) -> Sequence[Item]:
        """Images of the base model, and of the rehearsal."""
        return self.old[: -self.old_test][: self.base_count]

    def base(self) -> Run:
        """Return the run of the base model."""
        factors = {"new_images": 0, "chosen": "none", "seed": self.recipe.seeds[0]}
        return self.recipe.run(BASE, self.old_training, self.tests, factors, last_epoch=self.last_epoch)

    def tuned(self, weights: Path, counts: Sequence[int], ways: Sequence[str], folder: Path) -> list[Run]:
        """Return a run for each number of new images, each way to choose them, and each seed.

        Args:
            weights: file of the base model's weights.
            counts: numbers of new images.
            ways: ways to choose, see :func:`~cellseg_monai.studies.choose`.
            folder: folder for the predictions of the base model on the images to choose from.

        Raises:
            ValueError: If a count is out of range, or rehearsal needs more old images than there are.
        """
        candidates, kept = self.new[: -self.new_test], self.old_training
        require_counts(counts, len(candidates))
        most = round(self.rehearsal * max(counts))
        if most > len(kept):
            raise ValueError(
                f"rehearsal={self.rehearsal} with {max(counts)} new images needs {most} old training images, "
                f"but there are {len(kept)}"
            )
        orders = {way: self._order(way, candidates, weights, folder) for way in ways}
        tuning = self.recipe.with_options(self.tuning)
        return [
            tuning.run(
                f"{way}_{count}-seed_{seed}",
                [*order[:count], *kept[: round(self.rehearsal * count)]],
                self.tests,
                {"new_images": count, "chosen": way, "seed": seed},
                pretrained=weights,
                last_epoch=self.last_epoch,
            )
            for way, order in orders.items()
            for count in counts
            for seed in self.recipe.seeds
        ]

    def draw_strips(self, runs: Sequence[Run], way: str, out: Path) -> None:
        """Draw a few test images of each dataset with what the models find, as ``<test>.png``.

        The columns are the base model, and the fine-tuned models with each number of images.

        Args:
            runs: finished runs.
            way: way to choose the images of the fine-tuned models.
            out: folder of the study.
        """
        first = [run for run in runs if run.factors["seed"] == self.recipe.seeds[0]]
        shown = [run for run in first if run.factors["chosen"] in ("none", way)]
        headings = [f"{run.factors['new_images']} images" if run.pretrained else "raw" for run in shown]
        for test, items in self.tests.items():
            folders = [folder_of(run, out) / test / "labels" for run in shown]
            overlay_strip(items[:STRIP], list(zip(headings, folders, strict=True)), out / f"{test}.png")

    def _order(self, way: str, items: Sequence[Item], weights: Path, folder: Path) -> list[Item]:
        """Order all images once, so that a continued study uses the same images."""
        file = folder / f"chosen_{way}.json"
        if not file.is_file():
            chosen = choose(way, items, len(items), self.recipe, weights, folder / way)
            write_text(file, json.dumps(chosen, indent=1))
        order: list[Item] = json.loads(file.read_text())
        return order


def transfer_table(images: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """Return what each fine-tuning gained on the new data and lost on the old data.

    Args:
        images: scores of every image, as :func:`~cellseg_monai.studies.gather` returns them.
        metric: score to compare.

    Returns:
        One row per fine-tuned run: both scores, ``transfer``, ``forgetting``, and ``gap_closed``, which is
        the gain as a fraction of the gain with the most images.

    Example:
        >>> rows = [(run, way, test, "a", dice) for run, way, test, dice in [
        ...     ("base", "none", "old_data", 0.9), ("base", "none", "new_data", 0.5),
        ...     ("first_5", "first", "old_data", 0.8), ("first_5", "first", "new_data", 0.7)]]
        >>> table = pd.DataFrame(rows, columns=["run", "chosen", "test", "image", "dice"])
        >>> found = transfer_table(table.assign(new_images=5, seed=0))
        >>> found[["transfer", "gap_closed"]].round(2).values.tolist()
        [[0.2, 1.0]]
    """
    by = ["chosen", "new_images", "seed", "run", "test"]
    by_run = images.groupby(by, sort=False)[metric].mean()
    means = pd.DataFrame({test: by_run.xs(test, level="test") for test in (OLD, NEW)}).reset_index()
    base, tuned = means[means["run"] == BASE].iloc[0], means[means["run"] != BASE]
    gain, loss = tuned[NEW] - base[NEW], base[OLD] - tuned[OLD]
    with_most = gain.where(tuned["new_images"] == tuned["new_images"].max())
    most = with_most.groupby([tuned["chosen"], tuned["seed"]]).transform("mean")
    scores = tuned[["chosen", "new_images", "seed", OLD, NEW]]
    return scores.assign(transfer=gain, forgetting=loss, gap_closed=gain / most.where(most != 0))
