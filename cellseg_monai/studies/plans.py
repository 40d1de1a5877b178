"""The runs of the studies that train every run in the same way: cross-validation, learning curve, variants.

The variants are those of Yang et al., "Multi-modal Cell Segmentation based on U-Net++ and Attention Gate",
and of A. Frias, "Image Segmentation for Cell Image Datasets".
"""

import random
from collections.abc import Mapping, Sequence

import pandas as pd

from cellseg_monai.data import k_folds
from cellseg_monai.data.datalist import Item
from cellseg_monai.studies.recipe import Recipe
from cellseg_monai.studies.run import Run, require_counts
from cellseg_monai.studies.tables import is_pooled, run_means

NETWORKS = ("unet", "unetr", "swin_unetr", "basic_unetpp", "attention_unetpp")
"""Networks of Table 3 of Yang et al., by their names in ``configs/choices.json``."""

GATES = (
    ("G1.2",), ("G2.1",), ("G0.3",),
    ("G1.2", "G2.1"), ("G2.1", "G0.3"), ("G1.2", "G0.3"),
    ("G2.1", "G0.3", "G1.2"),
)  # fmt: skip
"""Sets of attention gates in the U-Net++ of Table 4 of Yang et al."""

SKIPS = ("standard", "convolutional", "fusion")
"""Skip connections of Table 2 of A. Frias."""


def cross_validation(
    recipe: Recipe, items: Sequence[Item], folds: int = 5, test: Sequence[Item] = ()
) -> list[Run]:
    """Plan one run per fold: it trains on the other folds and scores this one.

    Each training sets some of *its own* images aside to choose the best epoch, so nothing uses the images of
    the left-out fold before they are scored.

    Args:
        recipe: bundle and options; its first seed is the seed of the folds and of every training.
        items: labelled images.
        folds: number of folds; Chen et al. use five.
        test: further labelled images, scored by the model of every fold.

    Example:
        >>> from pathlib import Path
        >>> items = [{"image": f"{i}.tif", "label": f"{i}_mask.tif", "foreground": 0.1} for i in range(4)]
        >>> [(run.name, len(run.train)) for run in cross_validation(Recipe(Path("bundle")), items, folds=2)]
        [('fold_1', 2), ('fold_2', 2)]
    """
    seed = recipe.seeds[0]
    seeded = recipe.with_options({"seed": seed, **recipe.options})
    further = {"test": test} if test else {}
    return [
        seeded.run(f"fold_{fold}", training, {"left_out": left_out, **further}, {"fold": fold})
        for fold, (training, left_out) in enumerate(k_folds(items, folds, seed), start=1)
    ]


def learning_curve(
    recipe: Recipe, train: Sequence[Item], test: Sequence[Item], counts: Sequence[int]
) -> list[Run]:
    """Plan a run for each seed and number of images; a larger number contains the images of a smaller one.

    Args:
        recipe: bundle, options and seeds; each seed draws different images.
        train: labelled images to draw from.
        test: labelled images to score.
        counts: numbers of training images, at least 2 each.

    Raises:
        ValueError: If a count is below 2 or above the number of images.

    Example:
        >>> from pathlib import Path
        >>> images = [{"image": f"{i}.tif", "label": f"{i}_mask.tif"} for i in range(8)]
        >>> [len(run.train) for run in learning_curve(Recipe(Path("bundle")), images, images, [2, 4, 8])]
        [2, 4, 8]
    """
    require_counts(counts, len(train))
    drawn = {seed: random.Random(seed).sample(list(train), len(train)) for seed in recipe.seeds}
    return [
        recipe.run(
            f"images_{count}-seed_{seed}",
            images[:count],
            {"test": test},
            {"training_images": count, "seed": seed},
        )
        for seed, images in drawn.items()
        for count in counts
    ]


def curve_of(images: pd.DataFrame, metric: str | None = None, model: str = "ours") -> pd.DataFrame:
    """Return the mean score of each run, as the report draws it.

    Args:
        images: scores of every image, as :func:`~cellseg_monai.studies.gather` returns them.
        metric: score to average; by default ``dice``, or ``miou`` for classes.
        model: name of the curve.

    Example:
        >>> rows = pd.DataFrame({"run": ["a", "a"], "training_images": [5, 5], "dice": [0.5, 1.0]})
        >>> curve_of(rows).to_dict("records")
        [{'images': 5, 'score': 0.75, 'model': 'ours'}]
    """
    metric = metric or ("miou" if is_pooled("miou", images) else "dice")
    counts = images.groupby("run", sort=False)["training_images"].first()
    return pd.DataFrame(
        {"images": counts.to_list(), "score": run_means(images, metric).to_list(), "model": model}
    )


def comparison(variants: Mapping[str, Recipe], train: Sequence[Item], test: Sequence[Item]) -> list[Run]:
    """Plan a run for each variant and each of its seeds.

    Several seeds show which differences are due to chance.

    Args:
        variants: recipes by name.
        train: labelled training images.
        test: labelled images to score.

    Example:
        >>> from pathlib import Path
        >>> images = [{"image": "a.tif", "label": "a_mask.tif"}]
        >>> variants = networks(Recipe(Path("bundle"), seeds=[0, 1]), ["unet", "unetr"])
        >>> [run.name for run in comparison(variants, images, images)]
        ['unet-seed_0', 'unet-seed_1', 'unetr-seed_0', 'unetr-seed_1']
    """
    return [
        recipe.run(f"{name}-seed_{seed}", train, {"test": test}, {"variant": name, "seed": seed})
        for name, recipe in variants.items()
        for seed in recipe.seeds
    ]


def networks(recipe: Recipe, names: Sequence[str]) -> dict[str, Recipe]:
    """Return variants that differ in the network.

    Windows get the size of the training patches, because some of the networks accept no other size.

    Args:
        recipe: bundle and options, which replace those of the variant.
        names: names in the ``networks`` of the bundle's ``configs/choices.json``.

    Example:
        >>> from pathlib import Path
        >>> networks(Recipe(Path("bundle")), ["unetr"])["unetr"].options
        {'window': '@patch_size', 'network_def': '@networks#unetr'}
    """
    return {
        name: recipe.with_options(
            {"window": "@patch_size", "network_def": f"@networks#{name}", **recipe.options}
        )
        for name in names
    }


def gates(recipe: Recipe) -> dict[str, Recipe]:
    """Return variants of a U-Net++ that differ in its attention gates: the seven sets of Yang et al.

    Example:
        >>> from pathlib import Path
        >>> list(gates(Recipe(Path("bundles/attention_unetpp"))))[-1]
        'G2.1+G0.3+G1.2'
    """
    place = "network_def#architecture#gates"
    return {
        "+".join(chosen): recipe.with_options({place: list(chosen), **recipe.options}) for chosen in GATES
    }


def skips(recipes: Sequence[Recipe]) -> dict[str, Recipe]:
    """Return variants of several bundles that differ in their skip connections: the six of A. Frias.

    Example:
        >>> from pathlib import Path
        >>> list(skips([Recipe(Path("bundles/skip_unet"))]))
        ['skip_unet, standard', 'skip_unet, convolutional', 'skip_unet, fusion']
    """
    return {
        f"{recipe.bundle.name}, {skip}": recipe.with_options({"skip": skip, **recipe.options})
        for recipe in recipes
        for skip in SKIPS
    }
