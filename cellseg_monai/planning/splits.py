"""Which images each training of a bundle learns from, and which it is validated on."""

from collections.abc import Sequence
from pathlib import Path

from cellseg_monai.data import k_folds, split_items
from cellseg_monai.data.datalist import Item, file_of, group_of
from cellseg_monai.data.folds import Split
from cellseg_monai.outputs import StrPath
from cellseg_monai.outputs.counting import counted

MAIN, TEST, FOLD = "trained", "test", "fold"
"""Name of the training for the bundle, of the test, and beginning of the names of the other folds."""

MOST = 10
"""Number of images with which more training images are not added to calibrate the start."""


def split_trainings(
    items: Sequence[Item],
    *,
    folds: int = 1,
    how_many_more: bool = False,
    seed: int = 0,
    validation: StrPath | None = None,
) -> dict[str, Split]:
    """Split images into training and validation images, for one training or several.

    Args:
        items: labelled images.
        folds: number of trainings, each validated on another part of the images.
        how_many_more: whether to add trainings with a quarter and with half of the images.
        seed: seed of the split.
        validation: dataset of validation images; by default a fifth of the images.

    Returns:
        Training and validation images by name of the training.

    Raises:
        ValueError: the images cannot be split.

    Example:
        >>> items = [{"image": f"{name}.tif", "foreground": 0.1} for name in "abcdefghij"]
        >>> {name: len(split[0]) for name, split in split_trainings(items, how_many_more=True).items()}
        {'trained': 8, '2 images': 2, '4 images': 4}
    """
    if validation is None:
        require_groups(items)
    if folds == 1:
        apart = None if validation is None else Path(validation).resolve()
        splits = [split_items(items, seed=seed, validation_dir=apart)]
    elif validation is None:
        splits = k_folds(items, folds, seed)
    else:
        raise ValueError(f"folds={folds} validate on the images themselves; leave out the validation images")
    trainings = {f"{FOLD} {number}": split for number, split in enumerate(splits[1:], start=2)}
    learned, held_out = splits[0]
    parts = [learned[::4], learned[::2]] if how_many_more else []
    fewer = {counted(len(part), "image"): (part, held_out) for part in parts if len(part) < len(learned)}
    return {MAIN: splits[0], **trainings, **fewer}


def some_of(split: Split) -> list[Item]:
    """Images to calibrate weights on that have learned from none of them: the validation images, and others.

    Args:
        split: training and validation images.

    Example:
        >>> [item["image"] for item in some_of(([{"image": "a"}, {"image": "b"}], [{"image": "c"}]))]
        ['c', 'a', 'b']
    """
    learned, held_out = split
    more = min(len(learned), max(0, MOST - len(held_out)))
    return [*held_out, *(learned[place * len(learned) // more] for place in range(more))]


def require_groups(items: Sequence[Item]) -> None:
    """Raise if all images are of one group, so that none can be held out for the validation.

    Example:
        >>> require_groups([{"image": "a.tif"}, {"image": "b.tif"}])
    """
    if len({group_of(item) for item in items}) < 2:
        raise ValueError(
            f"{file_of(items[0])}: {counted(len(items), 'image')} of one patient, slide or well cannot be "
            "split into training and validation images; annotate another one, or give validation images "
            "with --val"
        )
