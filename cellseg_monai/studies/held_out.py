"""How good will it be: each image is scored by a training that has not seen it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellseg_monai.data import k_folds
from cellseg_monai.data.datalist import Item
from cellseg_monai.studies.run import Run


def cross_validation(
    bundle: Path,
    items: Sequence[Item],
    folds: int = 5,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    test: Sequence[Item] = (),
    pieces: bool = False,
    calibrated: bool = False,
) -> list[Run]:
    """One run a fold: trained on the others, scored on the fold that is left out.

    The training sets a part of *its* images aside to choose the best epoch, so the fold that is left out is
    seen by nothing before it is scored.

    Args:
        bundle: folder of the bundle.
        items: labelled images.
        folds: how many; Chen et al. take five.
        seed: of the folds and of every training.
        options: of the bundle, by id.
        test: further images, scored by the model of every fold.
        pieces: binary masks, whose connected pieces are the objects.
        calibrated: choose how to decode by the images that validate.

    Example:
        >>> items = [{"image": f"{i}.tif", "label": f"{i}_mask.tif", "foreground": 0.1} for i in range(4)]
        >>> [(run.name, len(run.train)) for run in cross_validation(Path("bundle"), items, folds=2)]
        [('fold_1', 2), ('fold_2', 2)]
    """
    return [
        Run(
            name=f"fold_{number}",
            bundle=bundle,
            train=training,
            tests={"left_out": left_out, **({"test": test} if test else {})},
            options={"seed": seed, **(options or {})},
            factors={"fold": number},
            pieces=pieces,
            calibrated=calibrated,
        )
        for number, (training, left_out) in enumerate(k_folds(items, folds, seed), start=1)
    ]
