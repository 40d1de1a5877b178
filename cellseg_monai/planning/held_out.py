"""Predictions of images that a training did not learn from, gathered over the trainings."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from cellseg_monai.outputs import write_text
from cellseg_monai.planning.candidates import Candidate


def gather(held_out: Mapping[Path, Candidate], folder: Path) -> Path:
    """Copy the predictions of several lists of images into one folder.

    Args:
        held_out: for each list of validation images, the candidate that was scored on them.
        folder: folder for ``labels/`` and ``probability/``, with a sub-folder for each candidate.

    Returns:
        List of all images.
    """
    items = []
    for images, candidate in held_out.items():
        items += json.loads(images.read_text(encoding="utf-8"))["training"]
        for kind in ("labels", "probability"):
            if (candidate.folder / kind).is_dir():
                shutil.copytree(candidate.folder / kind, folder / kind / candidate.name, dirs_exist_ok=True)
    listed = folder / "images.json"
    write_text(listed, json.dumps({"training": items}, indent=1))
    return listed
