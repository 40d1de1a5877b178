"""Which morphological clean-up of the foreground suits a trained bundle, as in section 3.4 of Yang et al."""

from collections.abc import Sequence
from pathlib import Path

from cellseg_monai.data.datalist import Item
from cellseg_monai.studies.recipe import Recipe
from cellseg_monai.studies.run import Run
from cellseg_monai.studies.untrained import finished_weights

OPERATIONS = ("none", "opening", "closing", "both")
RECORD = "morphology.json"


def morphology(recipe: Recipe, items: Sequence[Item], out: Path, weights: Path | None = None) -> list[Run]:
    """Plan a run without clean-up, with opening, with closing, and with both; nothing is trained.

    Args:
        recipe: bundle and options.
        items: labelled images.
        out: folder of the study.
        weights: file of the weights; by default those of the bundle.

    Raises:
        FileNotFoundError: If there are no weights.
        ValueError: If the folder holds a study of other weights or images, or the options choose a clean-up.

    Example:
        >>> morphology(Recipe(Path("bundles/unknown")), [], Path("out"))
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown/models/model.pt is missing; train the bundle, or choose weights ...
    """
    if "morphology" in recipe.options:
        raise ValueError("morphology: the study compares all values of this option; leave it out")
    network = finished_weights(recipe.bundle, items, out / RECORD, weights)
    return [
        recipe.with_options(morphology=name).run(
            name, [], {"test": items}, {"morphology": name}, pretrained=network
        )
        for name in OPERATIONS
    ]
