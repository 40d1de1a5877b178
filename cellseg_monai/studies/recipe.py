"""What all runs of a study have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cellseg_monai.data.datalist import Item
from cellseg_monai.studies.run import CLASSES, Run


@dataclass(frozen=True)
class Recipe:
    """A bundle, and how each run of a study trains and scores it.

    Attributes:
        bundle: folder of the bundle.
        options: configuration values of the bundle by id, as on MONAI's command line.
        seeds: random seeds of the trainings. A study with folds uses only the first one.
        pieces: whether the connected pieces of a binary mask are its objects.
        calibrated: whether the validation images decide how to decode.
        overlay: names of configurations laid over ``train.json``.

    Example:
        >>> Recipe(Path("bundle"), {"max_epochs": 30}).with_options(scale=0.5).options
        {'max_epochs': 30, 'scale': 0.5}
    """

    bundle: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] = (0,)
    pieces: bool = False
    calibrated: bool = False
    overlay: Sequence[str] = ()

    def as_published(self) -> "Recipe":
        """Return the same recipe with the settings of the bundle's publication.

        They are the overlay ``as_published``, or ``as_published_multi_class`` for masks with classes. Options
        override them.

        Raises:
            FileNotFoundError: If the bundle does not have this overlay.

        Example:
            >>> Recipe(Path("bundles/skip_unet"), {"classes": {"0": 0, "1": 1}}).as_published().overlay
            ('as_published_multi_class',)
        """
        name = "as_published_multi_class" if CLASSES in self.options else "as_published"
        file = self.bundle / f"configs/{name}.json"
        if not file.is_file():
            raise FileNotFoundError(
                f"{file} is missing: the bundle has no settings of its publication for these masks; "
                "leave out --as-published"
            )
        return replace(self, overlay=(name,))

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
        overlay: Sequence[str] = (),
        **more: Any,
    ) -> Run:
        """Return a run of this recipe; a ``seed`` among the factors is the seed of its training.

        Args:
            name: name of the run.
            train: labelled training images.
            tests: labelled test images by the name of the test.
            factors: what distinguishes the run from the others.
            overlay: names of further configurations, laid over those of the recipe.
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
            overlay=(*self.overlay, *overlay),
            factors=factors,
            pieces=self.pieces,
            calibrated=self.calibrated,
            **more,
        )
