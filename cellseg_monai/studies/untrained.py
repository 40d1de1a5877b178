"""Studies that score finished weights and train nothing."""

import json
from collections.abc import Sequence
from pathlib import Path

from cellseg_monai.data.datalist import Item, file_of
from cellseg_monai.outputs import write_text
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.runtime.provenance import hash_of
from cellseg_monai.studies.run import require_same


def finished_weights(
    bundle: Path, items: Sequence[Item], record: Path, weights: Path | None = None, **more: int
) -> Path:
    """Return the file of the weights that a study scores, and record what the study started with.

    Args:
        bundle: folder of the bundle.
        items: labelled images.
        record: JSON file for the record, in the folder of the study.
        weights: file of the weights; by default those of the bundle.
        more: further values that must not change when the study continues.

    Raises:
        FileNotFoundError: If there are no weights.
        ValueError: If the study was started with other weights, images or values.

    Example:
        >>> finished_weights(Path("nowhere"), [], Path("out/record.json"))
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere/models/model.pt is missing; train the bundle, or choose weights with ...
    """
    network = weights or bundle / "models/model.pt"
    if not network.is_file():
        raise FileNotFoundError(f"{network} is missing; train the bundle, or choose weights with --weights")
    files = [Path(path) for item in items for path in (file_of(item), item["label"])]
    now = {"weights": digest_of(network), "images": hash_of(files), **more}
    require_same(record, now, "this study")
    write_text(record, json.dumps(now, indent=1))
    return network
