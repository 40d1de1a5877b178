"""How many new images it takes when the microscope changes, and what is lost on the old ones.

After "Finetuning existing models trained using Patch-based Attention U-Net for better generalization across
different datasets".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd

from cellseg_monai.data.datalist import Item
from cellseg_monai.metrics import transfer
from cellseg_monai.outputs import write_text
from cellseg_monai.studies.run import Run
from cellseg_monai.studies.selection import choose

OLD, NEW, BASE = "old_data", "new_data", "base"


@dataclass(frozen=True)
class FineTuning:
    """The two datasets and how they are split: the last images of each test, the others train, in name order.

    Attributes:
        bundle: folder of the bundle.
        old: labelled images of the data that the base model learns from.
        new: labelled images of the shifted data.
        old_test: how many of the old ones test; 6 of 37 in the publication.
        new_test: how many of the new ones test; 11 of 36 in the publication.
        options: of both trainings, by id.
        tuning: of the fine-tuning alone.
        rehearsal: old training images beside each new one, against forgetting.
        pieces: binary masks, whose connected pieces are the objects.

    Raises:
        ValueError: no image would be left to train.

    Example:
        >>> images = [{"image": f"{i}.tif", "label": f"{i}_mask.tif"} for i in range(20)]
        >>> study = FineTuning(Path("bundle"), images, images, old_test=6, new_test=11)
        >>> run = study.base()
        >>> run.name, len(run.train), {name: len(items) for name, items in run.tests.items()}
        ('base', 14, {'old_data': 6, 'new_data': 11})
    """

    bundle: Path
    old: Sequence[Item]
    new: Sequence[Item]
    old_test: int = 6
    new_test: int = 11
    options: Mapping[str, Any] = field(default_factory=dict)
    tuning: Mapping[str, Any] = field(default_factory=dict)
    rehearsal: float = 0.0
    pieces: bool = False

    def __post_init__(self) -> None:
        for name, items, test in (("old", self.old, self.old_test), ("new", self.new, self.new_test)):
            if not 0 < test < len(items) - 1:
                raise ValueError(f"{name}_test={test} of {len(items)} images leaves none to train or to test")
        if self.rehearsal < 0:
            raise ValueError(
                f"rehearsal={self.rehearsal} is a number of old images for each new one, not negative"
            )

    @property
    def tests(self) -> dict[str, Sequence[Item]]:
        """The images that every model is scored on."""
        return {OLD: self.old[-self.old_test :], NEW: self.new[-self.new_test :]}

    def base(self, seed: int = 0) -> Run:
        """The model of the old data, not fine-tuned."""
        return Run(
            BASE,
            self.bundle,
            self.old[: -self.old_test],
            self.tests,
            {**self.options, "seed": seed},
            factors=_factors(0, "none", seed),
            pieces=self.pieces,
        )

    def tuned(
        self,
        weights: Path,
        counts: Sequence[int],
        ways: Sequence[str],
        folder: Path,
        seeds: Sequence[int] = (0,),
    ) -> list[Run]:
        """A run for each number of new images, each way to choose them, and each seed.

        Args:
            weights: of the base model.
            counts: numbers of new images.
            ways: see :func:`~cellseg_monai.studies.selection.choose`.
            folder: for what the base model says of the images to choose from.
            seeds: of the trainings.
        """
        candidates = self.new[: -self.new_test]
        wrong = [count for count in counts if not 2 <= count <= len(candidates)]
        if wrong:
            raise ValueError(
                f"counts lie between 2 and the {len(candidates)} new images to train, not at {wrong[0]}"
            )
        kept = self.old[: -self.old_test]
        most = round(self.rehearsal * max(counts))
        if most > len(kept):
            raise ValueError(
                f"rehearsal={self.rehearsal} of {max(counts)} new images asks for {most} old ones, and there "
                f"are {len(kept)} that do not test"
            )
        runs = []
        for way in ways:
            order = self._order(way, candidates, weights, folder)
            for count in counts:
                old = kept[: round(self.rehearsal * count)]
                runs += [
                    Run(
                        f"{way}_{count}-seed_{seed}",
                        self.bundle,
                        [*order[:count], *old],
                        self.tests,
                        {**self.options, **self.tuning, "seed": seed},
                        pretrained=weights,
                        factors=_factors(count, way, seed),
                        pieces=self.pieces,
                    )
                    for seed in seeds
                ]
        return runs

    def _order(self, way: str, items: Sequence[Item], weights: Path, folder: Path) -> list[Item]:
        """All of them, ordered once: a study that goes on does so with the same images."""
        file = folder / f"chosen_{way}.json"
        if not file.is_file():
            chosen = choose(way, items, len(items), self.bundle, weights, folder / way, self.options)
            write_text(file, json.dumps(chosen, indent=1))
        order: list[Item] = json.loads(file.read_text())
        return order


def transfer_table(images: pd.DataFrame, metric: str = "dice") -> pd.DataFrame:
    """What each fine-tuning gained on the new data and lost on the old.

    Args:
        images: scores by image, as :func:`~cellseg_monai.studies.gather` gives them.
        metric: to compare.

    Returns:
        One row a fine-tuned run: ``transfer``, ``forgetting``, ``gap_closed`` (share of what the most
        images gain on the new data), and the two scores.

    Example:
        >>> rows = [(run, way, test, "a", dice) for run, way, test, dice in [
        ...     ("base", "none", "old_data", 0.9), ("base", "none", "new_data", 0.5),
        ...     ("first_5", "first", "old_data", 0.8), ("first_5", "first", "new_data", 0.7)]]
        >>> table = pd.DataFrame(rows, columns=["run", "chosen", "test", "image", "dice"])
        >>> found = transfer_table(table.assign(new_images=5, seed=0))
        >>> found[["transfer", "gap_closed"]].round(2).values.tolist()
        [[0.2, 1.0]]
    """
    scores = {
        (run, test): part[metric].to_numpy(float).tolist()
        for (run, test), part in images.groupby(["run", "test"], sort=False)
    }
    tuned = images[images["run"] != BASE]
    largest = tuned["new_images"].max()
    rows = []
    for run, part in tuned.groupby("run", sort=False):
        moved = transfer(scores[BASE, OLD], scores[run, OLD], scores[BASE, NEW], scores[run, NEW])
        first = part.iloc[0]
        alike = (tuned[["chosen", "seed"]] == first[["chosen", "seed"]]).all(axis=1)
        most = tuned.loc[alike & (tuned["new_images"] == largest) & (tuned["test"] == NEW), metric].mean()
        gap = most - fmean(scores[BASE, NEW])
        rows.append(
            {
                **{name: first[name] for name in ("chosen", "new_images", "seed")},
                OLD: fmean(scores[run, OLD]),
                NEW: fmean(scores[run, NEW]),
                "transfer": moved.transfer,
                "forgetting": moved.forgetting,
                "gap_closed": moved.transfer / gap if gap else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def _factors(count: int, way: str, seed: int) -> dict[str, Any]:
    return {"new_images": count, "chosen": way, "seed": seed}
