"""One run of a study: a bundle, the images that it trains on, and the images that it is scored on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from cellseg_monai.data import one_fold
from cellseg_monai.data.datalist import Item, group_of
from cellseg_monai.runtime.provenance import hash_of
from cellseg_monai.runtime.settings import settings_beside

FOLDS = 5
CLASSES, VAL_INTERVAL = "classes", "val_interval"


@dataclass(frozen=True)
class Run:
    """A bundle, its training images and its test images.

    Attributes:
        name: name of the run's folder and of its rows in the tables.
        bundle: folder of the bundle.
        train: labelled training images; empty to score the ``pretrained`` weights as they are.
        tests: labelled test images by the name of the test.
        options: configuration values of the bundle by id, as on MONAI's command line. Inference uses them
            too. With ``classes``, the masks hold classes: the bundle trains with its overlay ``multi_class``,
            and classes are scored.
        overlay: names of configurations laid over ``train.json``, such as "as_published".
        validation: labelled images to choose the best epoch; by default a fifth of the training images.
        last_epoch: whether to learn from all training images and keep the weights of the last epoch, so that
            no image chooses the epoch.
        pretrained: file of the initial weights.
        factors: what distinguishes the run from the others, as columns of the tables.
        pieces: whether the connected pieces of a binary mask are its objects.
        calibrated: whether the validation images decide how to decode, see
            :func:`~cellseg_monai.jobs.calibration.calibrate`.

    Raises:
        ValueError: If an option would change the split, `calibrated` or `pieces` is combined with classes, or
            `last_epoch` with something that needs validation images.

    Example:
        >>> run = Run("fold_1", Path("bundles/skip_unet"), [{"image": "a.tif", "label": "b.tif"}], {})
        >>> run.settings["train"]
        [{'image': 'a.tif', 'label': 'b.tif'}]
    """

    name: str
    bundle: Path
    train: Sequence[Item]
    tests: Mapping[str, Sequence[Item]]
    options: Mapping[str, Any] = field(default_factory=dict)
    overlay: Sequence[str] = ()
    validation: Sequence[Item] = ()
    last_epoch: bool = False
    pretrained: Path | None = None
    factors: Mapping[str, Any] = field(default_factory=dict)
    pieces: bool = False
    calibrated: bool = False

    def __post_init__(self) -> None:
        if named := sorted({"folds", "val_fraction", "validation_dir"} & set(self.options)):
            raise ValueError(
                f"{', '.join(named)}: a study splits the images itself; use the option fold or seed instead"
            )
        if CLASSES in self.options and (self.calibrated or self.pieces):
            raise ValueError("masks of classes do not separate cells; leave out --calibrated and --pieces")
        interval = self.options.get(VAL_INTERVAL)
        needs = {"validation": self.validation, "calibrated": self.calibrated, VAL_INTERVAL: interval}
        if self.last_epoch and (given := [name for name, value in needs.items() if value]):
            raise ValueError(
                f"{', '.join(given)}: a run that keeps the weights of its last epoch has no validation "
                "images; leave it out"
            )

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that the result depends on, as JSON values."""
        own = {part.name: getattr(self, part.name) for part in fields(self)}
        described = {name: value for name, value in own.items() if name not in ("name", "factors")}
        files = sorted((self.bundle / "configs").glob("*.json"))
        described["configurations"] = hash_of(file for file in files if file.name != "metadata.json")
        described["kept_settings"] = self._kept_settings
        plain: dict[str, Any] = json.loads(json.dumps(described, default=str))
        return plain

    @property
    def _kept_settings(self) -> str | None:
        """Settings beside weights that are scored without training."""
        if self.train or self.pretrained is None:
            return None
        kept = settings_beside(self.pretrained)
        return kept.read_text() if kept.is_file() else None

    @property
    def split(self) -> tuple[Sequence[Item], Sequence[Item]]:
        """Images to train on, and validation images.

        With `last_epoch` the second are the first once more: they are scored after the last epoch only.
        """
        if self.last_epoch:
            return self.train, self.train
        if self.validation:
            return self.train, self.validation
        options = self.options
        return one_fold(
            self.train, options.get("fold", 0), folds=folds_of(self.train), seed=options.get("seed", 0)
        )


def folds_of(items: Sequence[Item]) -> int:
    """Return the number of parts that images are split into: five, or the number of groups if smaller.

    One part is the validation part.

    Example:
        >>> folds_of([{"image": "a.tif", "group": "slide 1"}, {"image": "b.tif", "group": "slide 2"}])
        2
    """
    return min(FOLDS, len({group_of(item) for item in items}))


def require_counts(counts: Sequence[int], available: int) -> None:
    """Raise if a number of training images is not between 2 and the number of available images.

    Raises:
        ValueError: If a count is out of this range.

    Example:
        >>> require_counts([2, 9], 8)
        Traceback (most recent call last):
        ...
        ValueError: counts: 9 is not between 2 and 8, the number of available training images
    """
    for count in counts:
        if not 2 <= count <= available:
            raise ValueError(
                f"counts: {count} is not between 2 and {available}, the number of available training images"
            )


def require_same(file: Path, now: Mapping[str, Any], what: str) -> None:
    """Raise if a folder holds results that were started with other values.

    Args:
        file: JSON file with the values of the earlier call, if there was one.
        now: values of this call.
        what: name of the results for the message, such as "this run".

    Raises:
        ValueError: If a value differs.

    Example:
        >>> require_same(Path("nowhere/settings.json"), {"seed": 0}, "this run")
    """
    before = json.loads(file.read_text()) if file.is_file() else now
    if differ := sorted(name for name in now if before.get(name) != now[name]):
        raise ValueError(
            f"{file.parent}: {what} was started with other {', '.join(differ)}; "
            "choose another --out, or delete the folder"
        )
