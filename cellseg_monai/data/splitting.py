"""Split a dataset into training and validation images, as a bundle's configuration does."""

from collections.abc import Sequence
from os import PathLike

from cellseg_monai.data.datalist import Item, labelled, list_items
from cellseg_monai.data.folds import hold_out, one_fold


def split_items(
    items: Sequence[Item],
    *,
    seed: int = 0,
    fold: int = 0,
    folds: int = 5,
    val_fraction: float | None = None,
    validation_dir: str | PathLike[str] | None = None,
) -> tuple[list[Item], list[Item]]:
    """Split labelled images into training and validation images.

    Args:
        items: labelled images.
        seed: seed of the split.
        fold: index of the validation fold, from 0.
        folds: number of folds.
        val_fraction: fraction of the images to validate on, instead of a fold.
        validation_dir: dataset of validation images, instead of a split; all ``items`` are training images.

    Returns:
        Training images and validation images.

    Raises:
        ValueError: there are too few images for the split.

    Example:
        >>> items = [{"image": f"{name}.tif"} for name in "abcde"]
        >>> [len(part) for part in split_items(items)]
        [4, 1]
    """
    if validation_dir is not None:
        return list(items), labelled(list_items(validation_dir))
    if val_fraction is not None:
        training, validation = hold_out(items, val_fraction, seed=seed)
    else:
        training, validation = one_fold(items, fold=fold, folds=folds, seed=seed)
    return list(training), list(validation)


def images_of(items: Sequence[Item]) -> list[Item]:
    """Return items without labels and other entries.

    Example:
        >>> images_of([{"image": "a.tif", "label": "b.tif"}])
        [{'image': 'a.tif'}]
    """
    return [{"image": item["image"]} for item in items]
