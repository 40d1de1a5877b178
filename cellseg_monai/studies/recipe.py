"""What all runs of a study have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cellseg_monai.data.datalist import Item
from cellseg_monai.studies.run import Run


@dataclass(frozen=True)
class Recipe:
    """A bundle, and how each run of a study trains and scores it.

    Attributes:
        bundle: folder of the bundle.
        options: configuration values of the bundle by id, as on MONAI's command line.
        seeds: random seeds of the trainings. A study with folds uses only the first one.
        pieces: whether the connected pieces of a binary mask are its objects.
        calibrated: whether the validation images decide how to decode.

    Example:
        >>> Recipe(Path("bundle"), {"max_epochs": 30}).with_options(scale=0.5).options
        {'max_epochs': 30, 'scale': 0.5}
    """

    bundle: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] = (0,)
    pieces: bool = False
    calibrated: bool = False

    def with_options(self, options: Mapping[str, Any] | None = None, **more: Any) -> "Recipe":
        """Return the same recipe with further options, which replace those of the same id.

        Args:
            options: configuration values by id.
            more: configuration values whose ids are Python names.
        """
        return replace(self, options={**self.options, **(options or {}), **more})

    def run(
        self,
        name: str,
        train: Sequence[Item],
        tests: Mapping[str, Sequence[Item]],
        factors: Mapping[str, Any],
        **more: Any,
    ) -> Run:
        """Return a run of this recipe; a ``seed`` among the factors is the seed of its training.

        Args:
            name: name of the run.
            train: labelled training images.
            tests: labelled test images by the name of the test.
            factors: what distinguishes the run from the others.
            more: further arguments of :class:`Run`.

        Example:
            >>> Recipe(Path("bundle")).run("one", [], {}, {"seed": 3}).options
            {'seed': 3}
        """
        seed = {"seed": factors["seed"]} if "seed" in factors else {}
        return Run(
            name,
            self.bundle,
            train,
            tests,
            {**self.options, **seed},
            factors=factors,
            pieces=self.pieces,
            calibrated=self.calibrated,
            **more,
        )
