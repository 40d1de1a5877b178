"""How many images are enough: the score against the number of annotated images."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cellseg_monai.data.datalist import Item
from cellseg_monai.studies.run import Run


def learning_curve(
    bundle: Path,
    train: Sequence[Item],
    test: Sequence[Item],
    counts: Sequence[int],
    seeds: Sequence[int] = (0,),
    options: Mapping[str, Any] | None = None,
    pieces: bool = False,
    calibrated: bool = False,
) -> list[Run]:
    """A run for each number of images and seed; the images of a smaller number are among those of a larger.

    Args:
        bundle: folder of the bundle.
        train: labelled images to draw from.
        test: labelled images to score.
        counts: numbers of images to learn from, two at least.
        seeds: each draws other images.
        options: of the bundle, by id.
        pieces: binary masks, whose connected pieces are the objects.
        calibrated: choose how to decode by the images that validate.

    Raises:
        ValueError: a count is out of the range of the images.

    Example:
        >>> images = [{"image": f"{i}.tif", "label": f"{i}_mask.tif"} for i in range(8)]
        >>> [len(run.train) for run in learning_curve(Path("bundle"), images, images, counts=[2, 4, 8])]
        [2, 4, 8]
    """
    wrong = [count for count in counts if not 2 <= count <= len(train)]
    if wrong:
        raise ValueError(f"counts lie between 2 and the {len(train)} images to learn from, not at {wrong[0]}")
    runs = []
    for seed in seeds:
        drawn = random.Random(seed).sample(list(train), len(train))
        runs += [
            Run(
                name=f"images_{count}-seed_{seed}",
                bundle=bundle,
                train=drawn[:count],
                tests={"test": test},
                options={**(options or {}), "seed": seed},
                factors={"training_images": count, "seed": seed},
                pieces=pieces,
                calibrated=calibrated,
            )
            for count in counts
        ]
    return runs


def curve_of(images: pd.DataFrame, metric: str = "dice", model: str = "ours") -> pd.DataFrame:
    """Mean score of each run, as the report draws it.

    Example:
        >>> rows = pd.DataFrame({"run": ["a", "a"], "training_images": [5, 5], "dice": [0.5, 1.0]})
        >>> curve_of(rows).to_dict("records")
        [{'images': 5, 'score': 0.75, 'model': 'ours'}]
    """
    means = images.groupby(["run", "training_images"], sort=False)[metric].mean().reset_index()
    return pd.DataFrame({"images": means["training_images"], "score": means[metric], "model": model})
